//! The engine for NATS.

mod dial;
mod link;
mod options;
mod order;
mod reader;
mod servers;
mod subject;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::rustls::ClientConfig;
use futures::future::BoxFuture;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::dial::{DialError, dial};
use self::link::NatsLink;
pub use self::options::NatsOptions;
use self::servers::Server;
use super::{Backplane, ConnectError, Inbox, Layout, Link, LinkError};

/// Buckets: a subscription takes about 5 KB of memory, so there is not one per room.
const BUCKETS: u16 = 256;
/// How long [`Nats::connect`] tries all servers.
const TIMEOUT: Duration = Duration::from_secs(2);

/// NATS links the nodes of a cluster.
///
/// A whole program. Start it several times with different ports, and clients of one reach those of the others:
///
/// ```no_run
/// use parlor::backplane::Nats;
/// use parlor::prelude::*;
///
/// #[procedure]
/// trait Chat {
///     #[incoming]
///     async fn say(&mut self, text: String);
///
///     #[outgoing]
///     fn said(text: String);
/// }
///
/// struct Guest {
///     socket: ChatSocket,
/// }
///
/// impl Chat for Guest {
///     async fn say(&mut self, text: String) {
///         self.socket.io().broadcast().said(&text);
///     }
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let nats = Nats::connect("nats://127.0.0.1:4222").await?;
///     let port = std::env::args().nth(1).unwrap_or_else(|| "3000".to_owned());
///     let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) });
///     let router = Router::new().procedure("/api/chat", chat).backplane(nats);
///     router.serve(format!("127.0.0.1:{port}")).await?;
///     Ok(())
/// }
/// ```
///
/// It uses core NATS, without `JetStream`.
///
/// # Servers
///
/// For a cluster of NATS servers, name several, separated by commas: `"nats://one:4222,nats://two:4222"`. A node
/// connects to the first that accepts it, beginning with a random one. It does not use servers that are not
/// named. A join is confirmed by the server of its own node. Another server of the cluster knows of the
/// subscription some milliseconds later, so a node there may publish without effect until then.
///
/// # Credentials and permissions
///
/// A URL may contain a user name and a password, `nats://user:password@host`, or a token, `nats://token@host`, both
/// percent-encoded. [`NatsOptions`] has the same without a URL. A user with permissions needs these, to publish and to
/// subscribe:
///
/// - `parlor.>`, or the [`prefix`](super::ClusterOptions::prefix) that you chose instead of `parlor`. Most
///   characters but ASCII letters, digits, `-` and `_` are percent-encoded there: `shop%2Eeu.>` for `shop.eu`;
/// - `_INBOX.parlor.>`, with which a node finds out that its subscriptions are active.
///
/// Without a [`key`](super::ClusterOptions::key), each user of NATS who may publish to these subjects can send events to
/// all clients.
///
/// # TLS
///
/// `tls://` requires it. With `nats://` it is used if the server requires it. [`NatsOptions`] sets certificates.
///
/// # Limits
///
/// A parcel is at most as large as `max_payload` of the server, 1 MiB by default. Of each topic, 65 536 parcels may wait
/// to be read. More are dropped, and count as lost.
#[derive(Clone)]
pub struct Nats(Arc<Shared>);

struct Shared {
    servers: Vec<Server>,
    options: NatsOptions,
    tls: ClientConfig,
    /// That of the server of the last link.
    max_payload: AtomicUsize,
}

impl Nats {
    /// Connects to NATS once, to find mistakes at the start, and closes this connection. Takes at most 2 s,
    /// and 500 ms for each address of a server.
    ///
    /// If no server can be reached, this is no error: Parlor connects when one is there.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::with_options(url, NatsOptions::default()).await
    }

    /// Like [`connect`](Self::connect), with options.
    pub async fn with_options(
        url: impl AsRef<str>,
        options: NatsOptions,
    ) -> Result<Self, ConnectError> {
        let servers = servers::parse(url.as_ref())?;
        let names: Vec<_> = servers.iter().map(|server| server.name.as_str()).collect();
        let broker = names.join(", ");
        // It reads files.
        let read =
            spawn_blocking(move || tls::config(&options).map(|config| (config, options))).await;
        let (tls, options) = read
            .unwrap_or_else(|error| Err(error.to_string()))
            .map_err(|reason| ConnectError::Tls { broker, reason })?;
        let max_payload = AtomicUsize::new(1 << 20);
        let nats = Self(Arc::new(Shared { servers, options, tls, max_payload }));
        match timeout(TIMEOUT, nats.0.check()).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(())) | Err(_) => Ok(nats),
        }
    }
}

impl Shared {
    /// Connects, and checks the permissions that do not depend on the topics.
    async fn check(&self) -> Result<(), ConnectError> {
        let (inbox, _deliveries) = Inbox::channel();
        match self.open(inbox).await {
            Ok(link) => match link.round_trip().await {
                Err(error) if link.is_refused() => {
                    let (broker, reason) = (link.server().to_owned(), error.to_string());
                    Err(ConnectError::Unusable { broker, reason })
                }
                _ => Ok(()),
            },
            Err(errors) => {
                let unusable = errors.into_iter().find_map(|error| match error {
                    DialError::Unusable(error) => Some(error),
                    DialError::Absent { .. } => None,
                });
                unusable.map_or(Ok(()), Err)
            }
        }
    }

    /// Connects to one of the servers, or returns why each of them failed.
    async fn open(&self, inbox: Inbox) -> Result<NatsLink, Vec<DialError>> {
        // Without random bits, the first server and a fixed id: only the order of control topics depends on it.
        let random = getrandom::u64().unwrap_or_default();
        let count = self.servers.len();
        let first = usize::try_from(random % count.max(1) as u64).unwrap_or_default();
        let mut errors = Vec::new();
        for server in self.servers.iter().cycle().skip(first).take(count) {
            match dial(server, &self.options, &self.tls).await {
                Ok(connection) => {
                    let link = NatsLink::new(&server.name, connection, random, inbox);
                    self.max_payload.store(link.max_payload(), Ordering::Relaxed);
                    return Ok(link);
                }
                Err(error) => errors.push(error),
            }
        }
        Err(errors)
    }
}

impl Backplane for Nats {
    fn layout(&self) -> Layout {
        Layout::Buckets(BUCKETS)
    }

    fn max_parcel_size(&self) -> usize {
        self.0.max_payload.load(Ordering::Relaxed)
    }

    fn connect(&self, inbox: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            match shared.open(inbox).await {
                Ok(link) => Ok(Box::new(link) as Box<dyn Link>),
                Err(errors) => {
                    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                    Err(LinkError::new(errors.join("; ")))
                }
            }
        })
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.0.servers.iter().map(|server| &server.name).collect();
        f.debug_struct("Nats").field("servers", &servers).finish_non_exhaustive()
    }
}
