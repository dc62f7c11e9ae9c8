//! Tests with clients and a server in one process, without ports and without real delays.
//!
//! This module needs the feature `test`. Use it in `[dev-dependencies]`, together with tokio's
//! `test-util`, which can pause the clock:
//!
//! ```toml
//! [dev-dependencies]
//! parlor = { version = "0.1", features = ["test"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! A [`Network`] serves a [`Router`](crate::Router) in memory. A [`Line`] is the network path
//! between one client and the server; the test can cut, stall and slow it down. Client and server
//! are the real ones: they reconnect, resume sessions, miss heartbeats and give up as they do on
//! TCP.
//!
//! With `start_paused = true` the clock stands still while a task can run, and jumps to the next
//! timer when none can. So 30 s of silence take no time, and a test does the same each time it
//! runs. Let time pass with `tokio::time::sleep(..)`, and let all tasks finish their work with
//! [`settle`].
//!
//! ```
//! use parlor::prelude::*;
//! use parlor::test::Network;
//!
//! #[procedure]
//! pub trait Chat {
//!     #[incoming]
//!     async fn say(&mut self, text: String);
//!     #[outgoing]
//!     fn said(text: String);
//! }
//!
//! struct Guest {
//!     socket: ChatSocket,
//! }
//!
//! impl Chat for Guest {
//!     async fn say(&mut self, text: String) {
//!         self.socket.io().broadcast().said(text);
//!     }
//! }
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() { message_is_replayed_after_cut().await; }
//! async fn message_is_replayed_after_cut() {
//!     let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) });
//!     let network = Network::new(Router::new().procedure("/chat", chat));
//!     let line = network.line();
//!     let (ada, mut events) = line.client::<ChatClient>("/chat").connect().await.unwrap();
//!
//!     line.stall();
//!     ada.say("Hello!").unwrap();
//!     parlor::test::settle().await;
//!     // The message is in flight and is lost with the connection. The client replays it.
//!     line.cut();
//!     line.resume();
//!
//!     let mut seen = Vec::new();
//!     while let Some(event) = events.next().await {
//!         match event {
//!             ChatEvent::Connection(change) => seen.push(change.to_string()),
//!             ChatEvent::Said { text } => {
//!                 seen.push(text);
//!                 break;
//!             }
//!         }
//!     }
//!     assert!(seen[0].starts_with("connection lost"), "{seen:?}");
//!     assert_eq!(seen[1..], ["connection restored", "Hello!"]);
//! }
//! ```

mod connection;
mod end;
mod line;
mod network;

use std::time::Duration;

pub use end::End;
pub use line::{Line, Side};
pub use network::Network;

/// Waits until no task can run: what was sent has arrived, unless its line is stalled, cut or slow,
/// and handlers wait for something or have returned.
///
/// It sleeps for 1 ms of tokio's clock. On the paused clock, for which it is made, this time passes
/// only when no task can run.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let task = tokio::spawn(async { 42 });
/// parlor::test::settle().await;
/// assert!(task.is_finished());
/// # }
/// ```
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
