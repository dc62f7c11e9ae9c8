use parlor::prelude::*;

/// A chat with rooms.
#[procedure(typescript)]
pub trait Chat {
    /// Sends `text` to everyone in `room`.
    #[incoming]
    async fn send_message(
        &mut self,
        room: String,
        #[validate(length(min = 1, max = 1000))] text: String,
    );

    /// Joins `room`. Returns its members.
    #[incoming]
    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError>;

    /// Leaves `room`.
    #[incoming]
    async fn leave_room(&mut self, room: String);

    /// A message in a room.
    #[outgoing]
    fn new_message(room: String, text: String, user_id: String, timestamp: u64);

    /// A user joined a room.
    #[outgoing]
    fn user_joined(room: String, user_id: String);

    /// A user left a room.
    #[outgoing]
    fn user_left(room: String, user_id: String);
}

/// Why joining a room failed.
#[payload(typescript)]
#[derive(Debug)]
#[serde(tag = "error")]
pub enum JoinError {
    /// The room cannot be joined, for the reason in `message`.
    NoEntry { message: String },
}
