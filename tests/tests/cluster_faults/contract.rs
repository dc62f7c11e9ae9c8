//! A procedure whose server sends numbered events to rooms.

use parlor::backplane::JoinConfirmation;
use parlor::prelude::*;

#[procedure]
pub(crate) trait Feed {
    /// The event with this number of those that `node` emits to `room`. `sent_at` is in microseconds since the start
    /// of the row.
    #[outgoing]
    fn told(room: usize, node: usize, number: u64, sent_at: u64, text: String);
}

pub(crate) struct FeedSession;

impl Feed for FeedSession {}

pub(crate) fn room_name(room: usize) -> String {
    format!("room-{room}")
}

/// A server whose sessions join the room of their query. The handshake ends when the events of all nodes to it
/// arrive.
pub(crate) fn feed() -> FeedServer<FeedSession> {
    FeedServer::new(|socket: FeedSocket| async move {
        let room = socket.request().query().unwrap_or_default().to_owned();
        // On a busy machine it may take longer than 500 ms.
        while socket.join_confirmed(&room).await.expect("joined") != JoinConfirmation::Confirmed {}
        Ok(FeedSession)
    })
}
