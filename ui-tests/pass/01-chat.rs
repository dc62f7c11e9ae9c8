//! The chat of the README, with a server and a client.

#![deny(warnings, missing_docs)]

use parlor::prelude::*;

/// Why a room cannot be joined.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum JoinError {
    /// The room has no capacity left.
    Full,
}

/// A chat with rooms.
#[procedure]
pub trait Chat {
    /// Sends `text` to everyone in `room`.
    #[incoming]
    async fn send_message(
        &mut self,
        room: String,
        #[validate(length(min = 1, max = 1000))] text: String,
    );

    /// Joins `room`. Answers with the users in it.
    #[incoming]
    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError>;

    /// Leaves `room`.
    #[incoming]
    async fn leave_room(&mut self, room: String);

    /// A user sent `text`.
    #[outgoing]
    fn new_message(room: String, text: String, user_id: String, timestamp: u64);

    /// A user joined.
    #[outgoing]
    fn user_joined(room: String, user_id: String);

    /// A user left.
    #[outgoing]
    fn user_left(room: String, user_id: String);
}

struct Guest {
    socket: ChatSocket,
    name: String,
}

impl Chat for Guest {
    async fn send_message(&mut self, room: String, text: String) {
        self.socket.io().to(&room).new_message(&room, text, &self.name, 0);
    }

    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError> {
        self.socket.join(&room).map_err(|_| JoinError::Full)?;
        self.socket.to(&room).user_joined(&room, &self.name);
        Ok(Vec::new())
    }

    async fn leave_room(&mut self, room: String) {
        self.socket.to(&room).user_left(&room, &self.name);
    }
}

async fn listen(chat: ChatClient, mut events: ChatEvents) {
    if let Ok(names) = chat.join_room("general").await {
        println!("{names:?}");
    }
    while let Some(event) = events.next().await {
        match event {
            ChatEvent::NewMessage { user_id, text, .. } => println!("{user_id}: {text}"),
            ChatEvent::UserJoined { user_id, .. } => println!("{user_id} came"),
            ChatEvent::UserLeft { user_id, .. } => println!("{user_id} left"),
            ChatEvent::Connection(change) => println!("{change}"),
        }
    }
}

fn main() {
    let name = "ada".to_owned();
    let chat = ChatServer::new(move |socket: ChatSocket| {
        let name = name.clone();
        async move { Ok(Guest { socket, name }) }
    });
    drop(parlor::Router::new().procedure("/chat", chat));
    let _ = listen;
    let _ = || ChatClient::connect(String::from("ws://localhost/chat"));
}
