//! The Rust client: connects, connects again, sends events and calls, hands over what the server sends.
//!
//! A [`Client`] is a handle; one task per client owns the connection. Handles put messages into a
//! bounded queue and wake the task; what the server sends waits in a bounded inbox until
//! [`ClientEvents`] is polled.

mod backoff;
mod builder;
mod call;
mod calls;
mod change;
mod connection;
mod dial;
mod error;
mod events;
mod handle;
mod inbox;
mod options;
mod queue;
mod session;
mod shared;
mod tally;
mod task;
mod tls;
mod welcome;

pub use builder::ClientBuilder;
pub use call::{Call, RefusedWith};
pub use change::{ClientStatus, ConnectionChange};
pub use error::{BoxError, CallError, ConnectError, EmitError};
pub use events::ClientEvents;
pub use handle::Client;
