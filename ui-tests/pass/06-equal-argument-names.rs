//! Fields may have the names of local variables of generated code.

#![deny(warnings, missing_docs)]

use parlor::prelude::*;

/// Events with such fields.
#[procedure]
pub trait Names {
    /// An incoming event.
    #[incoming]
    async fn all(
        &mut self,
        socket: String,
        server: u8,
        room: String,
        self_: String,
        payload: u8,
        event: String,
        #[validate(length(max = 3))] name: String,
        reply: u8,
        session: u8,
        answer: u8,
        #[validate(range(max = 3))] value: Option<u8>,
        #[validate(inner(length(max = 3)))] element: Vec<String>,
        check: u8,
    ) -> String;

    /// An outgoing event.
    #[outgoing]
    fn every(
        socket: String,
        io: u8,
        room: String,
        self_: String,
        payload: u8,
        event: String,
        name: String,
        f: u8,
        change: String,
        emitter: u8,
        client: u8,
        url: String,
        names: u8,
        values: u8,
    );

    /// An event with the name of a local variable.
    #[incoming]
    async fn emit(&mut self, call: u8);

    /// Another one.
    #[incoming]
    async fn handle(&mut self) -> u8;

    /// Another one.
    #[outgoing]
    fn decode(#[payload] payload: String);

    /// Another one.
    #[outgoing]
    fn self_();
}

fn main() {}
