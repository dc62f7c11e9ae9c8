//! Clients and servers in one test, without ports and without waiting.
//!
//! Behind the crate feature `test`; it is for `[dev-dependencies]`, beside tokio's `test-util`, which
//! pauses the clock:
//!
//! ```toml
//! [dev-dependencies]
//! parlor = { version = "0.1", features = ["test"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! A [`Network`] serves a [`Router`](crate::Router) in memory; a [`Line`] is one client's way to it,
//! which the test can cut, stall and slow down. Client and server are the real ones: they dial again,
//! resume their sessions, miss heartbeats and give up as they do elsewhere.
//!
//! With `start_paused = true` the clock stands still while anything can be done, and jumps to the next
//! timer when nothing can: half a minute of silence takes no time, and nothing is a matter of luck.
//! To let time pass, `tokio::time::sleep(..)`; to let all that was begun come to its end first,
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
//! # async fn main() { a_message_survives_a_cut().await; }
//! async fn a_message_survives_a_cut() {
//!     let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) });
//!     let network = Network::new(Router::new().procedure("/chat", chat));
//!     let line = network.line();
//!     let (ada, mut events) = line.client::<ChatClient>("/chat").connect().await.unwrap();
//!
//!     line.stall();
//!     ada.say("Hello!").unwrap();
//!     parlor::test::settle().await;
//!     // The greeting was on its way, and is lost with the connection.
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

mod cable;
mod end;
mod line;
mod network;

use std::time::Duration;

pub use end::End;
pub use line::{Line, Side};
pub use network::Network;

/// Waits until nothing moves any more: what was sent has arrived, unless its line is stalled, cut or
/// slow, and handlers have come as far as they can.
///
/// It waits for 1 ms of tokio's clock. On the paused clock, for which it is made, that passes only when
/// no task has anything to do.
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
