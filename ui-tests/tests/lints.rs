//! clippy reports nothing in generated code. (`pass/` is compiled without clippy.)

use parlor::prelude::*;

/// A chat whose default handlers ignore their arguments.
#[procedure]
pub trait Chat {
    /// Has unused arguments.
    #[incoming]
    async fn ignored(&mut self, _text: String, #[validate(length(max = 3))] _tag: Option<String>) {}

    /// Has an unused whole payload.
    #[incoming]
    async fn ignored_whole(&mut self, #[payload] _text: String) {}

    /// A user sent a text.
    #[outgoing]
    fn said(_text: String);

    /// A user moved.
    #[outgoing(latest = _by.id)]
    fn moved(_by: User, _to: u32);

    /// The same with a whole payload.
    #[outgoing(latest = by.id)]
    fn went(#[payload] by: User);

    /// The same with a string.
    #[outgoing(latest = _name)]
    fn came(_name: String);
}

/// A user.
#[payload]
pub struct User {
    id: u64,
}

struct Guest;

impl Chat for Guest {}

#[test]
fn unused_fields_cause_no_warning() {
    let _ = ChatServer::new(|_: ChatSocket| async move { Ok(Guest) });
}
