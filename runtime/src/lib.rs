//! Typed, real-time WebSocket procedures.
//!
//! One trait says which events clients send (`#[incoming]`) and which the server sends
//! (`#[outgoing]`). The server's socket, its dispatch and rooms and the Rust client follow from it,
//! checked at compile time:
//!
//! ```
//! use parlor::prelude::*;
//!
//! #[procedure]
//! pub trait Chat {
//!     /// Says `text` to everyone in `room`.
//!     #[incoming]
//!     async fn send_message(&mut self, room: String, text: String);
//!
//!     /// Enters `room`; answers with how many are there.
//!     #[incoming]
//!     async fn join_room(&mut self, room: String) -> usize;
//!
//!     #[outgoing]
//!     fn new_message(room: String, text: String);
//! }
//!
//! struct Guest {
//!     socket: ChatSocket,
//! }
//!
//! impl Chat for Guest {
//!     async fn send_message(&mut self, room: String, text: String) {
//!         self.socket.io().to(&room).new_message(&room, text);
//!     }
//!
//!     async fn join_room(&mut self, room: String) -> usize {
//!         if let Err(error) = self.socket.join(&room) {
//!             eprintln!("{error}");
//!         }
//!         self.socket.io().members(&room).await.len()
//!     }
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) });
//! parlor::Router::new()
//!     .procedure("/api/chat", chat)
//!     .serve("127.0.0.1:3000")
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Logs
//!
//! Parlor logs through [`tracing`](https://docs.rs/tracing): what a user must know at `ERROR` and
//! `WARN`, what ends at `DEBUG`; never a payload, a token or a query. The WebSocket library below it
//! logs whole messages and handshakes at `TRACE`, through the crate `log`: if your subscriber listens
//! to that, keep it off with the filter `tungstenite=info`.
//!
//! # What is generated
//!
//! For `trait Chat`, [`procedure`] generates `ChatServer` (a [`Server`]), `ChatSocket` (a
//! [`Socket`]), `ChatIo` (an [`Io`]), `ChatEmitter` with a method per outgoing event, `ChatClient`
//! with a method per incoming event, `ChatEvents` (a [`ClientEvents`]) and the enum `ChatEvent`.

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
mod buffers;
pub mod client;
mod contract;
mod disconnect_reason;
mod handle;
mod lock;
mod reject;
mod request;
mod rooms;
#[cfg(feature = "validate")]
mod rules;
mod server;
mod session;
mod socket_id;
mod sync;
mod task_tracker;
#[cfg(feature = "test")]
pub mod test;
mod transport;
#[cfg(feature = "typescript")]
pub mod typescript;
mod wire;

pub use client::{
    CallError, ClientBuilder, ClientEvents, ClientStatus, ConnectError, ConnectionChange, EmitError,
};
pub use contract::{Contract, Payload};
pub use disconnect_reason::DisconnectReason;
#[cfg(feature = "validate")]
pub use garde::Validate;
pub use handle::{Io, Socket};
pub use http;
pub use parlor_macros::{incoming, outgoing, payload, procedure};
pub use reject::Reject;
pub use request::Request;
pub use rooms::{
    Audience, DeliveryPolicy, DeliveryStats, Exception, JoinRoomError, Room, Rooms, Target, rooms,
};
#[cfg(feature = "rustls")]
pub use rustls;
pub use server::{Listen, Router, Serve, ServeError, Server};
pub use session::{Denied, Event};
pub use socket_id::{ParseSocketIdError, SocketId};
pub use wire::{CloseCode, ErrorBody, ErrorCode, Unrecovered, Violation};

/// What most files that use Parlor need.
pub mod prelude {
    pub use crate::{
        ConnectionChange, DisconnectReason, Reject, Request, Router, incoming, outgoing, payload,
        procedure, rooms,
    };
}

/// What generated code calls. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use serde::{self, Deserializer};
    #[cfg(feature = "typescript")]
    pub use ts_rs;

    pub use crate::client::Client;
    #[cfg(feature = "typescript")]
    pub use crate::contract::HasTypeScript;
    pub use crate::contract::{
        ClientHandle, Contract, DecodeError, Events, NotResult, OrDefault, Payload, Procedure,
        Reply, ReturnType,
    };
    pub use crate::handle::Emitter;
    /// The rules of `#[validate]`.
    #[cfg(feature = "validate")]
    pub mod rules {
        pub use crate::rules::*;
    }
    /// The description of a contract for the TypeScript generator.
    #[cfg(feature = "typescript")]
    pub mod typescript {
        pub use crate::typescript::{Description, Event, Field, Rule};
    }
    pub use crate::wire::{Defaulted, Fields, Object, Violation, decode_fields, decode_payload};

    /// Expands to `_`, where `ts-rs` would replace a plain `_`.
    #[cfg(feature = "typescript")]
    #[macro_export]
    #[doc(hidden)]
    macro_rules! __parlor_infer {
        () => {
            _
        };
    }
    #[cfg(feature = "typescript")]
    pub use __parlor_infer as infer;
}
