//! `#[deprecated]` warns users of an event, not its author.

#![deny(warnings)]

use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[deprecated = "say it with `send`"]
    #[incoming]
    async fn say(&mut self, text: String) -> u64 {
        text.len() as u64
    }

    #[deprecated]
    #[outgoing]
    fn said(text: String);
}

#[expect(deprecated)]
fn main() {
    let _ = |chat: ChatClient| chat.say("hello");
    let _ = |socket: ChatSocket| socket.emit().said("hello");
}
