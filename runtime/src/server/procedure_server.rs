use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::middleware::Middleware;
use crate::contract::{Contract, Procedure};
use crate::handle::{Io, Sessions, Socket};
use crate::reject::Reject;
use crate::request::Request;
use crate::rooms::Hub;
use crate::session::options::{Heartbeat, Limits, RateLimit, Recovery, Timeouts};
use crate::session::{Denied, Event, Guard, HashKey, SessionOptions};

pub(super) type Factory<E, S> =
    Arc<dyn Fn(Socket<E>) -> BoxFuture<'static, Result<S, Reject>> + Send + Sync>;

/// Returns whether two requests are from one client.
pub(super) type SameClient = Arc<dyn Fn(&Request, &Request) -> bool + Send + Sync>;

/// Serves one procedure: makes a session per client, and holds the options of its sessions.
///
/// `#[procedure] trait Chat` generates `ChatServer`, which is this type for that trait. Mount it
/// with [`Router::procedure`](crate::Router::procedure).
///
/// Options are structs with public fields. A method replaces its whole group, so fields that are not
/// named have their defaults:
///
/// ```
/// # use parlor::prelude::*;
/// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
/// # struct Guest { socket: ChatSocket }
/// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
/// use std::time::Duration;
///
/// use parlor::server::{Heartbeat, Limits, RateLimit};
///
/// let rate = RateLimit { events_per_second: 20.0, burst: 50 };
/// let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) })
///     .heartbeat(Heartbeat { interval: Duration::from_secs(20), ..Default::default() })
///     .limits(Limits { max_message_size: 4 << 10, rate: Some(rate), ..Default::default() });
/// ```
#[must_use = "mount it with `Router::procedure`"]
pub struct Server<E, S> {
    pub(super) factory: Factory<E, S>,
    pub(super) hub: Arc<Hub>,
    pub(super) options: SessionOptions,
    pub(super) middleware: Middleware,
    pub(super) guard: Option<Guard<S>>,
    pub(super) same_client: Option<SameClient>,
    pub(super) rate_key: Option<(HashKey, RateLimit)>,
    contract: PhantomData<fn() -> E>,
}

