//! The server: listener, handshake, router, and what is asked before a session begins.

mod admission;
mod alive;
#[cfg(feature = "axum")]
mod compact;
mod connection;
mod drain;
mod echo;
mod goodbye;
mod handshake;
mod handshakes;
mod middleware;
mod origin;
mod procedure;
mod reader;
mod refusal;
mod reject;
mod request;
mod router;
mod serve;
#[cfg(feature = "axum")]
mod service;
#[cfg(feature = "test")]
mod serving;
mod signals;
mod unread;
mod upgrade;
mod welcome;
mod workers;

pub(crate) use alive::Alive;
pub(crate) use connection::{Connection, broken};
pub use procedure::Server;
pub(crate) use reader::Message;
pub use reject::Reject;
pub(crate) use request::Mode;
pub use request::Request;
pub use router::Router;
pub use serve::{Listen, Serve, ServeError};

/// Shakes hands with a client, as the listener does, over a stream that is no TCP connection.
#[cfg(fuzzing)]
pub(crate) async fn connect(router: &Router, stream: impl crate::transport::Stream + 'static) {
    let transport = crate::transport::Transport::Other(Box::new(stream));
    handshake::handshake(handshake::Incoming { transport, peer: None, local: None }, router).await;
}
#[cfg(feature = "test")]
pub(crate) use serving::Serving;
