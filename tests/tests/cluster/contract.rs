//! A procedure that sends numbered messages to rooms.

use parlor::backplane::JoinConfirmation;
use parlor::prelude::*;

#[procedure]
pub(crate) trait Relay {
    /// Sends a message to all members of `room`, with the sender.
    #[incoming]
    async fn tell(&mut self, room: String, sender: usize, number: usize);

    #[outgoing]
    fn told(room: String, sender: usize, number: usize);
}

pub(crate) struct RelaySession {
    socket: RelaySocket,
}

impl Relay for RelaySession {
    async fn tell(&mut self, room: String, sender: usize, number: usize) {
        self.socket.io().to(&room).told(&room, sender, number);
    }
}

/// A server whose sessions join the rooms of their query, separated by commas. The handshake ends when the events of
/// all nodes to these rooms arrive.
pub(crate) fn relay() -> RelayServer<RelaySession> {
    RelayServer::new(|socket: RelaySocket| async move {
        let rooms = socket.request().query().unwrap_or_default().to_owned();
        for room in rooms.split(',') {
            let join = async || socket.join_confirmed(room).await.expect("joined");
            // On a busy machine it may take longer than 500 ms.
            while join().await != JoinConfirmation::Confirmed {}
        }
        Ok(RelaySession { socket })
    })
}
