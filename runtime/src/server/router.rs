use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use super::Server;
use super::admission::{Endpoint, ProcedureEndpoint};
use super::handshake_limit::HandshakeLimit;
use super::middleware::Middleware;
use super::origin::OriginRules;
use super::serve::{Listen, Serve, ServeError};
use crate::contract::Procedure;
use crate::reject::Reject;
use crate::request::Request;

/// Procedures by their paths, and what holds for all of them.
///
/// ```no_run
/// # use parlor::prelude::*;
/// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
/// # struct Guest;
/// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
/// # async fn run() -> Result<(), parlor::ServeError> {
/// let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) });
/// parlor::Router::new()
///     .procedure("/api/chat", chat)
///     .serve("127.0.0.1:3000")
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// A clone is the same router: what it has mounted and the sessions that it serves are shared. One
/// that is built further is a router of its own, with the procedures that both have in common.
#[must_use = "a router does nothing until it is served"]
#[derive(Clone, Default)]
pub struct Router {
    pub(super) shared: Arc<Shared>,
}

/// What a router holds.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) endpoints: HashMap<String, Arc<dyn Endpoint>>,
    pub(super) middleware: Middleware,
    pub(super) rules: OriginRules,
    pub(super) handshake_timeout: Duration,
    pub(super) admission_timeout: Duration,
    pub(super) handshakes: HandshakeLimit,
    pub(super) max_request_size: usize,
    pub(super) shutdown_timeout: Duration,
    /// Paths that were mounted twice or cannot be paths.
    pub(super) mistakes: Vec<String>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            endpoints: HashMap::new(),
            middleware: Middleware::default(),
            rules: OriginRules::default(),
            handshake_timeout: Duration::from_secs(10),
            admission_timeout: Duration::from_secs(30),
            handshakes: HandshakeLimit::new(4096),
            max_request_size: 16 << 10,
            shutdown_timeout: Duration::from_secs(30),
            mistakes: Vec::new(),
        }
    }
}

impl Router {
    /// A router without procedures: every path is 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mounts a procedure at `path`, which starts with `/` and is matched exactly.
    ///
    /// A path that is mounted twice, or does not start with `/`, fails [`serve`](Self::serve); inside
    /// another HTTP server it is logged, and every request gets 500.
    pub fn procedure<E, S>(self, path: impl Into<String>, server: Server<E, S>) -> Self
    where
        E: Procedure<S>,
        S: Send + 'static,
    {
        self.mount(path.into(), Arc::new(ProcedureEndpoint::from(server)))
    }

    fn mount(mut self, path: String, endpoint: Arc<dyn Endpoint>) -> Self {
        let shared = self.shared();
        if !path.starts_with('/') {
            shared.mistakes.push(format!("the path `{path}` does not start with `/`"));
            return self;
        }
        match shared.endpoints.entry(path) {
            Entry::Vacant(place) => {
                place.insert(endpoint);
            }
            Entry::Occupied(taken) => {
                shared.mistakes.push(format!("two procedures are mounted at `{}`", taken.key()));
            }
        }
        self
    }

    /// Adds a step that every request passes through before those of its procedure.
    pub fn middleware<F, Fut>(mut self, step: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Request, Reject>> + Send + 'static,
    {
        self.shared().middleware.push(step);
        self
    }

    /// Lets pages of these origins connect, as in `https://app.example.com`.
    ///
    /// Pages of the server's own host and clients without an `Origin` may always; `null` and all
    /// others are refused, since browsers let any page open a WebSocket to any server.
    pub fn allow_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.shared().rules.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Lets pages of any origin connect: for public procedures that look at no cookie.
    pub fn allow_any_origin(mut self) -> Self {
        self.shared().rules.any_origin = true;
        self
    }

    /// The names, with or without a port, by which clients may call this server.
    ///
    /// By default any, but on a loopback address only loopback names, against DNS rebinding.
    pub fn allow_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.shared().rules.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// How long a client may take from its TCP connection to its request's end. 10 s by default.
    ///
    /// Middleware and the factory have [`admission_timeout`](Self::admission_timeout).
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.shared().handshake_timeout = timeout;
        self
    }

    /// How long middleware and the factory may take together for one request. Then they are cancelled
    /// where they wait, and the client is refused with 503, or 4003. 30 s by default.
    pub fn admission_timeout(mut self, timeout: Duration) -> Self {
        self.shared().admission_timeout = timeout;
        self
    }

    /// The largest request in bytes, headers and all; larger ones get 431. 16 KiB by default, less
    /// than tungstenite's own 64 KiB (CVE-2023-43669). Of headers there may be 124, whatever this says.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.shared().max_request_size = bytes;
        self
    }

    /// How many handshakes may be under way at once; more connections are dropped, or get 503
    /// inside another HTTP server. 4 096 by default; at least 1.
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.shared().handshakes = HandshakeLimit::new(handshakes);
        self
    }

    /// How long sessions may take to end after the shutdown signal; then running handlers are
    /// cancelled. 30 s by default.
    ///
    /// The goodbye comes on top, at most twice
    /// [`Server::close_timeout`](crate::Server::close_timeout) and a second: mind it when something else
    /// kills the process after a while.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shared().shutdown_timeout = timeout;
        self
    }

    /// Serves at an address such as `"127.0.0.1:3000"`, or on a listener that is bound already.
    ///
    /// Runs until its shutdown signal; without
    /// [`with_signals`](Serve::with_signals) or
    /// [`with_graceful_shutdown`](Serve::with_graceful_shutdown) it never ends.
    pub fn serve(self, listen: impl Listen) -> Serve {
        Serve::new(self, listen)
    }

    /// The TypeScript client of the mounted procedures that have `#[procedure(typescript)]`.
    #[cfg(feature = "typescript")]
    pub fn typescript(&self) -> crate::typescript::TypeScript {
        let described = self
            .shared
            .endpoints
            .iter()
            .filter_map(|(path, endpoint)| Some((path.clone(), endpoint.typescript()?)));
        crate::typescript::TypeScript::new(described, self.shared.mistakes.first().cloned())
    }

    /// How many clients are connected to the procedures, all together.
    pub fn connections(&self) -> usize {
        self.shared.endpoints.values().map(|endpoint| endpoint.hub().connected()).sum()
    }

    /// How many sessions the procedures have, those without a connection too.
    #[cfg(feature = "test")]
    pub(crate) fn sessions(&self) -> usize {
        self.shared.endpoints.values().map(|endpoint| endpoint.hub().sessions()).sum()
    }

    /// How many entries the tables of the procedures have.
    #[cfg(feature = "test")]
    pub(crate) fn entries(&self) -> usize {
        self.shared.endpoints.values().map(|endpoint| endpoint.hub().entries()).sum()
    }

    /// Ends all sessions as [`Serve::with_graceful_shutdown`] does, and lets nobody more in.
    ///
    /// For a router inside another HTTP server; call it when that one has stopped to accept.
    pub async fn shutdown(&self) {
        self.drain(pending()).await;
    }

    /// Fails if a procedure could not be mounted where it was.
    pub(super) fn check(&self) -> Result<(), ServeError> {
        match self.shared.mistakes.as_slice() {
            [] => Ok(()),
            mistakes => Err(ServeError::Path(mistakes.join("; "))),
        }
    }

    pub(super) fn endpoint(&self, path: &str) -> Option<Arc<dyn Endpoint>> {
        self.shared.endpoints.get(path).map(Arc::clone)
    }

    fn shared(&mut self) -> &mut Shared {
        Arc::make_mut(&mut self.shared)
    }
}
