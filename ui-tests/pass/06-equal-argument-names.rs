//! Fields may have the names of our own variables.

#![deny(warnings, missing_docs)]

use parlor::prelude::*;

/// All of them.
#[procedure]
pub trait Names {
    /// In.
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

    /// Out.
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

    /// Events with the names of ours.
    #[incoming]
    async fn emit(&mut self, call: u8);

    /// Another.
    #[incoming]
    async fn handle(&mut self) -> u8;

    /// Another.
    #[outgoing]
    fn decode(#[payload] payload: String);

    /// Another.
    #[outgoing]
    fn self_();
}

fn main() {}
