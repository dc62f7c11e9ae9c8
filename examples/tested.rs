//! A room and its tests: they cut a connection in memory, without a port and without waiting.
//!
//! ```sh
//! cargo test --example tested
//! ```

use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, text: String);

    #[outgoing]
    fn new_message(text: String);
}

struct Guest {
    socket: ChatSocket,
}

impl Chat for Guest {
    async fn send_message(&mut self, text: String) {
        self.socket.io().to("general").new_message(text);
    }
}

fn router() -> Router {
    let chat = ChatServer::new(|socket: ChatSocket| async move {
        if let Err(error) = socket.join("general") {
            eprintln!("{error}");
        }
        Ok(Guest { socket })
    });
    Router::new().procedure("/api/chat", chat)
}

#[tokio::main]
async fn main() -> Result<(), parlor::server::ServeError> {
    router().serve("127.0.0.1:3000").await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parlor::test::{Network, settle};

    use super::*;

    /// Returns the next message or connection change as text.
    async fn next(events: &mut ChatEvents) -> String {
        match events.next().await {
            Some(ChatEvent::NewMessage { text }) => text,
            Some(ChatEvent::Connection(change)) => change.to_string(),
            None => "nothing".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_reconnects_in_time_misses_nothing() {
        let network = Network::new(router());
        let line = network.line();
        let (_ada, mut events) = line.client::<ChatClient>("/api/chat").connect().await.unwrap();
        let (bob, _) = network.line().client::<ChatClient>("/api/chat").connect().await.unwrap();

        line.refuse();
        line.cut();
        assert!(next(&mut events).await.starts_with("connection lost"));
        bob.send_message("Hello!").unwrap();
        settle().await;
        assert_eq!((network.connections(), network.sessions()), (1, 2));

        line.accept();
        assert_eq!(next(&mut events).await, "connection restored");
        assert_eq!(next(&mut events).await, "Hello!");
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_reconnects_too_late_gets_fresh_session() {
        let network = Network::new(router());
        let line = network.line();
        let (ada, mut events) = line.client::<ChatClient>("/api/chat").connect().await.unwrap();

        line.refuse();
        line.cut();
        // The clock is paused, so this takes no time.
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert_eq!(network.sessions(), 0);
        line.accept();
        assert!(next(&mut events).await.starts_with("connection lost"));
        let restored =
            "connection restored, with a fresh session: the client was disconnected for too long";
        assert_eq!(next(&mut events).await, restored);
        drop(ada);
    }
}
