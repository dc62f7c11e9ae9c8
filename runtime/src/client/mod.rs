//! The Rust client: connects, reconnects, sends events and calls, receives events.
//!
//! A [`Client`] is a handle; one task per client owns the connection. Handles put messages into a
//! bounded queue and wake the task. Received events stay in a bounded inbox until [`ClientEvents`] is
//! polled.

mod backoff;
mod builder;
mod call;
mod calls;
mod change;
mod close;
mod connection;
mod dial;
mod error;
mod events;
mod handle;
mod handshake;
mod heartbeat;
mod in_flight;
mod inbox;
mod options;
mod queue;
mod reconnect;
mod session;
mod shared;
mod state;
mod task;
mod tls;
mod url;
mod websocket;

pub use builder::ClientBuilder;
pub use call::{Call, RefusedWith};
pub use change::{ClientStatus, ConnectionChange};
pub use close::{Close, CloseCause};
pub use error::{BoxError, CallError, ConnectError, EmitError};
pub use events::ClientEvents;
pub use handle::Client;
pub use reconnect::Reconnect;
