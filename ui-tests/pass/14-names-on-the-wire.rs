//! `rename_all`, `name` and `#[field]`.

#![deny(warnings)]

use parlor::{Contract, prelude::*};

#[procedure(rename_all = "kebab-case", name = "chat")]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, user_id: String);

    #[incoming(name = "join")]
    async fn join_room(&mut self, #[field(name = "room", default)] room_name: String);

    #[incoming]
    async fn typing(&mut self);

    #[outgoing]
    fn typing(user_id: String);

    #[outgoing(name = "disconnected")]
    fn gone(#[field(default)] why: Option<String>);
}

fn main() {
    assert_eq!(ChatEmitter::NAME, "chat");
    assert_eq!(ChatEmitter::INCOMING, ["send-message", "join", "typing"]);
}
