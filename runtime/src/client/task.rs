//! The life of a client: one connection after the other, until it closes for good.

use std::sync::{Arc, Weak};

use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::backoff::{Attempts, asked_wait};
use super::change::ConnectionChange;
use super::connection::{Connection, Ending, Heartbeats, farewell};
use super::dial::{Dialer, Link, Socket};
use super::error::ConnectError;
use super::handle::{Client, Handles};
use super::options::Options;
use super::session::Session;
use super::shared::Shared;
use super::welcome::Welcome;
use crate::wire::{CloseCode, Unrecovered};

/// Why a client that was not told by the server has closed.
const BY_CLIENT: &str = "closed by this client";

pub(super) struct Task {
    shared: Arc<Shared>,
    /// Weak, as the task must not keep the client open.
    handles: Weak<Handles>,
    options: Options,
    dialer: Dialer,
}

impl Task {
    pub(super) fn new(
        shared: Arc<Shared>,
        handles: Weak<Handles>,
        options: Options,
        dialer: Dialer,
    ) -> Self {
        Self { shared, handles, options, dialer }
    }

    pub(super) fn spawn(self, first: Link) {
        let span = tracing::info_span!("parlor_client", to = self.dialer.place());
        tokio::spawn(self.run(first).instrument(span));
    }

    async fn run(self, mut link: Link) {
        let mut session = self.fresh(1, &mut link.welcome);
        let Options { backoff, max_attempts, steady, .. } = self.options;
        let mut attempts = Attempts::new(backoff, max_attempts).steady(steady);
        tracing::debug!("connected");
        loop {
            let Link { mut socket, welcome } = link;
            let begun = Instant::now();
            let (code, reason) = match self.live(&mut session, &mut socket, &welcome).await {
                Ending::Closed => {
                    farewell(&mut socket, CloseCode::NORMAL).await;
                    break self.closed();
                }
                Ending::Lost { code, reason } => (code, reason),
            };
            attempts.lasted(begun.elapsed());
            let wanted = self.options.reconnect && self.options.max_attempts > 0 && code.redial();
            let again = wanted && attempts.left();
            tracing::info!(%code, reason, again, "connection lost");
            let kept = again && code.resume() && session.is_kept();
            if !kept {
                // The hook may hold the last handle, so it goes first.
                session.end(Unrecovered::Ended);
            }
            self.shared.lost(code, reason.clone(), again, kept);
            farewell(&mut socket, code).await;
            drop(socket);
            if !wanted {
                break self.shared.end(code, reason);
            }
            match self.redial(&mut session, &mut attempts, code, reason).await {
                Some(next) => link = next,
                None => break,
            }
            self.restored(&mut session, &mut link.welcome);
        }
    }

    /// One connection, from its welcome to its end.
    async fn live(&self, session: &mut Session, socket: &mut Socket, welcome: &Welcome) -> Ending {
        let heartbeats = Heartbeats::new(self.options.heartbeat, welcome.heartbeat());
        Connection::new(&self.shared, socket, session, heartbeats).drive().await
    }

    /// Begins a session, with its hook.
    fn fresh(&self, number: u64, welcome: &mut Welcome) -> Session {
        let mut session = Session::fresh(number, welcome);
        self.shared.session_begins(session.is_kept());
        if let Some(hook) = &self.options.on_session
            && let Some(client) = Client::for_hook(&self.handles, number)
        {
            self.shared.hook_runs(number);
            session.hook = Some(hook(client));
        }
        session
    }

    /// There is a connection again: the session goes on in it, or another begins.
    fn restored(&self, session: &mut Session, welcome: &mut Welcome) {
        let recovered = welcome.recovered;
        let reason = (!recovered).then(|| session.unrecovered(welcome));
        if let Some(why) = reason {
            self.session_ends(session, why);
        }
        self.shared.connected(welcome.max_message);
        if recovered {
            session.recovered(welcome);
        } else {
            *session = self.fresh(session.number() + 1, welcome);
        }
        tracing::info!(recovered, ?reason, "connection restored");
        self.shared.inbox.change(ConnectionChange::Restored { recovered, reason });
    }

    fn session_ends(&self, session: &mut Session, why: Unrecovered) {
        session.end(why);
        self.shared.session_ends();
    }

    /// Connects again; `None` when the client has closed for good instead. There is no connection
    /// since `code` and `reason`.
    async fn redial(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
        code: CloseCode,
        reason: String,
    ) -> Option<Link> {
        let mut asked = asked_wait(&reason);
        let lost = ConnectionChange::Lost { code, reason, will_reconnect: false };
        let mut problem = lost.to_string();
        while let Some(wait) = attempts.next(asked.take()) {
            let offer = session.offer();
            let dialed = async {
                sleep(wait).await;
                self.dialer.dial(&self.options, offer.as_deref()).await
            };
            let dialed = tokio::select! {
                () = self.shared.closing() => {
                    self.closed();
                    return None;
                }
                dialed = dialed => dialed,
            };
            let error = match dialed {
                Ok(link) => match self.check(link, session).await {
                    Ok(link) => return Some(link),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            tracing::debug!(?wait, %error, "could not connect");
            problem = error.to_string();
            let code = error.code();
            if !code.redial() {
                self.shared.end(code, problem);
                return None;
            }
            if !code.resume() {
                self.session_ends(session, Unrecovered::Ended);
            }
            if let ConnectError::Closed { reason, .. } = &error {
                asked = asked_wait(reason);
            }
        }
        let attempts = self.options.max_attempts;
        tracing::warn!(attempts, problem, "gave up");
        let reason = format!("gave up after {attempts} attempts: {problem}");
        self.shared.end(CloseCode::ABNORMAL, reason);
        None
    }

    /// Refuses a recovered session of which this client has sent less than the server claims to have
    /// received, or knows that it has received more: it cannot go on.
    async fn check(&self, mut link: Link, session: &mut Session) -> Result<Link, ConnectError> {
        let received = link.welcome.received;
        if !link.welcome.recovered || self.shared.session_resumes(received) {
            return Ok(link);
        }
        self.session_ends(session, Unrecovered::Mismatch);
        farewell(&mut link.socket, CloseCode::PROTOCOL).await;
        let problem = format!("it cannot have received {received} messages of the session");
        Err(ConnectError::Protocol(problem))
    }

    fn closed(&self) {
        tracing::debug!("closed");
        self.shared.end(CloseCode::NORMAL, BY_CLIENT.to_owned());
    }
}

impl Drop for Task {
    /// However the task ends, nobody waits in vain: a hook may panic, the runtime may stop.
    fn drop(&mut self) {
        self.shared.end(CloseCode::ABNORMAL, "the client's task was stopped".to_owned());
    }
}
