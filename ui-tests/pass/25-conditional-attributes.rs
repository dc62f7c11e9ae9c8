//! `#[cfg_attr(condition, attribute)]` does what the attribute does if the condition is true, and nothing
//! if not.

#![deny(warnings, missing_docs)]
#![allow(unexpected_cfgs)]

use parlor::prelude::*;
use parlor::Contract;

/// A chat.
#[cfg_attr(all(), procedure(typescript))]
#[cfg_attr(all(), allow(non_snake_case))]
pub trait Chat {
    #![cfg_attr(all(), doc = "Its events.")]

    /// Never exists.
    #[cfg_attr(all(), cfg(any()))]
    #[incoming]
    async fn never(&mut self, message: DoesNotExist) -> AlsoNot;

    /// The condition of its `cfg` is not evaluated.
    #[cfg_attr(any(), cfg(any()))]
    #[incoming]
    async fn always(&mut self, text: String) -> u64;

    /// Does not exist either.
    #[cfg_attr(all(), cfg_attr(not(any()), cfg(any()), allow(unused)))]
    #[outgoing]
    fn not_sent(#[validate(nested)] message: DoesNotExist);

    /// One of two.
    #[cfg_attr(all(), cfg(any()))]
    #[outgoing]
    fn either(number: u8);

    #[cfg_attr(all(), doc = "The other one.", cfg(all()))]
    #[outgoing]
    fn either(text: String);

    #[cfg_attr(any(), doc = "No text.")]
    #[outgoing]
    #[cfg_attr(all(), allow(missing_docs))]
    fn undocumented(#[cfg_attr(any(), doc = "No text.")] text: String);

    /// The attributes of its field depend on conditions.
    #[cfg_attr(all(), parlor::incoming(name = "named"), doc = "Its marker too.")]
    async fn conditional(
        &mut self,
        #[cfg_attr(all(), validate(length(max = 3)), field(name = "short", default))]
        #[cfg_attr(any(), validate(length(max = 1)))]
        #[cfg_attr(all(), doc = "A text.")]
        text: String,
        #[cfg_attr(any(), cfg(any()), payload)] number: u8,
    );

    /// A whole payload.
    #[cfg_attr(any(), incoming)]
    #[cfg_attr(not(any()), outgoing(latest))]
    fn whole(#[cfg_attr(all(), payload)] whole: Whole);

    /// Use `either`.
    #[cfg_attr(all(), deprecated(note = "use `either`"))]
    #[outgoing]
    fn old(text: String);

    /// A name that is in a condition is no marker.
    #[cfg_attr(not(feature = "incoming"), doc = "Its `outgoing` is no marker.")]
    #[outgoing]
    fn sent(text: String);

    /// The macro leaves bodies to rustc.
    #[incoming]
    async fn body(&mut self) {
        #[cfg_attr(all(), cfg(any()))]
        does_not_exist();
    }
}

/// A payload.
#[cfg_attr(all(), payload(typescript), derive(Clone))]
#[cfg_attr(all(), serde(rename_all = "kebab-case"))]
pub struct Whole {
    /// A number.
    #[cfg_attr(all(), serde(rename = "n"), ts(rename = "n"), doc = "Its name is `n`.")]
    pub the_number: u8,
    /// Not in the message.
    #[cfg_attr(all(), cfg_attr(all(), serde(skip)))]
    pub skipped: Vec<u8>,
    /// Absent.
    #[cfg_attr(all(), cfg(any()))]
    pub absent: DoesNotExist,
    /// A text.
    #[cfg_attr(any(), serde(rename = "never"), doc = "No text.")]
    #[cfg_attr(all(), serde(with = "as_text"), ts(type = "string"))]
    pub as_text: u8,
    /// A choice.
    pub choice: Choice,
}

macro_rules! procedure_with {
    ($name:ident, $condition:meta, $attribute:meta) => {
        /// A trait from a macro.
        #[parlor::procedure]
        pub trait $name {
            /// An event.
            #[cfg_attr($condition, $attribute)]
            #[outgoing]
            #[cfg_attr($condition, doc = "Its doc.")]
            fn sent(#[cfg_attr($condition, validate(length(max = 3)))] text: String);
        }
    };
}

procedure_with!(FromMacro, all(), cfg(any()));
procedure_with!(FromMacroToo, any(), cfg(any()));

/// A choice.
#[payload(typescript)]
#[derive(Clone)]
pub enum Choice {
    /// One.
    #[cfg_attr(all(), serde(rename = "1"))]
    One,
    /// Two.
    #[cfg_attr(all(), serde(rename_all = "UPPERCASE"), doc = "A pair.")]
    Two {
        /// The first.
        first: u8,
        /// The second.
        #[cfg_attr(all(), serde(rename = "2nd"))]
        second: u8,
    },
    /// Three.
    #[cfg_attr(all(), serde(rename = "drei"))]
    Δrei(#[cfg_attr(all(), ts(type = "string"), serde(with = "as_text"))] u8),
    /// None.
    #[cfg_attr(all(), cfg(any()))]
    Never(DoesNotExist),
}

/// A pair.
#[payload(typescript)]
pub struct Pair(
    #[cfg_attr(all(), serde(with = "as_text"), ts(type = "string"))] u8,
    #[cfg_attr(any(), serde(with = "does_not_exist"))] u8,
);

/// Without TypeScript.
#[payload]
pub struct Plain {
    /// A field.
    #[cfg_attr(all(), serde(rename = "x"))]
    pub ünlike: u8,
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

struct Guest(ChatSocket);

impl Chat for Guest {
    async fn always(&mut self, text: String) -> u64 {
        self.0.emit().either(text);
        0
    }

    async fn conditional(&mut self, text: String, number: u8) {
        let _ = (text, number);
    }
}

#[expect(deprecated)]
fn deprecated(socket: &ChatSocket) {
    socket.emit().old("text");
}

fn main() {
    assert_eq!(ChatEmitter::INCOMING, ["always", "named", "body"]);
    let names: Vec<_> = ChatEmitter::OUTGOING.iter().map(|event| event.name).collect();
    assert_eq!(names, ["either", "undocumented", "whole", "old", "sent"]);
    assert_eq!((FromMacroEmitter::OUTGOING.len(), FromMacroTooEmitter::OUTGOING.len()), (0, 1));
    let choice = Choice::Two { first: 1, second: 2 };
    let whole = Whole { the_number: 1, skipped: vec![1], as_text: 2, choice };
    let json = serde_json::json!({ "n": 1, "as-text": "2", "choice": { "two": { "FIRST": 1, "2nd": 2 } } });
    assert_eq!(serde_json::to_value(whole).unwrap(), json);
    assert_eq!(serde_json::to_value([Choice::One, Choice::Δrei(3)]).unwrap(), serde_json::json!(["1", { "drei": "3" }]));
    assert_eq!(serde_json::to_string(&Pair(1, 2)).unwrap(), r#"["1",2]"#);
    assert_eq!(serde_json::to_string(&Plain { ünlike: 1 }).unwrap(), r#"{"x":1}"#);
    let _ = deprecated;
    let server = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest(socket)) });
    let router = parlor::Router::new().procedure("/api/chat", server);
    let folder = std::env::temp_dir().join(format!("parlor-conditional-{}", std::process::id()));
    router.typescript().write(&folder).unwrap();
    let written = std::fs::read_to_string(folder.join("index.ts")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    for part in ["Its events.", "Its marker too.", "A text.", "@deprecated use `either`", "The other one.", "Its name is `n`."] {
        assert!(written.contains(part), "`{part}` is missing in {written}");
    }
    assert!(!written.contains("No text."), "{written}");
}
