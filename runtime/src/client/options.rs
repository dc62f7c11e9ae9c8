//! The options that a builder sets.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::HeaderMap;

use super::error::BoxError;
use super::handle::Client;
use super::reconnect::Reconnect;
use crate::transport::Stream;

/// The longest heartbeat, of either side.
pub(super) const MAX_HEARTBEAT: Duration = Duration::from_secs(86_400);

/// A user's async function, which is called before each attempt.
pub(super) type Provide<T> = Box<dyn Fn() -> BoxFuture<'static, Result<T, BoxError>> + Send + Sync>;

/// The user's session hook.
pub(super) type Hook = Arc<dyn Fn(Client) -> BoxFuture<'static, ()> + Send + Sync>;

/// Opens a stream for each attempt.
pub(crate) type Connector =
    Arc<dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn Stream>>> + Send + Sync>;

pub(super) struct Options {
    pub(super) url: String,
    pub(super) heartbeat: Duration,
    pub(super) reconnect: Reconnect,
    /// Whether waits before attempts have their full length instead of a random one.
    pub(super) steady: bool,
    pub(super) connect_timeout: Duration,
    pub(super) call_timeout: Duration,
    pub(super) buffer: usize,
    pub(super) token: Option<Provide<String>>,
    pub(super) headers: Option<Provide<HeaderMap>>,
    pub(super) on_session: Option<Hook>,
    /// Replaces TCP to the host of the URL.
    pub(super) connector: Option<Connector>,
    #[cfg(feature = "rustls")]
    pub(super) rustls_config: Option<Arc<rustls::ClientConfig>>,
}

impl Options {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            heartbeat: Duration::from_secs(30),
            reconnect: Reconnect::default(),
            steady: false,
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(10),
            buffer: 256,
            token: None,
            headers: None,
            on_session: None,
            connector: None,
            #[cfg(feature = "rustls")]
            rustls_config: None,
        }
    }
}
