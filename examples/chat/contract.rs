use parlor::prelude::*;

/// A chat with rooms.
#[procedure(typescript)]
pub trait Chat {
    /// Says `text` to everyone in `room`.
    #[incoming]
    async fn send_message(
        &mut self,
        room: String,
        #[validate(length(min = 1, max = 1000))] text: String,
    );

    /// Enters `room`; answers with who is there.
    #[incoming]
    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError>;

    /// Leaves `room`.
    #[incoming]
    async fn leave_room(&mut self, room: String);

    /// Somebody said something.
    #[outgoing]
    fn new_message(room: String, text: String, user_id: String, timestamp: u64);

    /// Somebody came.
    #[outgoing]
    fn user_joined(room: String, user_id: String);

    /// Somebody left.
    #[outgoing]
    fn user_left(room: String, user_id: String);
}

/// Why a room could not be entered.
#[payload(typescript)]
#[derive(Debug)]
#[serde(tag = "error")]
pub enum JoinError {
    /// The room cannot be entered, and why.
    NoEntry { message: String },
}
