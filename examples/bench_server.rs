//! The server that Parlor is measured with: a chat with an echo, all defaults on.
//!
//! ```sh
//! PORT=9001 cargo run --release --example bench_server             # Parlor's own server, a thread per core
//! PORT=9001 cargo run --release --example bench_server -- --axum   # inside axum
//! ```

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parlor::prelude::*;
use tokio::net::TcpListener;

#[procedure]
trait Chat {
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

struct Guest {
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
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.socket.io().to(&room).new_message(&room, text, &self.user_id, timestamp);
    }

    async fn echo(&mut self, text: String) {
        self.socket.emit().echoed(text);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let port = std::env::var("PORT").unwrap_or_else(|_| "9001".to_owned());
    let chat = ChatServer::new(|socket: ChatSocket| async move {
        let user_id = socket.id().to_string();
        Ok(Guest { socket, user_id })
    });
    let args: Vec<String> = std::env::args().collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let chat = if has("--no-recovery") { chat.recovery_window(Duration::ZERO) } else { chat };
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    let router = Router::new().procedure("/chat", chat);
    if has("--axum") {
        let app = axum::Router::new().fallback_service(router.clone());
        axum::serve(listener, app).with_graceful_shutdown(parlor_examples::ctrl_c()).await?;
        router.shutdown().await;
    } else {
        router.serve(listener).with_threads(0).with_signals().await?;
    }
    Ok(())
}
