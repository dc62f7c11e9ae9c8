use std::time::Duration;

/// How long a handshake may take, how large its request may be, and how many there may be at once.
///
/// Holds for all procedures of a [`Router`](crate::Router). Inside another HTTP server, that server
/// reads the request: [`timeout`](Self::timeout) bounds the upgrade there, and
/// [`max_request_size`](Self::max_request_size) has no effect.
///
/// ```
/// use std::time::Duration;
///
/// use parlor::server::Handshakes;
///
/// let timeout = Duration::from_secs(5);
/// let router = parlor::Router::new().handshakes(Handshakes { timeout, ..Default::default() });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshakes {
    /// The time from the TCP connection to the end of its request. Then the connection is dropped.
    /// Default: 10 s.
    pub timeout: Duration,
    /// The time that middleware and the factory have together for one request. Then they are
    /// cancelled at their current `.await`, and the client is rejected with 503 (plain mode) or 4003
    /// (Parlor mode). Default: 30 s.
    pub admission_timeout: Duration,
    /// The largest request in bytes, headers included. A larger one gets 431. Default: 16 KiB, less
    /// than tungstenite's own 64 KiB (CVE-2023-43669).
    ///
    /// A request has at most 124 headers, whatever this is.
    pub max_request_size: usize,
    /// The most handshakes at once. Further connections are dropped, or get 503 inside another HTTP
    /// server. Default: 4 096; at least 1.
    pub max_concurrent: usize,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            admission_timeout: Duration::from_secs(30),
            max_request_size: 16 << 10,
            max_concurrent: 4096,
        }
    }
}
