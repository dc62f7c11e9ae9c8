//! Typed, real-time WebSocket servers with rooms, and their clients in Rust and TypeScript.
//!
//! One trait declares the events that clients send (`#[incoming]`) and those that the server sends
//! (`#[outgoing]`). The server's sockets, dispatch and rooms, the Rust client and the TypeScript client
//! are generated from it: a missing event, a misspelt name or a wrong field does not compile.
//!
//! - Calls: an event with a return type has a typed answer, and a typed error.
//! - Rooms: an event for many clients is encoded once.
//! - Sessions outlive their connections: a client that reconnects continues where it was, with no
//!   event lost and none twice.
//! - Bad input gets an error that names the field and the rule. A panic in a handler ends one session.
//! - Messages, queues and waits have [limits](#limits).
//!
//! # A tour in five steps
//!
//! ```toml
//! [dependencies]
//! parlor = "0.1"
//! tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//! ```
//!
//! ## 1. The contract
//!
//! A trait with the attribute [`procedure`] is one WebSocket endpoint. Its methods are events:
//!
//! ```
//! use parlor::prelude::*;
//!
//! #[procedure]
//! pub trait Chat {
//!     /// A call: it has an answer.
//!     #[incoming]
//!     async fn join_room(&mut self, room: String) -> Result<usize, JoinError>;
//!
//!     #[incoming]
//!     async fn send_message(
//!         &mut self,
//!         room: String,
//!         #[validate(length(min = 1, max = 1000))] text: String,
//!     );
//!
//!     #[incoming]
//!     async fn whisper(&mut self, to: SocketId, text: String);
//!
//!     #[outgoing]
//!     fn new_message(#[payload] message: Message);
//! }
//!
//! /// A type inside of events. It needs no serde.
//! #[payload]
//! #[derive(Debug, Clone)]
//! pub struct Message {
//!     pub from: SocketId,
//!     pub text: String,
//! }
//!
//! #[payload]
//! #[derive(Debug)]
//! pub enum JoinError {
//!     Closed { reason: String },
//! }
//! # fn main() {}
//! ```
//!
//! From this, the macro generates:
//!
//! | item | is |
//! | --- | --- |
//! | `trait Chat` | the handlers, for the session to implement |
//! | `ChatServer` | a [`Server`]: makes one session per client |
//! | `ChatSocket` | a [`Socket`]: one client, as the server uses it |
//! | `ChatIo` | an [`Io`]: all clients, as the server uses them |
//! | `ChatEmitter` | one method per outgoing event |
//! | `ChatClient` | the Rust client, one method per incoming event |
//! | `ChatEvents`, `ChatEvent` | a stream of the events that the Rust client receives, and their enum |
//!
//! ## 2. The server
//!
//! A session is one value per client. It implements the trait and holds the state of its client:
//!
//! ```no_run
//! # use parlor::prelude::*;
//! # #[procedure]
//! # pub trait Chat {
//! #     #[incoming] async fn join_room(&mut self, room: String) -> Result<usize, JoinError>;
//! #     #[incoming] async fn send_message(&mut self, room: String, text: String);
//! #     #[incoming] async fn whisper(&mut self, to: SocketId, text: String);
//! #     #[outgoing] fn new_message(#[payload] message: Message);
//! # }
//! # #[payload] #[derive(Debug, Clone)] pub struct Message { pub from: SocketId, pub text: String }
//! # #[payload] #[derive(Debug)] pub enum JoinError { Closed { reason: String } }
//! use parlor::rooms::JoinRoomError;
//!
//! struct Guest {
//!     socket: ChatSocket,
//! }
//!
//! impl Chat for Guest {
//!     async fn join_room(&mut self, room: String) -> Result<usize, JoinError> {
//!         let closed = |error: JoinRoomError| JoinError::Closed { reason: error.to_string() };
//!         self.socket.join(&room).map_err(closed)?;
//!         Ok(self.socket.io().members(&room).await.len())
//!     }
//!
//!     async fn send_message(&mut self, room: String, text: String) {
//!         let message = Message { from: self.socket.id(), text };
//!         self.socket.io().to(&room).new_message(&message);
//!     }
//!
//!     async fn whisper(&mut self, to: SocketId, text: String) {
//!         let message = Message { from: self.socket.id(), text };
//!         self.socket.io().socket(to).new_message(&message);
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let chat = ChatServer::new(|socket: ChatSocket| async move {
//!         // `Err(Reject)` rejects the client.
//!         socket.request().bearer_token().ok_or(Reject::unauthorized("a token is needed"))?;
//!         Ok(Guest { socket })
//!     });
//!     Router::new().procedure("/api/chat", chat).serve("127.0.0.1:3000").await?;
//!     Ok(())
//! }
//! ```
//!
//! The handlers of a session run one at a time, in the order in which the client sent. While a handler
//! computes without waiting at an `.await`, nothing is read from its client, and what it has emitted is not sent. Use
//! `tokio::task::spawn_blocking` for long computations, or [`Socket::flush`] before short ones. [`Router`] and
//! [`Server`] have middleware, guards, allowed origins and the [options](server). With the feature
//! `axum`, a `Router` is a service inside of axum's.
//!
//! ## 3. The client
//!
//! `connect` returns a handle, which can be cloned, and a stream of events:
//!
//! ```no_run
//! # use parlor::prelude::*;
//! # #[procedure]
//! # pub trait Chat {
//! #     #[incoming] async fn join_room(&mut self, room: String) -> Result<usize, JoinError>;
//! #     #[incoming] async fn send_message(&mut self, room: String, text: String);
//! #     #[incoming] async fn whisper(&mut self, to: SocketId, text: String);
//! #     #[outgoing] fn new_message(#[payload] message: Message);
//! # }
//! # #[payload] #[derive(Debug, Clone)] pub struct Message { pub from: SocketId, pub text: String }
//! # #[payload] #[derive(Debug)] pub enum JoinError { Closed { reason: String } }
//! # async fn fetch_token() -> Result<String, std::io::Error> { Ok(String::new()) }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (chat, mut events) = ChatClient::builder("ws://127.0.0.1:3000/api/chat")
//!     .token(async || Ok(fetch_token().await?))
//!     .connect()
//!     .await?;
//! match chat.join_room("general").await {
//!     Ok(members) => println!("{members} here"),
//!     Err(error) => eprintln!("{error}"),
//! }
//! chat.send_message("general", "Hello!")?;
//! while let Some(event) = events.next().await {
//!     match event {
//!         ChatEvent::NewMessage(message) => println!("{}: {}", message.from, message.text),
//!         ChatEvent::Connection(change) => println!("{change}"),
//!     }
//! }
//! # Ok(())
//! # }
//! # fn main() {}
//! ```
//!
//! The client reconnects by itself, and queues what is sent meanwhile; [`ConnectionChange`] reports
//! what happens. [`typescript`] generates a client for browsers.
//!
//! ## 4. Rooms
//!
//! A room exists while a socket is in it. A target is a room, several rooms, or sockets by their ids:
//!
//! ```
//! # use parlor::prelude::*;
//! # #[procedure]
//! # pub trait Chat {
//! #     #[incoming] async fn join_room(&mut self, room: String) -> Result<usize, JoinError>;
//! #     #[incoming] async fn send_message(&mut self, room: String, text: String);
//! #     #[incoming] async fn whisper(&mut self, to: SocketId, text: String);
//! #     #[outgoing] fn new_message(#[payload] message: Message);
//! # }
//! # #[payload] #[derive(Debug, Clone)] pub struct Message { pub from: SocketId, pub text: String }
//! # #[payload] #[derive(Debug)] pub enum JoinError { Closed { reason: String } }
//! fn send(socket: &ChatSocket, message: &Message, muted: SocketId) {
//!     let io = socket.io();
//!     io.to("general").new_message(message); // everyone in the room
//!     io.to(["general", "random"]).new_message(message); // a client in both gets one copy
//!     io.to(rooms(["general", "random"]).except(muted)).new_message(message);
//!     io.broadcast().new_message(message); // every client of the procedure
//!     socket.to("general").new_message(message); // everyone in the room but this client
//!     socket.emit().new_message(message); // this client
//! }
//! # fn main() {}
//! ```
//!
//! Methods that send an event take a `String` as `impl AsRef<str>`, numbers, `bool` and `char` by value, and
//! all else by reference.
//!
//! [`Socket::set_presence`] and [`Io::members_with`] show who is in a room, with names or other values.
//! [`Io::watch`] tells what changes there.
//! `ChatServer::io` returns an [`Io`] for use outside of sessions. An event can declare what happens
//! to it when a client reads too slowly: see [`macro@outgoing`].
//!
//! ## 5. Sessions
//!
//! When a connection is lost, the session stays in its rooms, and events for its client are stored.
//! A client that reconnects within [`Recovery::window`] resumes its session. Three methods of the
//! trait have a default:
//!
//! ```
//! # use parlor::prelude::*;
//! # #[procedure]
//! # pub trait Chat { #[incoming] async fn leave(&mut self); }
//! struct Guest {
//!     user_id: u64,
//! }
//!
//! impl Chat for Guest {
//! #     async fn leave(&mut self) {}
//!     // ..
//!
//!     /// The connection is lost, and the session is kept.
//!     async fn detached(&mut self) {
//!         println!("{} is away", self.user_id);
//!     }
//!
//!     /// The client has reconnected. `Err(Reject)` rejects it.
//!     async fn resumed(&mut self, request: Request) -> Result<(), Reject> {
//!         request.bearer_token().ok_or(Reject::unauthorized("a token is needed"))?;
//!         Ok(())
//!     }
//!
//!     /// The session ends.
//!     async fn disconnected(&mut self, reason: DisconnectReason) {
//!         println!("{} left: {reason}", self.user_id);
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! [`Socket::spawn`] spawns a task that ends with its session, for work beside the handlers.
//! [`Server::sessions`] returns a handle that runs a closure with the value of a session, for use outside
//! of it, such as in an HTTP handler.
//!
//! A client that reconnects too late, or to another process, gets a new session. The client reports
//! this ([`ConnectionChange::Restored`]) and runs its
//! [`on_session`](client::ClientBuilder::on_session) function, which joins its rooms.
//!
//! The Rust client reconnects until it succeeds, with waits of up to 30 s. Emits and calls are kept meanwhile,
//! calls until their timeout. [`Reconnect::max_attempts`] sets a limit; then the client gives up, and the next
//! emit or call begins anew. What ended a connection, and whether the client is closed, is in
//! [`Close`](client::Close): in errors of emits and calls, and in `last_close()`.
//!
//! # Limits
//!
//! The server's [options](server); each is documented with its unit, its bounds and what happens
//! beyond it.
//!
//! | limit | default | option |
//! | --- | --- | --- |
//! | a message from a client | 64 KiB | [`Limits::max_message_size`] |
//! | bytes pending for a client | 1 MiB | [`Limits::max_outbox_size`] |
//! | the same, for volatile events | 64 KiB | [`Limits::volatile_outbox_size`] |
//! | messages read ahead while a handler runs | 64, and 64 KiB | [`Limits::read_ahead_messages`], [`Limits::read_ahead_bytes`] |
//! | closures that wait for a session | 1 024 | [`Limits::max_closures`] |
//! | tasks of a session | 1 024 | [`Limits::max_tasks`] |
//! | malformed messages in a row | 100 | [`Limits::max_malformed`] |
//! | events per second | no limit | [`Limits::rate`] |
//! | the same, of all sessions with one key | no limit | [`Server::rate_limit_by`] |
//! | keys of that limit without a session | 100 000 | [`Limits::max_idle_rate_keys`] |
//! | rooms of a socket | 1 000 | [`Limits::max_rooms_per_socket`] |
//! | a room's name | 256 bytes | [`Limits::max_room_name`] |
//! | the presence of a socket | 1 KiB | fixed: [`MAX_PRESENCE_SIZE`] |
//! | sessions of a procedure | no limit | [`Limits::max_connections`] |
//! | a session without a connection | 30 s | [`Recovery::window`] |
//! | frames in flight, and frames stored without a connection | 4 096 | [`Recovery::max_replay_frames`] |
//! | bytes stored on top of [`Limits::max_outbox_size`] | 256 KiB, half of it in flight | [`Recovery::max_replay_size`] |
//! | sessions without a connection | 10 000, and 64 MiB | [`Recovery::max_detached_sessions`], [`Recovery::max_detached_bytes`] |
//! | silence of a client | ping after 30 s, lost after 45 s | [`Heartbeat`] |
//! | a handler | no limit | [`Timeouts::handler`] |
//! | code that keeps its thread | logged after 100 ms | [`Timeouts::blocking_warning`] |
//! | a write that stalls | 30 s | [`Timeouts::write`] |
//! | the end of a session | 5 s, twice | [`Timeouts::close`] |
//! | a handshake | 10 s, and 16 KiB | [`Handshakes::timeout`], [`Handshakes::max_request_size`] |
//! | a PROXY protocol header | part of the request | [`Router::proxy_protocol`] |
//! | handshakes at once | 4 096 | [`Handshakes::max_concurrent`] |
//! | middleware and the factory | 30 s | [`Handshakes::admission_timeout`] |
//! | handlers after the shutdown signal | 30 s | [`Router::shutdown_timeout`] |
//!
//! The Rust client's are on [`ClientBuilder`](client::ClientBuilder).
//!
//! # Cargo features
//!
//! | feature | brings | default |
//! | --- | --- | --- |
//! | `client` | the Rust client: [`client`], and `ChatClient`, `ChatEvents`, `ChatEvent` of a contract | yes |
//! | `server` | the server: [`Router`], [`server`], [`rooms`], [`session`], and `ChatServer`, `ChatSocket`, `ChatIo`, `ChatEmitter` | yes |
//! | `validate` | `#[validate(length(..), range(..), inner(..), nested, custom(..))]` | yes |
//! | `validate-pattern` | `#[validate(pattern(".."))]`, with `regex` | |
//! | `validate-email` | `#[validate(email)]`, with `regex` | |
//! | `validate-url` | `#[validate(url)]`, with `url` | |
//! | `axum` | a [`Router`] inside of axum's, or of any HTTP server on hyper; `server` | |
//! | `nats` | [`backplane::Nats`]: NATS links the nodes of a cluster, with `async-nats`; `server` | |
//! | `typescript` | the [TypeScript client](typescript), with `ts-rs`; its functions need `server` | |
//! | `chrono`, `url`, `uuid` | the TypeScript types of these crates | |
//! | `rustls` | `wss://` in the Rust client, and `rediss://` with `redis`; `client` | |
//! | `redis` | [`backplane::Redis`], which links the nodes of a cluster; `server` | |
//! | `test` | [`test`](mod@test): clients and servers in one test, without ports and without waits; `client`, `server` | |
//!
//! # A contract in its own crate
//!
//! A program that only connects, such as a bot, needs no server. Put the contract into a crate that the
//! server and the client depend on. That crate selects neither side:
//!
//! ```toml
//! # contract/Cargo.toml
//! [dependencies]
//! parlor = { version = "0.1", default-features = false }
//!
//! # server/Cargo.toml
//! [dependencies]
//! contract = { path = "../contract" }
//! parlor = { version = "0.1", default-features = false, features = ["server"] }
//!
//! # bot/Cargo.toml
//! [dependencies]
//! contract = { path = "../contract" }
//! parlor = { version = "0.1", default-features = false, features = ["client"] }
//! ```
//!
//! Cargo builds `parlor` with the features that the crates of a build request together. So the bot gets
//! `ChatClient` from the contract, and the server gets `ChatServer`. Without either feature, a contract
//! has its trait and its payload types. The compiler then does not report a type in an event that is no
//! payload. It does so with either feature. `#[validate]` needs the feature `validate` in the contract's crate.
//!
//! When Cargo builds a whole workspace at once, all crates get both sides: `cargo build -p bot` builds the
//! bot without the server. The [example with three crates] is a quiz.
//!
//! # Logs
//!
//! Parlor logs through [`tracing`](https://docs.rs/tracing): problems at `ERROR` and `WARN`, the end of
//! sessions and connections at `DEBUG`. It never logs a payload, a token or a query. The WebSocket
//! library below it logs whole messages and handshakes at `TRACE`, through the crate `log`: if your
//! subscriber receives those, turn them off with the filter `tungstenite=info`.
//!
//! # Where next
//!
//! - [`procedure`], [`payload`], [`incoming`] and [`outgoing`]: everything that a contract can declare
//! - the [examples]: a chat with a page in React, an auction with typed errors, a notice board beside
//!   axum, a test that cuts connections
//! - the [wire format], for clients in other languages
//! - [several servers], with Redis or NATS between them: [`Router::backplane`]
//! - [deployment], [security], [waits and shutdown], [performance]
//!
//! [`Handshakes::admission_timeout`]: server::Handshakes::admission_timeout
//! [`Handshakes::max_concurrent`]: server::Handshakes::max_concurrent
//! [`Handshakes::max_request_size`]: server::Handshakes::max_request_size
//! [`Handshakes::timeout`]: server::Handshakes::timeout
//! [`Heartbeat`]: server::Heartbeat
//! [`Limits::max_connections`]: server::Limits::max_connections
//! [`Limits::max_idle_rate_keys`]: server::Limits::max_idle_rate_keys
//! [`Limits::max_closures`]: server::Limits::max_closures
//! [`Limits::max_tasks`]: server::Limits::max_tasks
//! [`Limits::max_malformed`]: server::Limits::max_malformed
//! [`Limits::max_message_size`]: server::Limits::max_message_size
//! [`Limits::max_outbox_size`]: server::Limits::max_outbox_size
//! [`Limits::max_room_name`]: server::Limits::max_room_name
//! [`Limits::max_rooms_per_socket`]: server::Limits::max_rooms_per_socket
//! [`Limits::rate`]: server::Limits::rate
//! [`Limits::read_ahead_bytes`]: server::Limits::read_ahead_bytes
//! [`Limits::read_ahead_messages`]: server::Limits::read_ahead_messages
//! [`Limits::volatile_outbox_size`]: server::Limits::volatile_outbox_size
//! [`Recovery::max_detached_bytes`]: server::Recovery::max_detached_bytes
//! [`Recovery::max_detached_sessions`]: server::Recovery::max_detached_sessions
//! [`Recovery::max_replay_frames`]: server::Recovery::max_replay_frames
//! [`Recovery::max_replay_size`]: server::Recovery::max_replay_size
//! [`Recovery::window`]: server::Recovery::window
//! [`Timeouts::blocking_warning`]: server::Timeouts::blocking_warning
//! [`Timeouts::close`]: server::Timeouts::close
//! [`Timeouts::handler`]: server::Timeouts::handler
//! [`Timeouts::write`]: server::Timeouts::write
//! [`MAX_PRESENCE_SIZE`]: rooms::MAX_PRESENCE_SIZE
//! [`ConnectionChange`]: client::ConnectionChange
//! [`Reconnect::max_attempts`]: client::Reconnect::max_attempts
//! [`ConnectionChange::Restored`]: client::ConnectionChange::Restored
//! [example with three crates]: https://github.com/parlor-rs/parlor/tree/main/examples/three-crates
//! [examples]: https://github.com/parlor-rs/parlor/tree/main/examples
//! [wire format]: https://github.com/parlor-rs/parlor/blob/main/docs/wire.md
//! [several servers]: https://github.com/parlor-rs/parlor/blob/main/docs/scaling.md
//! [deployment]: https://github.com/parlor-rs/parlor/blob/main/docs/deploy.md
//! [security]: https://github.com/parlor-rs/parlor/blob/main/docs/security.md
//! [waits and shutdown]: https://github.com/parlor-rs/parlor/blob/main/docs/waits.md
//! [performance]: https://github.com/parlor-rs/parlor/blob/main/docs/performance.md

// With one feature, what the wire format has for the other side is unused. A build with both finds dead code.
#![cfg_attr(not(all(feature = "client", feature = "server")), allow(dead_code))]
// No panic is reachable from the network, from the macro's input or from a user's handler.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

#[cfg(feature = "__bench")]
#[doc(hidden)]
#[path = "bench.rs"]
pub mod __bench;
#[cfg(feature = "__echo")]
#[doc(hidden)]
#[path = "echo.rs"]
pub mod __echo;
#[cfg(fuzzing)]
#[doc(hidden)]
#[path = "fuzz.rs"]
pub mod __fuzz;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(feature = "server")]
pub mod backplane;
#[cfg(feature = "server")]
mod blocking_watcher;
#[cfg(feature = "server")]
mod buffers;
#[cfg(feature = "client")]
pub mod client;
mod contract;
mod disconnect_reason;
#[cfg(feature = "server")]
mod handle;
mod header_list;
#[cfg(any(feature = "client", feature = "server"))]
mod lock;
#[cfg(feature = "server")]
mod node_id;
#[cfg(feature = "server")]
mod percent;
mod reject;
mod request;
#[cfg(feature = "server")]
pub mod rooms;
#[cfg(feature = "validate")]
mod rules;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod session;
mod socket_id;
#[cfg(any(feature = "client", feature = "server"))]
mod sync;
#[cfg(feature = "server")]
mod task_tracker;
#[cfg(feature = "test")]
pub mod test;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(any(feature = "client", feature = "server"))]
mod transport;
#[cfg(all(feature = "server", feature = "typescript"))]
pub mod typescript;
#[cfg(feature = "server")]
mod user_code;
pub mod wire;

pub use contract::Payload;
#[cfg(feature = "server")]
pub use contract::{Contract, Outgoing};
pub use disconnect_reason::DisconnectReason;
#[cfg(feature = "validate")]
pub use garde;
#[cfg(feature = "server")]
pub use handle::{Io, Socket, Watch};
pub use http;
pub use parlor_macros::{incoming, outgoing, payload, procedure};
pub use reject::Reject;
pub use request::Request;
#[cfg(feature = "rustls")]
pub use rustls;
#[cfg(feature = "server")]
pub use server::procedure_server::Server;
#[cfg(feature = "server")]
pub use server::router::Router;
pub use socket_id::{ParseSocketIdError, SocketId};

/// The names that most files with a procedure need: `use parlor::prelude::*`.
///
/// A name that your file defines or imports by itself takes precedence.
pub mod prelude {
    #[cfg(feature = "client")]
    pub use crate::client::ConnectionChange;
    pub use crate::{
        DisconnectReason, Reject, Request, SocketId, incoming, outgoing, payload, procedure,
    };
    #[cfg(feature = "server")]
    pub use crate::{
        Router,
        rooms::{Room, Target, rooms},
    };
}
