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
use super::shared::Shared;
use super::task::Task;
use crate::contract::ClientHandle;

/// The shortest heartbeat.
const MIN_HEARTBEAT: Duration = Duration::from_millis(100);

/// Sets up a client before it connects; comes from the generated client's `builder(url)`.
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
/// # async fn connect() -> Result<(), parlor::ConnectError> {
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
    /// `rustls`. Nothing happens until [`connect`](Self::connect).
    pub fn new(url: &str) -> Self {
        Self { options: Options::new(url), client: PhantomData }
    }

    /// How often the server is pinged. 30 s by default; less than 100 ms counts as 100 ms, more than
    /// a day as a day.
    ///
    /// When nothing at all was heard from the server for 1.5 times as long, the connection counts as
    /// lost; or for 1.5 times the server's own interval, which its welcome tells, if that is longer
    /// (a day at most): while a handler is busy, a server only pings.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.options.heartbeat = interval.clamp(MIN_HEARTBEAT, MAX_HEARTBEAT);
        self
    }

    /// Whether to connect again when the connection is lost. True by default.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.options.reconnect = reconnect;
        self
    }

    /// The longest wait before the first attempt to connect again; it doubles with each attempt.
    /// The actual wait is random, between nothing and that, so that many clients do not come back
    /// at the same moment. 1 s by default.
    ///
    /// The wait goes on doubling when the connection is restored and soon lost again: only one that
    /// lasts for [`max_reconnect_interval`](Self::max_reconnect_interval) ends that.
    pub fn reconnect_interval(mut self, interval: Duration) -> Self {
        self.options.backoff.first = interval;
        self
    }

    /// What the wait before an attempt never exceeds. 30 s by default.
    ///
    /// A server that shuts down may tell its clients how long to wait, to spread them: so long is the
    /// wait before the first attempt then, within this bound.
    ///
    /// A connection that has lasted as long as this was a success: after it the waits start from
    /// [`reconnect_interval`](Self::reconnect_interval) again, and attempts are counted anew.
    pub fn max_reconnect_interval(mut self, interval: Duration) -> Self {
        self.options.backoff.max = interval;
        self
    }

    /// After how many failed attempts in a row to give up and close. 10 by default; `u32::MAX` is
    /// as good as never, 0 is `reconnect(false)`.
    ///
    /// An attempt has failed, too, if its connection was lost before it had lasted for
    /// [`max_reconnect_interval`](Self::max_reconnect_interval): a server that welcomes clients and
    /// then drops them is not dialled for ever.
    pub fn max_reconnect_attempts(mut self, attempts: u32) -> Self {
        self.options.max_attempts = attempts;
        self
    }

    /// How long one attempt may take, from opening the TCP connection over TLS and the handshake to
    /// the server's welcome. The functions given to [`token`](Self::token) and
    /// [`headers`](Self::headers) may each take as long before it. 10 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long a call waits for its answer, from the moment when it is made; then it fails with
    /// [`CallError::TimedOut`](super::CallError::TimedOut). The time that it waits for the
    /// connection counts: a call that was sent keeps waiting over a lost connection whose session is
    /// recovered. 10 s by default.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.options.call_timeout = timeout;
        self
    }

    /// How many emits and calls are kept while disconnected; more fail with
    /// [`EmitError::Full`](super::EmitError::Full). 256 messages by default. (While connected, 1 MiB
    /// may wait to be sent, whatever this says.)
    ///
    /// Beside them, what was sent and not confirmed by a server that keeps sessions is held, to send
    /// it again: at most 256 KiB, and one message more, or 4096 messages. With as much on its way,
    /// the rest waits for a confirmation.
    pub fn buffer(mut self, messages: usize) -> Self {
        self.options.buffer = messages;
        self
    }

    /// Asks `token` for a bearer token before each attempt, which the server finds where it finds
    /// that of a browser. It travels as a subprotocol, encoded in base64url, and is never logged.
    ///
    /// If it fails, the attempt fails. What the closure needs is cloned into the future:
    /// `move || { let store = store.clone(); async move { Ok(store.token().await?) } }`.
    pub fn token<F, Fut>(mut self, token: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        self.options.token = Some(Box::new(move || Box::pin(token())));
        self
    }

    /// Asks `headers` for headers to add to the handshake before each attempt. They may not be the
    /// handshake's own: `Connection`, `Upgrade` and `Sec-WebSocket-*`. If it fails, the attempt
    /// fails.
    pub fn headers<F, Fut>(mut self, headers: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, BoxError>> + Send + 'static,
    {
        self.options.headers = Some(Box::new(move || Box::pin(headers())));
        self
    }

    /// Runs `hook` after each fresh session: after `connect`, and whenever the connection was
    /// restored without the session from before. The place to join rooms.
    ///
    /// What the hook sends with the handle that it is given goes out first; what others send, and
    /// what was kept while disconnected, waits until the hook is done. If the connection is lost
    /// meanwhile, the hook stands still: it goes on when the session is recovered, and is cancelled
    /// and runs anew when there is a fresh one. A hook that panics closes the client.
    pub fn on_session<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.options.on_session = Some(Arc::new(move |client| Box::pin(hook(C::from(client)))));
        self
    }

    /// Connects over what `connector` opens, anew for each attempt, and not over TCP. The handshake is
    /// that of the URL.
    #[cfg(feature = "test")]
    pub(crate) fn connector(mut self, connector: Connector) -> Self {
        self.options.connector = Some(connector);
        self
    }

    /// Waits before attempts for as long as the intervals say, and not at random.
    #[cfg(feature = "test")]
    pub(crate) fn steady(mut self) -> Self {
        self.options.steady = true;
        self
    }

    /// What `wss://` trusts and speaks. By default the roots of Mozilla are trusted, and the
    /// application's `CryptoProvider` is used, else ring.
    #[cfg(feature = "rustls")]
    pub fn rustls_config(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.options.rustls_config = Some(config);
        self
    }

    /// Connects, in a tokio runtime, and waits for the server's welcome.
    ///
    /// The first attempt is the only one: if it fails, so does this. Only a connection that was
    /// lost later is restored. Keep the client: when its last handle is dropped, it closes.
    pub async fn connect(self) -> Result<(C, ClientEvents<C::Event>), ConnectError> {
        let options = self.options;
        let dialer = Dialer::new(&options)?;
        let link = dialer.dial(&options, None).await?;
        let shared = Arc::new(Shared::new(options.buffer, options.call_timeout));
        shared.connected(link.welcome.max_message);
        let client = Client::new(Arc::clone(&shared));
        let events = ClientEvents::new(Arc::clone(&shared));
        Task::new(shared, client.handles(), options, dialer).spawn(link);
        Ok((C::from(client), events))
    }
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