impl<E: Contract + Procedure<S>, S: Send + 'static> Server<E, S> {
    /// A server whose `factory` makes the session of each client, before its connection is accepted.
    ///
    /// The factory may read [`Socket::request`], await, join rooms and emit. What it emits to its own
    /// client is sent when it returns `Ok`. `Err(Reject)` rejects the connection, and the socket
    /// leaves its rooms; what was emitted to other clients by then is not taken back.
    pub fn new<F, Fut>(factory: F) -> Self
    where
        F: Fn(Socket<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, Reject>> + Send + 'static,
    {
        Self {
            factory: Arc::new(move |socket| factory(socket).boxed()),
            hub: Arc::new(Hub::new(E::NAME, E::OUTGOING)),
            options: SessionOptions::default(),
            middleware: Middleware::default(),
            guard: None,
            same_client: None,
            rate_key: None,
            contract: PhantomData,
        }
    }

    /// The broadcast controller, for use outside of sessions.
    pub fn io(&self) -> Io<E> {
        Io::new(Arc::clone(&self.hub))
    }

    /// The values of all sessions on this server, for use outside of sessions: see [`Sessions::with`].
    pub fn sessions(&self) -> Sessions<S> {
        Sessions::new(Arc::clone(&self.hub))
    }

    /// Adds a middleware for the requests to this procedure. It runs after those of the router.
    ///
    /// It puts typed values into the request's extensions, or rejects the request.
    pub fn middleware<F, Fut>(mut self, step: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Request, Reject>> + Send + 'static,
    {
        self.middleware.push(step);
        self
    }

    /// Runs `guard` on each event before it is decoded. The client gets `denied` for a denied event.
    ///
    /// All earlier events have been handled when the guard runs.
    pub fn guard<G>(mut self, guard: G) -> Self
    where
        G: Fn(&S, Event<'_>) -> Result<(), Denied> + Send + Sync + 'static,
    {
        self.guard = Some(Arc::new(guard));
        self
    }

    /// Binds sessions to a client: a resume whose `identity` differs gets a new session, and this is
    /// logged.
    ///
    /// It runs after the middleware, for the request that resumes and for the one that opened the
    /// session. Without it the resume secret is enough: 128 random bits, sent to that client only, and
    /// new for each connection.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
    /// # struct Guest;
    /// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
    /// #[derive(Clone, PartialEq)]
    /// struct UserId(u64);
    ///
    /// let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) })
    ///     .middleware(|mut request| async move {
    ///         // A real one is read from a cookie or a token.
    ///         request.extensions_mut().insert(UserId(7));
    ///         Ok(request)
    ///     })
    ///     .identity(|request| request.get::<UserId>().cloned());
    /// ```
    pub fn identity<F, I>(mut self, identity: F) -> Self
    where
        F: Fn(&Request) -> I + Send + Sync + 'static,
        I: PartialEq,
    {
        self.same_client = Some(Arc::new(move |one, other| identity(one) == identity(other)));
        self
    }

    /// Limits the events of all sessions with the same key together, such as all connections of one
    /// user to this procedure on this server. An event over the limit is answered with `limited`.
    /// [`Limits::rate`] also applies to each session.
    ///
    /// `key` runs after the middleware, once per session; a session that is resumed keeps its key. `None`
    /// is a key like any other: all requests for which `key` returns it share one rate. For a key by
    /// address, use [`Request::client_addr`]: behind a proxy all clients have one
    /// [`peer_addr`](Request::peer_addr).
    ///
    /// A client that reconnects does not get its burst again: a key is remembered after its last session
    /// has ended, until the whole burst is allowed again.
    /// [`Limits::max_idle_rate_keys`] limits the number of these keys. Keys with equal
    /// 64-bit hashes share a rate. The hash is keyed with secret random bits, so clients cannot choose such
    /// keys.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
    /// # struct Guest;
    /// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
    /// use std::net::{IpAddr, Ipv6Addr};
    ///
    /// use parlor::server::RateLimit;
    ///
    /// #[derive(Clone, Hash, PartialEq)]
    /// struct UserId(u64);
    ///
    /// /// A user, or the network of guests.
    /// #[derive(Hash)]
    /// enum RateKey {
    ///     User(UserId),
    ///     Guest(Option<IpAddr>),
    /// }
    ///
    /// /// The first 64 bits of an IPv6 address: a client can choose the others.
    /// fn network(address: IpAddr) -> IpAddr {
    ///     match address {
    ///         IpAddr::V4(_) => address,
    ///         IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    ///     }
    /// }
    ///
    /// fn rate_key(request: &Request) -> RateKey {
    ///     match request.get::<UserId>() {
    ///         Some(user) => RateKey::User(user.clone()),
    ///         None => RateKey::Guest(request.client_addr().map(network)),
    ///     }
    /// }
    ///
    /// let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) })
    ///     .identity(|request| request.get::<UserId>().cloned())
    ///     .rate_limit_by(rate_key, RateLimit { events_per_second: 20.0, burst: 50 });
    /// ```
    pub fn rate_limit_by<F, K>(mut self, key: F, rate: RateLimit) -> Self
    where
        F: Fn(&Request) -> K + Send + Sync + 'static,
        K: Hash,
    {
        let state = RandomState::new();
        let hash_key = move |request: &Request| state.hash_one(key(request));
        self.rate_key = Some((Box::new(hash_key), rate.clamped()));
        self
    }

    /// Sets when a silent client is pinged, and when its connection counts as lost.
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.options.heartbeat = heartbeat.clamped();
        self
    }

    /// Sets how long sessions outlive their connections, and how much is stored for their clients
    /// meanwhile.
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.options.recovery = recovery.clamped();
        self
    }

    /// Sets what one client may send, store and join, and how many clients there may be.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits.clamped();
        self
    }

    /// Sets how long a handler may run or block, a write may stall, and a session may take to close.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.options.timeouts = timeouts.clamped();
        self
    }

    /// Spreads the reconnects after a shutdown or [`Io::drain`] over this duration. 5 s by default.
    ///
    /// Each of their close frames has a retry hint: a random delay of at most this, as in
    /// `retry in 1234 ms`. With 0 the clients choose the delay, and spread their first attempt over 1 s.
    pub fn retry_window(mut self, window: Duration) -> Self {
        self.options.retry_window = window;
        self
    }
}
