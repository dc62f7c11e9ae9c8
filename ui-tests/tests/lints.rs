//! What the linter says of what is generated: nothing. (`pass/` shows it to the compiler only.)

use parlor::prelude::*;

/// A chat, whose default handlers ignore what they get.
#[procedure]
pub trait Chat {
    /// Says something to nobody.
    #[incoming]
    async fn ignored(&mut self, _text: String, #[validate(length(max = 3))] _tag: Option<String>) {}

    /// The same as the whole message.
    #[incoming]
    async fn ignored_whole(&mut self, #[payload] _text: String) {}

    /// Somebody said something.
    #[outgoing]
    fn said(_text: String);

    /// Somebody is where they are now.
    #[outgoing(latest = _by.id)]
    fn moved(_by: User, _to: u32);

    /// The same, of a whole message.
    #[outgoing(latest = by.id)]
    fn went(#[payload] by: User);

    /// The same, of names.
    #[outgoing(latest = _name)]
    fn came(_name: String);
}

/// Somebody.
#[payload]
pub struct User {
    id: u64,
}

struct Guest;

impl Chat for Guest {}

#[test]
fn ignored_fields_compile() {
    let _ = ChatServer::new(|_: ChatSocket| async move { Ok(Guest) });
}
