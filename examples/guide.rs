//! The smallest server with rooms and a TypeScript client. `tests/web/guide` has its clients.
//!
//! ```sh
//! cargo run --example guide                       # at ws://127.0.0.1:3000/api/chat/wsChat
//! cargo run --example guide -- typescript DIR     # writes the client to a folder
//! ```

use std::env;
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use parlor::prelude::*;
use tokio::net::TcpListener;

#[procedure(typescript)]
pub trait Chat {
    #[incoming]
    async fn send_message(
        &mut self,
        room: String,
        #[validate(length(min = 1, max = 1000))] text: String,
    );

    #[incoming]
    async fn join_room(&mut self, room: String);

    #[incoming]
    async fn leave_room(&mut self, room: String);

    #[outgoing]
    fn new_message(room: String, text: String, user_id: String, timestamp: u64);

    #[outgoing]
    fn user_joined(room: String, user_id: String);

    #[outgoing]
    fn user_left(room: String, user_id: String);
}

struct Client {
    socket: ChatSocket,
    io: ChatIo,
}

impl Chat for Client {
    async fn send_message(&mut self, room: String, text: String) {
        self.io.to(&room).new_message(&room, text, self.socket.id(), now());
    }

    async fn join_room(&mut self, room: String) {
        match self.socket.join(&room) {
            Ok(_) => self.io.to(&room).user_joined(&room, self.socket.id()),
            Err(error) => eprintln!("{error}"),
        }
    }

    async fn leave_room(&mut self, room: String) {
        self.socket.leave(&room);
        self.io.to(&room).user_left(&room, self.socket.id());
    }

    async fn disconnected(&mut self, _reason: DisconnectReason) {
        println!("Client {} disconnected", self.socket.id());
    }
}

/// Emits to two rooms. A client that is in both receives one copy.
fn announce_shutdown(io: &ChatIo) {
    io.to(["room-1", "room-2"]).new_message("room-1", "The server closes.", "server", now());
}

fn router() -> (Router, ChatIo) {
    let chat = ChatServer::new(|socket: ChatSocket| async move {
        let io = socket.io();
        Ok(Client { socket, io })
    });
    let io = chat.io();
    (Router::new().procedure("/api/chat/wsChat", chat), io)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let (router, io) = router();
    let args: Vec<String> = env::args().skip(1).collect();
    let addr = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => format!("127.0.0.1:{}", env::var("PORT").as_deref().unwrap_or("3000")),
        ["--addr", addr] => addr.to_owned(),
        ["typescript", folder] => {
            router.typescript().write(folder)?;
            return Ok(());
        }
        _ => return Err("usage: guide [--addr 127.0.0.1:3000] | guide typescript DIR".into()),
    };
    let listener = TcpListener::bind(addr).await?;
    println!("listening at ws://{}/api/chat/wsChat", listener.local_addr()?);
    let stop = async move {
        parlor_examples::ctrl_c().await;
        announce_shutdown(&io);
    };
    router.serve(listener).with_graceful_shutdown(stop).await?;
    Ok(())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
