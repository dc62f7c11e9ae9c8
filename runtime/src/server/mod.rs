//! The server: listener, handshake, router, and what is asked before a session begins.

mod admission;
mod alive;
#[cfg(feature = "axum")]
mod compact;
mod connection;
mod drain;
mod goodbye;
mod handshake;
mod handshakes;
mod middleware;
mod origin;
mod procedure;
mod refusal;
mod reject;
mod request;
mod router;
mod serve;
#[cfg(feature = "axum")]
mod service;
mod signals;
mod transport;
mod upgrade;
mod welcome;

pub(crate) use alive::Alive;
pub(crate) use connection::Connection;
pub use procedure::Server;
pub use reject::Reject;
pub(crate) use request::Mode;
pub use request::Request;
pub use router::Router;
pub use serve::{Listen, Serve, ServeError};
