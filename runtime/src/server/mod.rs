//! The server: listener, handshake, admission, router, shutdown.

mod admission;
#[cfg(feature = "axum")]
mod copy_request;
mod drain;
mod error_response;
mod handshake;
mod handshake_limit;
#[cfg(feature = "test")]
mod in_memory;
mod middleware;
mod origin;
mod procedure_server;
mod process_signals;
mod router;
mod serve;
#[cfg(feature = "axum")]
mod tower_service;
mod upgrade;
mod workers;
mod write_and_close;

#[cfg(feature = "__echo")]
pub(crate) use handshake::{encode_response, read_request};
#[cfg(feature = "test")]
pub(crate) use in_memory::InMemoryServer;
pub use procedure_server::Server;
pub use router::Router;
pub use serve::{Listen, Serve, ServeError};

/// Runs the handshake of a client over a stream that is not a TCP connection.
#[cfg(fuzzing)]
pub(crate) async fn connect(router: &Router, stream: impl crate::transport::Stream + 'static) {
    let transport = crate::transport::Transport::Other(Box::new(stream));
    let accepted = handshake::AcceptedConnection { transport, peer: None, local: None };
    handshake::handshake(accepted, router).await;
}
