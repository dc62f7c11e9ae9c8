use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::middleware::{Middleware, catch_panic, catch_panics};
use super::procedure_server::{Factory, SameClient, Server};
use crate::blocking_watcher;
use crate::contract::Procedure;
use crate::handle::Socket;
use crate::reject::Reject;
use crate::request::{Mode, Request};
use crate::rooms::Hub;
use crate::session::Connection;
use crate::session::{
    self, Guard, RateKeys, Registration, ResumeError, ResumeRequest, Session, SessionOptions,
    Signal, run_as,
};
use crate::socket_id::SocketId;
use crate::task_tracker::TaskTracker;
use crate::transport::Transport;
use crate::user_code::{Name, UserCode};
use crate::wire::{Secret, Unrecovered, Welcome};

/// Timeout for a session to answer a resume request. It answers only while no handler runs. Equal to the
/// default `connect_timeout` of clients.
const RESUME_TIMEOUT: Duration = Duration::from_secs(10);

/// A mounted procedure with its types erased.
pub(super) trait Endpoint: Send + Sync {
    /// Runs middleware, then resumes a session or runs the factory.
    fn admit(self: Arc<Self>, request: Request) -> BoxFuture<'static, Result<Admission, Reject>>;

    fn hub(&self) -> &Arc<Hub>;

    fn session_tasks(&self) -> &TaskTracker;

    fn close_timeout(&self) -> Duration;

    /// Code of the user that runs before the session exists.
    fn user_code(&self, name: &'static str) -> UserCode;

    /// Returns `None` if the contract is not `#[procedure(typescript)]`.
    #[cfg(feature = "typescript")]
    fn typescript(&self) -> Option<crate::typescript::Description>;
}

/// A session that gets its connection when the handshake is complete.
pub(super) struct Admission {
    pub(super) welcome: Welcome,
    pub(super) start: Start,
}

type Start = Box<dyn FnOnce(Transport, Vec<u8>, Vec<u8>) + Send>;

impl Admission {
    /// Starts or resumes the session. It writes `preamble` first; `read` is what was read after the
    /// request.
    pub(super) fn start(self, transport: Transport, preamble: Vec<u8>, read: Vec<u8>) {
        (self.start)(transport, preamble, read);
    }
}

pub(super) struct ProcedureEndpoint<E, S> {
    factory: Factory<E, S>,
    hub: Arc<Hub>,
    session_tasks: TaskTracker,
    options: Arc<SessionOptions>,
    rate_keys: Option<Arc<RateKeys>>,
    middleware: Middleware,
    guard: Option<Guard<S>>,
    same_client: Option<SameClient>,
}

impl<E, S> From<Server<E, S>> for ProcedureEndpoint<E, S> {
    fn from(server: Server<E, S>) -> Self {
        if let Some(bound) = server.options.timeouts.blocking_warning {
            blocking_watcher::add_bound(bound);
        }
        let max_idle = server.options.limits.max_idle_rate_keys;
        let rate_keys = server.rate_key.map(|(key, rate)| RateKeys::new(key, rate, max_idle));
        Self {
            factory: server.factory,
            hub: server.hub,
            session_tasks: TaskTracker::default(),
            options: Arc::new(server.options),
            rate_keys: rate_keys.map(Arc::new),
            middleware: server.middleware,
            guard: server.guard,
            same_client: server.same_client,
        }
    }
}

impl<E: Procedure<S>, S: Send + 'static> ProcedureEndpoint<E, S> {
    async fn resume_or_create(&self, request: Request) -> Result<Admission, Reject> {
        let request = self.middleware.run(request, self.user_code("a middleware")).await?;
        let resume = request.resume().filter(|_| request.mode() == Mode::Parlor);
        let unrecovered = match resume {
            Some(Ok((secret, received))) => match self.resume(secret, received, &request).await? {
                Ok(admission) => return Ok(admission),
                Err(unrecovered) => Some(unrecovered),
            },
            Some(Err(unrecovered)) => Some(unrecovered),
            None => None,
        };
        self.create(request, unrecovered).await
    }

