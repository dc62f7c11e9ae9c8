//! Decoding of names, defaults, options, surplus fields and rules.

#![deny(warnings)]

use parlor::__private::{Contract, DecodeError, Events};
use parlor::prelude::*;

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Point {
    x: i32,
}

#[procedure]
pub trait Board {
    #[incoming]
    async fn draw(
        &mut self,
        user_id: String,
        at: Point,
        size: Option<u8>,
        #[field(default)] r#type: String,
        #[field(name = "over", default)] target: Option<Point>,
        #[validate(length(max = 2), inner(length(min = 1)))] tags: Option<Vec<String>>,
    );

    #[outgoing]
    fn drawn(user_id: String, at: Point, size: Option<u8>);

    #[outgoing]
    fn moved(#[payload] to: Point);

    #[outgoing]
    fn cleared();
}

type Decoded<T> = Result<T, DecodeError<serde_json::Error>>;

fn decode<T: Events>(name: &str, json: &str) -> Decoded<T> {
    T::decode(name, &mut serde_json::Deserializer::from_str(json))
}

fn incoming(json: &str) -> Decoded<<BoardEmitter as Contract>::Incoming> {
    decode("draw", json)
}

fn main() {
    assert!(incoming(r#"{"userId": "a", "at": {"x": 1}}"#).is_ok());
    assert!(incoming(r#"{"more": [{}], "at": {"x": 1}, "size": null, "userId": "a"}"#).is_ok());
    assert!(matches!(incoming(r#"{"userId": "a"}"#), Err(DecodeError::Missing("at"))));
    assert!(matches!(incoming("null"), Err(DecodeError::Missing("userId"))));
    assert!(matches!(incoming(r#"{"userId": 1, "at": {"x": 1}}"#), Err(DecodeError::Codec(_))));
    assert!(matches!(incoming("[]"), Err(DecodeError::Codec(_))));
    match incoming(r#"{"userId": "a", "at": {"x": 1}, "tags": ["b", ""]}"#) {
        Err(DecodeError::Invalid(violation)) => assert_eq!(violation.path, "tags[1]"),
        _ => panic!("the second tag is empty"),
    }
    match decode("drawn", r#"{"userId": "a", "at": {"x": 1}}"#) {
        Ok(BoardEvent::Drawn { user_id, at, size }) => {
            assert_eq!((user_id.as_str(), at, size), ("a", Point { x: 1 }, None));
        }
        _ => panic!("an event"),
    }
    let moved: Decoded<BoardEvent> = decode("moved", r#"{"x": 1}"#);
    assert_eq!(format!("{:?}", moved.ok()), "Some(Moved(..))");
    for nothing in ["null", "{}"] {
        assert!(matches!(decode("cleared", nothing), Ok(BoardEvent::Cleared)));
    }
    assert!(matches!(decode::<BoardEvent>("drew", "{}"), Err(DecodeError::Unknown)));
}
