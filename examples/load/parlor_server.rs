//! The chat with Parlor and default settings.

use std::time::{SystemTime, UNIX_EPOCH};

use parlor::Server;
use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn join_room(&mut self, room: String);
    #[incoming]
    async fn leave_room(&mut self, room: String);
    #[incoming]
    async fn send_message(&mut self, room: String, text: String);
    #[incoming]
    async fn echo(&mut self, text: String);

    #[outgoing]
    fn new_message(room: String, text: String, user_id: String, timestamp: u64);
    #[outgoing]
    fn echoed(text: String);
}

pub struct Guest {
    socket: ChatSocket,
    user_id: String,
}

impl Chat for Guest {
    async fn join_room(&mut self, room: String) {
        if let Err(error) = self.socket.join(&room) {
            eprintln!("{error}");
        }
    }

    async fn leave_room(&mut self, room: String) {
        self.socket.leave(&room);
    }

    async fn send_message(&mut self, room: String, text: String) {
        self.socket.io().to(&room).new_message(&room, text, &self.user_id, now());
    }

    async fn echo(&mut self, text: String) {
        self.socket.emit().echoed(text);
    }
}

pub fn chat() -> Server<ChatEmitter, Guest> {
    ChatServer::new(|socket: ChatSocket| async move {
        let user_id = socket.id().to_string();
        Ok(Guest { socket, user_id })
    })
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
