//! The options of a server, and how a router is served.
//!
//! [`Router`](crate::Router) and [`Server`] have one method per group of options:
//!
//! | options | method | what they bound |
//! | --- | --- | --- |
//! | [`Heartbeat`] | [`Server::heartbeat`](crate::Server::heartbeat) | the silence of a client |
//! | [`Recovery`] | [`Server::recovery`](crate::Server::recovery) | sessions without a connection |
//! | [`Limits`] | [`Server::limits`](crate::Server::limits) | messages, queues, rooms and clients |
//! | [`Timeouts`] | [`Server::timeouts`](crate::Server::timeouts) | handlers, writes and the end of a session |
//! | [`Handshakes`] | [`Router::handshakes`](crate::Router::handshakes) | requests and admission |

mod acceptor;
mod admission;
mod authority;
mod contradiction;
#[cfg(feature = "axum")]
mod copy_request;
mod drain;
mod error_response;
#[cfg(feature = "axum")]
mod extended_connect;
mod forwarded;
mod handshake;
mod handshake_limit;
#[cfg(feature = "test")]
mod in_memory;
mod listen;
mod log_limit;
mod middleware;
mod not_found;
mod options;
mod origin;
mod origin_rules;
mod other_protocol;
mod path;
pub(crate) mod procedure_server;
mod process_signals;
mod proxy_protocol;
mod read_request;
mod request_head;
pub(crate) mod router;
mod routes;
mod serve;
mod serve_error;
#[cfg(feature = "axum")]
mod tower_service;
mod trusted_proxies;
mod upgrade;
mod upgrade_response;
mod workers;
mod write_and_close;

#[cfg(feature = "__echo")]
pub(crate) use handshake::encode_response;
#[cfg(feature = "test")]
pub(crate) use in_memory::InMemoryServer;
pub use listen::Listen;
pub use options::Handshakes;
#[cfg(feature = "__echo")]
pub(crate) use other_protocol::Expected;
pub(crate) use procedure_server::Server;
#[cfg(fuzzing)]
pub(crate) use proxy_protocol::ProxyHeader;
#[cfg(feature = "__echo")]
pub(crate) use read_request::read_request;
pub use serve::Serve;
pub use serve_error::ServeError;

pub use crate::handle::{Sessions, WithError};
pub use crate::request::QueryError;
pub use crate::session::options::{Heartbeat, Limits, RateLimit, Recovery, Timeouts};

/// Runs the handshake of a client over a stream that is not a TCP connection.
#[cfg(fuzzing)]
pub(crate) async fn connect(
    router: &crate::Router,
    stream: impl crate::transport::Stream + 'static,
) {
    let transport = crate::transport::Transport::Other(Box::new(stream));
    let accepted = handshake::AcceptedConnection { transport, peer: None, local: None };
    handshake::handshake(accepted, &router.routes).await;
}
