use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::middleware::{Middleware, contain};
use super::procedure_server::{Factory, SameClient, Server};
use super::welcome::Welcome;
use crate::contract::Procedure;
use crate::handle::Socket;
use crate::reject::Reject;
use crate::request::{Mode, Request};
use crate::rooms::Hub;
use crate::session::Connection;
use crate::session::{
    self, Guard, Limits, Registration, ResumeError, ResumeRequest, Secret, Session, Signal,
};
use crate::socket_id::SocketId;
use crate::task_tracker::TaskTracker;
use crate::transport::Transport;
use crate::wire::Unrecovered;

/// How long a client that comes back waits for a handler of its session that still runs: as long as
/// clients wait for a connection.
const RESUME: Duration = Duration::from_secs(10);

/// A mounted procedure, whatever its types are.
pub(super) trait Endpoint: Send + Sync {
    /// Makes a session for the request, or refuses it.
    fn admit(self: Arc<Self>, request: Request) -> BoxFuture<'static, Result<Admission, Reject>>;

    fn hub(&self) -> &Hub;

    /// Its sessions, until they have said goodbye.
    fn sessions(&self) -> &TaskTracker;

    /// How long sessions may take to close.
    fn close_timeout(&self) -> Duration;

    /// What TypeScript is made of; `None` if the contract has none.
    #[cfg(feature = "typescript")]
    fn typescript(&self) -> Option<crate::typescript::Description>;
}

/// A session that waits for its connection.
pub(super) struct Admission {
    pub(super) welcome: Welcome,
    pub(super) start: Start,
}

type Start = Box<dyn FnOnce(Transport, Vec<u8>, Vec<u8>) + Send>;

impl Admission {
    /// Hands a connection to the session and lets it run: it writes `preamble` first, and `read` was
    /// read behind the request.
    pub(super) fn start(self, transport: Transport, preamble: Vec<u8>, read: Vec<u8>) {
        (self.start)(transport, preamble, read);
    }
}

/// What a procedure needs per client.
pub(super) struct Mounted<E, S> {
    factory: Factory<E, S>,
    hub: Arc<Hub>,
    sessions: TaskTracker,
    limits: Arc<Limits>,
    max_connections: Option<usize>,
    middleware: Middleware,
    guard: Option<Guard<S>>,
    same_client: Option<SameClient>,
}

impl<E, S> From<Server<E, S>> for Mounted<E, S> {
    fn from(server: Server<E, S>) -> Self {
        Self {
            factory: server.factory,
            hub: server.hub,
            sessions: TaskTracker::default(),
            limits: Arc::new(server.limits),
            max_connections: server.max_connections,
            middleware: server.middleware,
            guard: server.guard,
            same_client: server.same_client,
        }
    }
}

impl<E: Procedure<S>, S: Send + 'static> Mounted<E, S> {
    async fn open(&self, request: Request) -> Result<Admission, Reject> {
        let request = self.middleware.run(request).await?;
        let resume = request.resume().filter(|_| request.mode() == Mode::Parlor);
        let unrecovered = match resume {
            Some((secret, received)) => match self.resume(secret, received, &request).await? {
                Ok(admission) => return Ok(admission),
                Err(unrecovered) => Some(unrecovered),
            },
            None => None,
        };
        self.begin(request, unrecovered).await
    }

    /// Begins a session.
    async fn begin(
        &self,
        request: Request,
        unrecovered: Option<Unrecovered>,
    ) -> Result<Admission, Reject> {
        let mode = request.mode();
        let id = SocketId::random().map_err(no_random_bits)?;
        let token = self.sessions.token();
        let registration =
            Registration::new(id, request, &self.hub, &self.limits, self.max_connections)?;
        let socket = Socket::new(Arc::clone(registration.member()));
        let value = (self.factory)(socket).await?;

        let member = registration.member();
        let resume = if member.is_resumable() {
            Some(self.hub.recovery.issue_secret(member, None).map_err(no_random_bits)?.encode())
        } else {
            None
        };
        let welcome = Welcome { resume, reason: unrecovered, ..Welcome::new(&self.limits) };
        let session = Session { value, registration, guard: self.guard.clone() };
        let max_message_size = self.limits.max_message_size;
        let start = move |transport, preamble, read| {
            let connection = Connection::new(transport, preamble, read, max_message_size);
            session::start::<E, S>(session, connection, mode, token);
        };
        Ok(Admission { welcome, start: Box::new(start) })
    }

    /// Goes on with the session of the secret, or says why not.
    async fn resume(
        &self,
        secret: Secret,
        received: u64,
        request: &Request,
    ) -> Result<Result<Admission, Unrecovered>, Reject> {
        let member = match self.hub.recovery.find(&secret) {
            Ok(member) => member,
            Err(unrecovered) => return Ok(Err(unrecovered)),
        };
        if self.same_client.as_ref().is_some_and(|is_same| !is_same(member.request(), request)) {
            tracing::warn!(id = %member.id(), "not resumed: the request is somebody else's");
            return Ok(Err(Unrecovered::Identity));
        }
        let (answer, granted) = oneshot::channel();
        let request = request.clone();
        member.resume_slot().request(ResumeRequest {
            request,
            received,
            secret: secret.clone(),
            answer,
        });
        member.signals().raise(Signal::Resume);
        let granted = match timeout(RESUME, granted).await {
            Ok(Ok(Ok(granted))) => granted,
            Ok(Ok(Err(ResumeError::Rejected(reject)))) => return Err(reject),
            Ok(Ok(Err(ResumeError::Mismatch))) => return Ok(Err(Unrecovered::Mismatch)),
            Ok(Ok(Err(ResumeError::NoRandomBits(error)))) => return Err(no_random_bits(error)),
            // The session has ended meanwhile, or the client came once more.
            Ok(Err(_)) => {
                return match self.hub.recovery.find(&secret) {
                    Ok(_) => Err(Reject::try_later("the client came once more")),
                    Err(unrecovered) => Ok(Err(unrecovered)),
                };
            }
            Err(_) => return Err(Reject::try_later("the session is busy")),
        };
        let welcome = Welcome {
            resume: Some(granted.secret.encode()),
            received: granted.received,
            recovered: true,
            ..Welcome::new(&self.limits)
        };
        let max_message_size = self.limits.max_message_size;
        let start = move |transport, preamble, read| {
            let connection = Connection::new(transport, preamble, read, max_message_size);
            member.resume_slot().connect(granted.generation, connection);
            member.signals().raise(Signal::Resume);
        };
        Ok(Ok(Admission { welcome, start: Box::new(start) }))
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

    fn sessions(&self) -> &TaskTracker {
        &self.sessions
    }

    fn close_timeout(&self) -> Duration {
        self.limits.close_timeout
    }

    #[cfg(feature = "typescript")]
    fn typescript(&self) -> Option<crate::typescript::Description> {
        E::typescript()
    }
}

fn no_random_bits(error: getrandom::Error) -> Reject {
    tracing::error!(%error, "no random bits for a socket's id or secret");
    Reject::try_later("the server has no random bits")
}
