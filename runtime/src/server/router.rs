use std::collections::hash_map::Entry;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use super::Server;
use super::admission::{Endpoint, ProcedureEndpoint};
use super::authority::Authority;
use super::handshake_limit::HandshakeLimit;
use super::listen::Listen;
use super::options::Handshakes;
use super::origin::Origin;
use super::path;
use super::routes::Routes;
use super::serve::Serve;
use crate::backplane::{Backplane, Cluster, ClusterOptions, Health};
use crate::contract::Procedure;
use crate::reject::Reject;
use crate::request::Request;

/// Maps paths to procedures, and holds the options of their handshakes and their shutdown.
///
/// ```no_run
/// # use parlor::prelude::*;
/// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
/// # struct Guest;
/// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
/// # async fn run() -> Result<(), parlor::server::ServeError> {
/// let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) });
/// parlor::Router::new()
///     .procedure("/api/chat", chat)
///     .serve("127.0.0.1:3000")
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// A clone is the same router: it shares the mounted procedures and their sessions. When a method
/// changes one of the two, they become two routers, which share the procedures that both have.
#[must_use = "a router does nothing until it is served"]
#[derive(Clone, Default)]
pub struct Router {
    pub(super) routes: Arc<Routes>,
}

impl Router {
    /// A router without procedures: every path is 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mounts a procedure at `path`, which starts with `/`. Equivalent paths (RFC 3986 §6.2.2) are one:
    /// `/%63hat`, `/./chat` and `/chat`. A trailing slash makes another path.
    ///
    /// Paths have no parameters: pass such values in the query, and read them with [`Request::query_as`]. A
    /// path with a segment such as `{id}`, `:id` or `*` is a mistake.
    ///
    /// With a path that is mounted twice, or that no request can have, [`serve`](Self::serve) fails;
    /// inside another HTTP server this is logged, and every request gets 500.
    pub fn procedure<E, S>(self, path: impl Into<String>, server: Server<E, S>) -> Self
    where
        E: Procedure<S>,
        S: Send + 'static,
    {
        self.mount(path.into(), Arc::new(ProcedureEndpoint::from(server)))
    }

