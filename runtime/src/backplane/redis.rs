//! The engine for Redis and Valkey.

mod address;
mod failure;
mod info;
mod link;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::timeout;

use self::address::Address;
#[cfg(feature = "rustls")]
use self::failure::Failure;
use self::link::RedisLink;
use super::{Backplane, ConnectError, Inbox, Layout, Link, LinkError};

/// The longest time of one attempt in [`Redis::connect`]. Parlor itself stops later ones after the same time.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Links the nodes of a cluster through Redis 6 or later, or Valkey, with the feature `redis`.
///
/// ```no_run
/// use parlor::backplane::Redis;
/// use parlor::prelude::*;
///
/// #[procedure]
/// trait Chat {
///     #[incoming]
///     async fn say(&mut self, text: String);
///     #[outgoing]
///     fn said(text: String);
/// }
///
/// struct Guest(ChatSocket);
///
/// impl Chat for Guest {
///     async fn say(&mut self, text: String) {
///         self.0.io().broadcast().said(text);
///     }
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let redis = Redis::connect("redis://127.0.0.1:6379").await?;
///     let chat = ChatServer::new(|socket| async { Ok(Guest(socket)) });
///     Router::new().procedure("/chat", chat).backplane(redis).serve("127.0.0.1:3000").await?;
///     Ok(())
/// }
/// ```
///
/// Each node has two connections: one publishes, and one is subscribed to a channel per room. Nothing is stored
/// in Redis, so it needs neither memory nor persistence for this, and may be one that an application already uses.
///
/// # URLs
///
/// | URL | connects |
/// | --- | --- |
/// | `redis://127.0.0.1:6379` | without a password; the port is 6379 by default |
/// | `redis://:password@host` | with the password of the user `default` (`requirepass`) |
/// | `redis://user:password@host` | as a user of the ACL |
/// | `rediss://host` | with TLS, see below |
/// | `unix:///run/redis.sock?user=user&pass=password` | to a Unix socket |
///
/// `valkey://` and `valkeys://` are the same as `redis://` and `rediss://`. Percent-encode `@`, `:`, `/`, `?` and
/// `#` in user names and passwords. A database number has no effect, because channels belong to all databases.
///
/// # What the server must allow
///
/// The commands are `HELLO`, `INFO`, `PUBLISH`, `SUBSCRIBE` and `UNSUBSCRIBE`. `HELLO` needs no permission. A user
/// with no others, for the default [`prefix`](super::ClusterOptions::prefix) `parlor`:
///
/// ```text
/// ACL SETUSER parlor on >password resetkeys resetchannels &parlor:* -@all +info +publish +subscribe +unsubscribe
/// ```
///
/// Who can publish to these channels can send events to clients. Let no other user do it, or set a
/// [`key`](super::ClusterOptions::key). Use TLS where others can read the network.
///
/// `client-output-buffer-limit pubsub` is how many bytes may wait for a subscribed connection, by default 32 MB,
/// or 8 MB for 60 s. Redis closes a connection that exceeds it; Parlor then connects again.
///
/// # TLS
///
/// `rediss://` needs the feature `rustls`. It trusts the roots of Mozilla, as `wss://` of the Rust client does.
/// [`connect_with_rustls`](Self::connect_with_rustls) takes another configuration, for the certificate of your own
/// authority, or for a client certificate, which Redis requires unless `tls-auth-clients` is `no`.
///
/// # Sentinel and Redis Cluster
///
/// Neither is supported: Parlor connects to the one server of the URL, and asks no other for its address. A
/// Sentinel and a replica are refused. For failover, use an address that always leads to the primary, such as the
/// primary endpoint of a cloud provider, or `HAProxy` with a check for `role:master`. After a failover, Parlor
/// connects to the new primary, also if the connections to the previous one stay open: each node asks its server
/// for its role every 2 s. Because nothing is stored, a small Redis that only serves Parlor is enough beside a Redis
/// Cluster.
#[derive(Clone)]
pub struct Redis {
    address: Arc<Address>,
}

impl Redis {
    /// Checks the URL and, if the server can be reached, whether Parlor can use it.
    ///
    /// A server that cannot be reached within 2 s is no error: Parlor connects when it is there. A TCP connection
    /// must be open after 500 ms. With `rediss://` it takes at most 500 ms more, to find out whether a silent server has
    /// no TLS. An error never contains the password.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, ConnectError> {
        let address = Address::parse(url.as_ref())?;
        #[cfg(feature = "rustls")]
        let address = address.with_default_tls()?;
        Self::check(address).await
    }

    /// As [`connect`](Self::connect), with your own configuration of TLS. The URL begins with `rediss://`.
    #[cfg(feature = "rustls")]
    pub async fn connect_with_rustls(
        url: impl AsRef<str>,
        config: Arc<rustls::ClientConfig>,
    ) -> Result<Self, ConnectError> {
        Self::check(Address::parse(url.as_ref())?.with_tls(config)?).await
    }

    async fn check(address: Address) -> Result<Self, ConnectError> {
        let address = Arc::new(address);
        let (inbox, _) = Inbox::channel();
        match timeout(ATTEMPT_TIMEOUT, RedisLink::open(&address, inbox)).await {
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => failure.into_connect_error(&address)?,
            #[cfg(feature = "rustls")]
            Err(_) if address.is_secure && stream::answers_without_tls(&address).await => {
                Failure::without_tls().into_connect_error(&address)?;
            }
            Err(_) => {}
        }
        Ok(Self { address })
    }
}

impl Backplane for Redis {
    fn layout(&self) -> Layout {
        Layout::PerRoom
    }

    fn connect(&self, inbox: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>> {
        let address = Arc::clone(&self.address);
        Box::pin(async move {
            match RedisLink::open(&address, inbox).await {
                Ok(link) => Ok(Box::new(link) as Box<dyn Link>),
                Err(failure) => Err(failure.into_link_error(&address)),
            }
        })
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&format_args!("{}", self.address)).finish()
    }
}
