//! Who is in a room, on all nodes of a cluster.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::contract::ChatSocket;

/// How long after an incomplete list the other nodes are asked again.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Keeps the lists of one client right.
#[derive(Clone, Default)]
pub struct People {
    incomplete: Arc<Notify>,
}

impl People {
    /// The names of those in a room.
    pub async fn list(&self, socket: &ChatSocket, room: &str) -> Vec<String> {
        // A node with another version of this program may show other values than names.
        let Ok(answer) = socket.io().ask().presence(room).await else { return Vec::new() };
        if !answer.complete {
            self.incomplete.notify_one();
        }
        answer.value.into_iter().map(|member| member.presence).collect()
    }

    /// Sends whole lists when events between nodes are lost, since joins and leaves may be among them, and when a
    /// list was incomplete. Without a backplane it never sends any.
    pub async fn correct(self, socket: ChatSocket) {
        let mut gaps = socket.io().gaps();
        loop {
            tokio::select! {
                gap = gaps.next() => if gap.is_none() { return },
                () = self.incomplete.notified() => sleep(ASK_AGAIN).await,
            }
            // The lists are newer than what was reported before.
            gaps = socket.io().gaps();
            for room in socket.rooms() {
                let people = self.list(&socket, &room).await;
                socket.emit().people(&room, &people);
            }
        }
    }

    /// Asks again later: something of the room may be missing.
    pub fn is_incomplete(&self) {
        self.incomplete.notify_one();
    }
}