    fn mount(mut self, path: String, endpoint: Arc<dyn Endpoint>) -> Self {
        let routes = self.routes();
        if let Some(problem) = path::problem(&path) {
            routes.mistakes.push(format!("the path `{path}` {problem}"));
            return self;
        }
        match routes.endpoints.entry(path::normalize(&path).into_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(endpoint);
            }
            Entry::Occupied(entry) => {
                routes.mistakes.push(format!("two procedures are mounted at `{}`", entry.key()));
            }
        }
        self
    }

    /// Adds a middleware for all requests. It runs before those of the procedure.
    pub fn middleware<F, Fut>(mut self, step: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Request, Reject>> + Send + 'static,
    {
        self.routes().middleware.push(step);
        self
    }

    /// Lets pages of these origins connect, as in `https://app.example.com`.
    ///
    /// Pages of the server's own host and clients without an `Origin` can always connect. `null` and
    /// all others are rejected, since browsers let any page open a WebSocket to any server.
    ///
    /// Equivalent origins are one: `https://app.example.com` and `https://App.example.com.:443`. With one
    /// that no page can have, [`serve`](Self::serve) fails.
    pub fn allow_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        let routes = self.routes();
        for origin in origins.into_iter().map(Into::into) {
            match Origin::parse(&origin) {
                Ok(origin) => routes.rules.origins.push(origin),
                Err(problem) => routes.mistakes.push(format!("the origin `{origin}` {problem}")),
            }
        }
        self
    }

    /// Lets pages of any origin connect: for public procedures that read no cookie.
    pub fn allow_any_origin(mut self) -> Self {
        self.routes().rules.any_origin = true;
        self
    }

    /// Lets clients connect with these values of the `Host` header only, as in `chat.example.com`. One
    /// without a port allows any port.
    ///
    /// By default any name is allowed, but on a loopback address only loopback names, against DNS
    /// rebinding.
    ///
    /// Equivalent hosts are one: `chat.example.com` and `Chat.example.com.`, `[::1]` and `[0::1]`. With one
    /// that no request can have, [`serve`](Self::serve) fails.
    pub fn allow_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        let routes = self.routes();
        for host in hosts.into_iter().map(Into::into) {
            match Authority::parse(&host) {
                Some(host) => routes.rules.hosts.push(host),
                None => routes.mistakes.push(format!(
                    "the host `{host}` is not one as in `chat.example.com` or `[::1]:8080`"
                )),
            }
        }
        self
    }

    /// Reads the addresses of clients from the headers of the proxies with these addresses. Each is an IP
    /// address, or a network as in `10.0.0.0/8`. There are none by default. With a text that is neither,
    /// [`serve`](Self::serve) fails.
    ///
    /// If the TCP connection of a request comes from one of them, [`Request::client_addr`] is read from
    /// `X-Forwarded-For`, or from `Forwarded` (RFC 7239): the last address that is not a trusted proxy
    /// itself. Addresses to the left of a text that is not an address are ignored. A request with both headers that
    /// name different clients gets 400, because most proxies set one and pass on the other. `for=unknown` and
    /// `for=_hidden` name a client without an address, so they contradict each `X-Forwarded-For`. Elements
    /// without `for`, as in `proto=https`, contradict nothing.
    ///
    /// Name only proxies that set or append to the header. Inside another HTTP server this needs
    /// `into_make_service_with_connect_info`; a request without it is logged, at most once a minute.
    ///
    /// ```
    /// let router = parlor::Router::new().trusted_proxies(["10.0.0.0/8", "::1"]);
    /// ```
    pub fn trusted_proxies<P: Into<String>>(
        mut self,
        proxies: impl IntoIterator<Item = P>,
    ) -> Self {
        let routes = self.routes();
        for proxy in proxies.into_iter().map(Into::into) {
            if let Err(problem) = routes.trusted_proxies.add(&proxy) {
                routes.mistakes.push(format!("the trusted proxy `{proxy}` {problem}"));
            }
        }
        self
    }

    /// Requires a header of the PROXY protocol, version 2, at the beginning of each connection, as TCP proxies
    /// send it: `send-proxy-v2` of `HAProxy`, AWS network load balancers, Traefik. Its source address is
    /// [`Request::client_addr`]; [`Request::peer_addr`] stays the proxy. For a connection of the proxy itself
    /// (`LOCAL`, a health check), or of a client without an IP address, both are the proxy.
    ///
    /// Connections of others than the [`trusted_proxies`](Self::trusted_proxies) get 403; without these,
    /// [`serve`](Self::serve) fails. A connection without it gets 400. If the source address is a
    /// trusted proxy as well, `X-Forwarded-For` is read as above.
    ///
    /// A header is part of [`Handshakes::max_request_size`], and arrives within [`Handshakes::timeout`]. Version 1 is not supported. Has no effect on connections in memory and inside
    /// another HTTP server, which reads the connections itself.
    pub fn proxy_protocol(mut self) -> Self {
        self.routes().proxy_protocol = true;
        self
    }

    /// Sets how long a handshake may take, how large its request may be, and how many there may be at
    /// once.
    pub fn handshakes(mut self, handshakes: Handshakes) -> Self {
        let routes = self.routes();
        routes.handshake_limit = HandshakeLimit::new(handshakes.max_concurrent);
        routes.handshakes = handshakes;
        self
    }

    /// Sets how long handlers may run after the shutdown signal; then they are cancelled. 30 s by
    /// default.
    ///
    /// Closing the sessions takes longer by at most twice
    /// [`Timeouts::close`](crate::server::Timeouts::close) and 1 s, and a node with a
    /// [`backplane`](Self::backplane) ends within 2 s after that. A supervisor must wait for as long before it kills the
    /// process.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.routes().shutdown_timeout = timeout;
        self
    }

    /// Links this router with those of other processes, over a broker: rooms, `io.members(..)` and the like then span
    /// all of them. See [`backplane`](crate::backplane).
    ///
    /// The node starts when the router is served; inside another HTTP server with [`start`](Self::start),
    /// or else with its first request. Clones of the router share it, also after a procedure is added to one of them. It
    /// ends when the first of them is [shut down](Self::shutdown).
    pub fn backplane(mut self, engine: impl Backplane) -> Self {
        let routes = self.routes();
        routes.cluster = Some(Cluster::new(Arc::new(engine), routes.cluster_options.clone()));
        self
    }

    /// Sets how the nodes of the [`backplane`](Self::backplane) work together.
    pub fn cluster_options(mut self, options: ClusterOptions) -> Self {
        let routes = self.routes();
        routes.cluster_options = options.clamped();
        let options = routes.cluster_options.clone();
        routes.cluster = routes.cluster.take().map(|cluster| cluster.with_options(options));
        self
    }

    /// Starts the node of a router with a [`backplane`](Self::backplane) that is inside another HTTP server, so that
    /// it can emit to the clients of other nodes before its first request. [`serve`](Self::serve) does
    /// this by itself. Has an effect once, and none outside of a tokio runtime.
    pub fn start(&self) {
        self.routes.start_node();
    }

    /// How the node of this router is. `None` without a [`backplane`](Self::backplane), and before the node has started.
    /// Keep a clone of the router to call it while it is served.
    pub fn health(&self) -> Option<Health> {
        self.routes.cluster.as_ref()?.health()
    }

    /// Serves at an address such as `"127.0.0.1:3000"`, or on a bound listener.
    ///
    /// Runs until the signal of [`with_signals`](Serve::with_signals) or
    /// [`with_graceful_shutdown`](Serve::with_graceful_shutdown); without one of them it never ends.
    pub fn serve(self, listen: impl Listen) -> Serve {
        Serve::new(self.routes, listen)
    }

    /// The TypeScript client of the mounted procedures that have `#[procedure(typescript)]`.
    #[cfg(feature = "typescript")]
    pub fn typescript(&self) -> crate::typescript::TypeScript {
        let described = self
            .routes
            .endpoints
            .iter()
            .filter_map(|(path, endpoint)| Some((path.clone(), endpoint.typescript()?)));
        crate::typescript::TypeScript::new(described, self.routes.mistakes.first().cloned())
    }

    /// The number of clients that are connected to all procedures.
    pub fn connections(&self) -> usize {
        self.routes.endpoints.values().map(|endpoint| endpoint.hub().connected()).sum()
    }

    /// The number of sessions of all procedures, those without a connection included.
    #[cfg(feature = "test")]
    pub(crate) fn sessions(&self) -> usize {
        self.routes.endpoints.values().map(|endpoint| endpoint.hub().sessions()).sum()
    }

    /// The number of entries in the tables of all procedures.
    #[cfg(feature = "test")]
    pub(crate) fn entries(&self) -> usize {
        let hubs: usize = self.routes.endpoints.values().map(|it| it.hub().entries()).sum();
        hubs + self.routes.cluster.as_ref().map_or(0, Cluster::entries)
    }

    /// Ends all sessions as [`Serve::with_graceful_shutdown`] does, and admits no more.
    ///
    /// For a router inside another HTTP server: call it before the graceful shutdown of that server, which may
    /// wait until each WebSocket is closed.
    ///
    /// With a [`backplane`](Self::backplane) it ends the node, too, which does not start again. Clones share that node: those
    /// that have other procedures and are still served then reach only the clients of their own process. The shutdown of
    /// [`serve`](Self::serve) does the same.
    pub async fn shutdown(&self) {
        self.routes.drain(pending()).await;
    }

    fn routes(&mut self) -> &mut Routes {
        Arc::make_mut(&mut self.routes)
    }
}
