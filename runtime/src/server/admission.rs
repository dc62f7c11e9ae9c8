use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;

use super::alive::Living;
use super::middleware::{Middleware, contain};
use super::procedure::{Factory, Server};
use super::transport::Transport;
use super::{Connection, Reject, Request};
use crate::contract::Procedure;
use crate::rooms::{Full, Hub};
use crate::session::{self, Guard, Limits, Presence, Session, Socket, SocketId};
use crate::wire::CloseCode;

/// A mounted procedure, whatever its types are.
pub(super) trait Endpoint: Send + Sync {
    /// Makes a session for the request, or refuses it.
    fn admit(self: Arc<Self>, request: Request) -> BoxFuture<'static, Result<Admission, Reject>>;

    fn hub(&self) -> &Hub;

    /// Its sessions, until they have said goodbye.
    fn living(&self) -> &Living;

    /// How long sessions may take to close.
    fn close_timeout(&self) -> Duration;

    /// What TypeScript is made of; `None` if the contract has none.
    #[cfg(feature = "typescript")]
    fn typescript(&self) -> Option<crate::typescript::Description>;
}

/// A session that waits for its connection.
pub(super) struct Admission {
    pub(super) welcome: Welcome,
    start: Start,
}

type Start = Box<dyn FnOnce(Transport, Vec<u8>, Vec<u8>) + Send>;

/// What the client of an admitted session is told first.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Welcome {
    /// The secret to resume with; none while sessions end with their connection.
    resume: Option<String>,
    /// How many messages of an earlier connection have arrived.
    received: u64,
    /// Whether the session is the one that the client asked for.
    recovered: bool,
    /// After how many milliseconds of silence a side asks for a sign of life.
    heartbeat: u64,
    /// The largest message that is taken, in bytes.
    max_message: u64,
}

impl Admission {
    /// Hands a connection to the session and lets it run: it writes `greeting` first, and `read` was
    /// read behind the request.
    pub(super) fn start(self, transport: Transport, greeting: Vec<u8>, read: Vec<u8>) {
        (self.start)(transport, greeting, read);
    }
}

/// What a procedure needs per client.
pub(super) struct Mounted<E, S> {
    factory: Factory<E, S>,
    hub: Arc<Hub>,
    living: Living,
    limits: Arc<Limits>,
    max_connections: Option<usize>,
    middleware: Middleware,
    guard: Option<Guard<S>>,
}

impl<E, S> From<Server<E, S>> for Mounted<E, S> {
    fn from(server: Server<E, S>) -> Self {
        Self {
            factory: server.factory,
            hub: server.hub,
            living: Living::default(),
            limits: Arc::new(server.limits),
            max_connections: server.max_connections,
            middleware: server.middleware,
            guard: server.guard,
        }
    }
}

impl<E: Procedure<S>, S: Send + 'static> Mounted<E, S> {
    async fn open(&self, request: Request) -> Result<Admission, Reject> {
        let request = self.middleware.run(request).await?;
        let mode = request.mode();
        let id = SocketId::random().map_err(|error| {
            tracing::error!(%error, "no random bits for a socket's id");
            Reject::try_later("the server has no random bits")
        })?;
        let alive = self.living.one_more();
        let presence = Presence::enter(id, request, &self.hub, &self.limits, self.max_connections)
            .map_err(refuse)?;
        let socket = Socket::new(Arc::clone(presence.member()));
        let value = (self.factory)(socket).await?;

        let session = Session { value, presence, guard: self.guard.clone() };
        Ok(Admission {
            welcome: Welcome {
                resume: None,
                received: 0,
                recovered: false,
                heartbeat: millis(self.limits.heartbeat_interval),
                max_message: self.limits.max_message_size as u64,
            },
            start: Box::new(move |transport, greeting, read| {
                let member = Arc::clone(session.presence.member());
                let connection = Connection::new(transport, greeting, read, member);
                session::start::<E, S>(session, connection, mode, alive);
            }),
        })
    }
}

impl<E: Procedure<S>, S: Send + 'static> Endpoint for Mounted<E, S> {
    fn admit(self: Arc<Self>, request: Request) -> BoxFuture<'static, Result<Admission, Reject>> {
        async move { contain("the session factory or a middleware", self.open(request)).await }
            .boxed()
    }

    fn hub(&self) -> &Hub {
        &self.hub
    }

    fn living(&self) -> &Living {
        &self.living
    }

    fn close_timeout(&self) -> Duration {
        self.limits.close_timeout
    }

    #[cfg(feature = "typescript")]
    fn typescript(&self) -> Option<crate::typescript::Description> {
        E::typescript()
    }
}

fn refuse(full: Full) -> Reject {
    match full {
        Full::TooManyConnections => Reject::new(
            StatusCode::SERVICE_UNAVAILABLE,
            CloseCode::TOO_MANY_CONNECTIONS,
            "the procedure has as many connections as it may",
        ),
        Full::Draining => Reject::try_later("the server shuts down"),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
