//! The smallest whole program: a server and a client in one.
//!
//! ```sh
//! cargo run --example hello
//! ```

use parlor::prelude::*;
use tokio::net::TcpListener;

#[procedure]
pub trait Chat {
    /// Says `text` to everyone in `room`.
    #[incoming]
    async fn send_message(
        &mut self,
        room: String,
        #[validate(length(min = 1, max = 1000))] text: String,
    );

    #[incoming]
    async fn join_room(&mut self, room: String);

    #[outgoing]
    fn new_message(room: String, text: String, user_id: String);
}

/// One value per client holds that client's state.
struct Guest {
    socket: ChatSocket,
}

impl Chat for Guest {
    async fn send_message(&mut self, room: String, text: String) {
        self.socket.io().to(&room).new_message(&room, text, self.socket.id());
    }

    async fn join_room(&mut self, room: String) {
        if let Err(error) = self.socket.join(&room) {
            eprintln!("{error}");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) });
    let router = Router::new().procedure("/api/chat", chat);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/api/chat", listener.local_addr()?);
    tokio::spawn(async move { router.serve(listener).await });

    // The client is typed by the same trait.
    let (chat, mut events) = ChatClient::connect(&url).await?;
    chat.join_room("general")?;
    chat.send_message("general", "Hello!")?;
    while let Some(event) = events.next().await {
        // A forgotten event does not compile.
        match event {
            ChatEvent::NewMessage { user_id, text, .. } => {
                println!("{user_id}: {text}");
                chat.close();
            }
            ChatEvent::Connection(change) => println!("{change}"),
        }
    }
    Ok(())
}
