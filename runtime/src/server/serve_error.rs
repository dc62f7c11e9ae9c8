use std::io;

/// Why a router could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be bound.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// A thread of [`Serve::with_threads`](super::Serve::with_threads) cannot be started.
    #[error("cannot start a worker thread: {0}")]
    Thread(#[source] io::Error),
    /// A path is mounted twice, or a path, an origin, a host or a proxy of the router is one that no request
    /// can have.
    #[error("{0}")]
    Configuration(String),
}
