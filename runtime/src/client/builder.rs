use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::dial::Dialer;
use super::error::{BoxError, ConnectError};
use super::events::ClientEvents;
use super::handle::Client;
#[cfg(feature = "test")]
use super::options::Connector;
use super::options::{MAX_HEARTBEAT, Options};
use super::reconnect::Reconnect;
use super::shared::Shared;
use super::task::Task;
use crate::contract::ClientHandle;

/// The shortest heartbeat.
const MIN_HEARTBEAT: Duration = Duration::from_millis(100);

/// Configures a client; returned by `builder(url)` of the generated client.
///
/// ```no_run
/// # use parlor::prelude::*;
/// # use std::time::Duration;
/// # #[procedure]
/// # pub trait Chat {
/// #     #[incoming]
/// #     async fn join_room(&mut self, room: String);
/// #     #[outgoing]
/// #     fn user_joined(room: String);
/// # }
/// # async fn fetch_token() -> Result<String, std::io::Error> { Ok(String::new()) }
/// # async fn connect() -> Result<(), parlor::client::ConnectError> {
/// let (chat, mut events) = ChatClient::builder("ws://127.0.0.1:3000/api/chat/wsChat")
///     .heartbeat_interval(Duration::from_secs(15))
///     .token(async || Ok(fetch_token().await?))
///     .on_session(async |chat| {
///         let _ = chat.join_room("general");
///     })
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until `connect` is called and awaited"]
pub struct ClientBuilder<C> {
    options: Options,
    client: PhantomData<fn() -> C>,
}

impl<C: ClientHandle> ClientBuilder<C> {
    /// A client of the procedure at `url`: `ws://host:port/path`, or `wss://` with the feature
    /// `rustls`. It connects in [`connect`](Self::connect), which fails at once with
    /// [`ConnectError::Url`] if the URL cannot be used.
    pub fn new(url: &str) -> Self {
        Self { options: Options::new(url), client: PhantomData }
    }

    /// How often the client pings the server. 30 s by default; less than 100 ms counts as 100 ms, more
    /// than a day as a day.
    ///
    /// If the client receives nothing from the server for 1.5 times this interval, the connection counts
    /// as lost. If the server's own interval from its welcome is longer (at most a day), 1.5 times that
    /// applies: while a handler is busy, a server only pings.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.options.heartbeat = interval.clamp(MIN_HEARTBEAT, MAX_HEARTBEAT);
        self
    }

    /// Sets when the client reconnects after a lost connection, and whether it gives up. By default it never
    /// does.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.options.reconnect = reconnect;
        self
    }

    /// The timeout of one attempt: TCP, TLS, the handshake and the server's welcome. The same timeout
    /// applies before it to each of the functions given to [`token`](Self::token) and
    /// [`headers`](Self::headers). 10 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long a call waits for its answer, from the method call on; then it fails with
    /// [`CallError::TimedOut`](super::CallError::TimedOut). Time without a connection counts: a call that
    /// was sent keeps waiting after a lost connection whose session is recovered. 10 s by default.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.options.call_timeout = timeout;
        self
    }

    /// How many emits and calls are queued while disconnected; more fail with
    /// [`EmitError::Full`](super::EmitError::Full). 256 messages by default. (While connected, the
    /// capacity is always 1 MiB.)
    ///
    /// In addition, messages in flight to a server that keeps sessions are kept for a replay: at most
    /// 256 KiB and one more message, or 4096 messages. With as much in flight, the rest stays queued
    /// until the server confirms some.
    pub fn buffer(mut self, messages: usize) -> Self {
        self.options.buffer = messages;
        self
    }

    /// Calls `token` for a bearer token before each attempt. The server reads it like
    /// the token of a browser. It is sent as a subprotocol, encoded in base64url, and is never logged.
    ///
    /// If it returns the token of another user, a server with `identity` begins a session of that user. What
    /// this client has kept is dropped then, because it is of the user before:
    /// [`CallError::IdentityChanged`](super::CallError::IdentityChanged).
    ///
    /// If it fails, the attempt fails. Its error is the source of [`ConnectError::Credentials`], and in no
    /// message, log or reason of Parlor, because it may contain secrets.
    ///
    /// Clone the values that the closure needs into the future:
    /// `move || { let store = store.clone(); async move { Ok(store.token().await?) } }`.
    pub fn token<F, Fut>(mut self, token: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        self.options.token = Some(Box::new(move || Box::pin(token())));
        self
    }

    /// Calls `headers` for headers to add to the handshake before each attempt. `Connection`, `Upgrade`
    /// and `Sec-WebSocket-*` are reserved: a later attempt with one of them closes the client. If the function fails, the attempt
    /// fails, as that of [`token`](Self::token).
    pub fn headers<F, Fut>(mut self, headers: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, BoxError>> + Send + 'static,
    {
        self.options.headers = Some(Box::new(move || Box::pin(headers())));
        self
    }

    /// Runs `hook` after each fresh session begins: after `connect`, and whenever the connection was
    /// restored without the previous session. Join rooms here.
    ///
    /// Messages that the hook sends with its handle go first. Messages of other handles, and those
    /// queued while disconnected, wait until the hook is done. If the connection is lost meanwhile, the
    /// hook is paused: it continues when the session is recovered, and is cancelled and runs again when
    /// there is a fresh one. A hook that panics closes the client.
    pub fn on_session<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.options.on_session = Some(Arc::new(move |client| Box::pin(hook(C::from(client)))));
        self
    }

    /// Connects over the stream that `connector` opens for each attempt instead of TCP. The handshake uses
    /// the URL.
    #[cfg(feature = "test")]
    pub(crate) fn connector(mut self, connector: Connector) -> Self {
        self.options.connector = Some(connector);
        self
    }

    /// Waits before attempts have their full length instead of a random one.
    #[cfg(feature = "test")]
    pub(crate) fn steady(mut self) -> Self {
        self.options.steady = true;
        self
    }

    /// The TLS configuration for `wss://`. By default it trusts the roots of Mozilla and uses the
    /// application's `CryptoProvider`, else ring.
    #[cfg(feature = "rustls")]
    pub fn rustls_config(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.options.rustls_config = Some(config);
        self
    }

    /// Connects, in a tokio runtime, and waits for the server's welcome.
    ///
    /// It makes one attempt and returns its error. Only a connection that is lost later is restored. Keep
    /// the client: when its last handle is dropped, it closes.
    pub async fn connect(self) -> Result<(C, ClientEvents<C::Event>), ConnectError> {
        let options = self.options;
        let dialer = Dialer::new(&options)?;
        let connected = dialer.dial(&options, None).await?;
        let shared = Arc::new(Shared::new(options.buffer, options.call_timeout));
        shared.connected(connected.welcome.max_message);
        let client = Client::new(Arc::clone(&shared));
        let events = ClientEvents::new(Arc::clone(&shared));
        Task::new(shared, client.handles(), options, dialer).spawn(connected);
        Ok((C::from(client), events))
    }
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