    async fn create(
        &self,
        request: Request,
        unrecovered: Option<Unrecovered>,
    ) -> Result<Admission, Reject> {
        let mode = request.mode();
        let id = SocketId::random().map_err(no_random_bits)?;
        let token = self.session_tasks.token();
        let bucket = self.rate_keys.as_ref().map(|keys| {
            catch_panic(self.user_code("the key of `rate_limit_by`"), || keys.bucket(&request))
        });
        let bucket = bucket.transpose()?;
        let registration = Registration::new(id, request, &self.hub, &self.options)?;
        let socket = Socket::new(Arc::clone(registration.member()));
        let code = UserCode { id: Some(id), ..self.user_code("the factory") };
        let mut factory = catch_panic(code, || (self.factory)(socket))?;
        let value = poll_fn(|cx| run_as(id, || factory.poll_unpin(cx)));
        let value = catch_panics(code, value).await??;

        let member = registration.member();
        let resume = if member.is_resumable() {
            Some(self.hub.recovery.issue_secret(member).map_err(no_random_bits)?)
        } else {
            None
        };
        let welcome = Welcome { resume, reason: unrecovered, ..self.welcome() };
        let session = Session { value, registration, guard: self.guard.clone(), bucket };
        let max_message_size = self.options.limits.max_message_size;
        let start = move |transport, preamble, read| {
            let connection = Connection::new(transport, preamble, read, max_message_size);
            session::start::<E, S>(session, connection, mode, token);
        };
        Ok(Admission { welcome, start: Box::new(start) })
    }

    fn welcome(&self) -> Welcome {
        let options = &self.options;
        Welcome::new(options.heartbeat.interval, options.limits.max_message_size)
    }

    /// Requests a resume from the session of `secret`. Returns the reason if it is not recovered.
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
        let is_same = self.same_client.as_ref().map(|is_same| {
            catch_panic(self.user_code("`identity`"), || is_same(member.request(), request))
        });
        if is_same.transpose()? == Some(false) {
            tracing::warn!(id = %member.id(), "not resumed: `identity` differs from that of the session");
            return Ok(Err(Unrecovered::Identity));
        }
        let (answer, answered) = oneshot::channel();
        let request = request.clone();
        member.resume_slot().request(ResumeRequest {
            request,
            received,
            secret: secret.clone(),
            answer,
        });
        member.signals().raise(Signal::Resume);
        let grant = match timeout(RESUME_TIMEOUT, answered).await {
            Ok(Ok(Ok(grant))) => grant,
            Ok(Ok(Err(ResumeError::Rejected(reject)))) => return Err(reject),
            Ok(Ok(Err(ResumeError::Mismatch))) => return Ok(Err(Unrecovered::Mismatch)),
            Ok(Ok(Err(ResumeError::NoRandomBits(error)))) => return Err(no_random_bits(error)),
            // The session has ended, or a newer resume request has replaced this one.
            Ok(Err(_)) => {
                return match self.hub.recovery.find(&secret) {
                    Ok(_) => Err(Reject::try_later("a newer resume request has replaced this one")),
                    Err(unrecovered) => Ok(Err(unrecovered)),
                };
            }
            Err(_) => return Err(Reject::try_later("the session is busy")),
        };
        let welcome = Welcome {
            resume: Some(grant.secret),
            received: grant.received,
            recovered: true,
            ..self.welcome()
        };
        let max_message_size = self.options.limits.max_message_size;
        let start = move |transport, preamble, read| {
            let connection = Connection::new(transport, preamble, read, max_message_size);
            member.resume_slot().connect(grant.generation, connection);
            member.signals().raise(Signal::Resume);
        };
        Ok(Ok(Admission { welcome, start: Box::new(start) }))
    }
}

impl<E: Procedure<S>, S: Send + 'static> Endpoint for ProcedureEndpoint<E, S> {
    fn admit(self: Arc<Self>, request: Request) -> BoxFuture<'static, Result<Admission, Reject>> {
        async move { self.resume_or_create(request).await }.boxed()
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    fn session_tasks(&self) -> &TaskTracker {
        &self.session_tasks
    }

    fn close_timeout(&self) -> Duration {
        self.options.timeouts.close
    }

    fn user_code(&self, name: &'static str) -> UserCode {
        let bound = self.options.timeouts.blocking_warning;
        UserCode { name: Name::Other(name), procedure: Some(self.hub.procedure), id: None, bound }
    }

    #[cfg(feature = "typescript")]
    fn typescript(&self) -> Option<crate::typescript::Description> {
        E::typescript()
    }
}

fn no_random_bits(error: getrandom::Error) -> Reject {
    tracing::error!(%error, "the system returned no random bits for a socket id or a resume secret");
    Reject::try_later("the server has no random bits")
}
