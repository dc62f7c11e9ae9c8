//! `r#type` is `type` on the wire.

#![deny(warnings)]

use parlor::prelude::*;

#[procedure]
pub trait Raw {
    #[incoming]
    async fn r#match(&mut self, r#type: String, #[validate(range(max = 3))] r#fn: u8) -> String;

    #[outgoing]
    fn r#loop(r#in: String);
}

struct Guest;

impl Raw for Guest {
    async fn r#match(&mut self, r#type: String, _: u8) -> String {
        r#type
    }
}

fn main() {
    let names = <RawEmitter as parlor::Contract>::INCOMING;
    assert_eq!(names, ["match"]);
    let _ = |event: RawEvent| match event {
        RawEvent::Loop { r#in } => r#in,
        RawEvent::Connection(change) => change.to_string(),
    };
    let _ = Guest;
}
