//! The server: listener, handshake, router, and what is asked before a session begins.

mod admission;
mod connection;
mod handshake;
mod middleware;
mod origin;
mod procedure;
mod reject;
mod request;
mod router;
mod serve;

pub(crate) use connection::Connection;
pub use procedure::Server;
pub use reject::Reject;
pub(crate) use request::Mode;
pub use request::Request;
pub use router::Router;
pub(crate) use serve::Alive;
pub use serve::{Listen, Serve, ServeError};
