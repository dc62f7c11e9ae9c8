//! A node of Parlor, with default settings: one thread per core.
//!
//! It prints `reported N` when the program is told of lost events: the sum so far.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use parlor::backplane::{Gap, Redis};
use parlor::prelude::*;
use tokio::net::TcpListener;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn join_room(&mut self, room: String);
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

    async fn send_message(&mut self, room: String, text: String) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.socket.io().to(&room).new_message(&room, text, &self.user_id, now);
    }

    async fn echo(&mut self, text: String) {
        self.socket.emit().echoed(text);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = ChatServer::new(|socket: ChatSocket| async move {
        let user_id = socket.id().to_string();
        Ok(Guest { socket, user_id })
    });
    let mut gaps = chat.io().gaps();
    tokio::spawn(async move {
        let mut reported = 0;
        while let Some(gap) = gaps.next().await {
            match gap {
                Gap::Lost { lost, .. } => {
                    reported += lost;
                    println!("reported {reported}");
                }
                // These have no number of events.
                other => eprintln!("{other:?}"),
            }
        }
    });
    let redis = Redis::connect(std::env::var("REDIS_URL")?).await?;
    let listener = TcpListener::bind(format!("127.0.0.1:{}", std::env::var("PORT")?)).await?;
    let router = Router::new().procedure("/chat", chat).backplane(redis);
    Ok(router.serve(listener).with_threads(0).await?)
}
