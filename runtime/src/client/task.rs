//! The client's task: runs one connection after the other, until the client is closed.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::backoff::{Attempts, retry_hint};
use super::change::ConnectionChange;
use super::close::{Close, CloseCause};
use super::connection::{Connection, ConnectionEnd};
use super::dial::{Connected, Dialer};
use super::error::ConnectError;
use super::handle::Client;
use super::heartbeat::Heartbeat;
use super::options::Options;
use super::session::Session;
use super::shared::{AfterLoss, CloseOnDrop, Shared};
use super::websocket::{WebSocket, close_socket};
use crate::wire::{CloseCode, Unrecovered, Welcome};

pub(super) struct Task {
    shared: Arc<Shared>,
    /// Weak, because the task must not keep the client open.
    handles: Weak<CloseOnDrop>,
    options: Options,
    dialer: Dialer,
}

impl Task {
    pub(super) fn new(
        shared: Arc<Shared>,
        handles: Weak<CloseOnDrop>,
        options: Options,
        dialer: Dialer,
    ) -> Self {
        Self { shared, handles, options, dialer }
    }

    pub(super) fn spawn(self, first: Connected) {
        let span = tracing::info_span!("parlor_client", to = self.dialer.address_and_path());
        tokio::spawn(self.run(first).instrument(span));
    }

    async fn run(self, mut connected: Connected) {
        let mut session = self.fresh(1, &mut connected.welcome);
        let Options { reconnect, steady, .. } = &self.options;
        let mut attempts = Attempts::new(reconnect.into(), reconnect.max_attempts).steady(*steady);
        tracing::debug!("connected");
        loop {
            let Connected { mut socket, welcome } = connected;
            let begun = Instant::now();
            let (code, reason) =
                match self.run_connection(&mut session, &mut socket, &welcome).await {
                    ConnectionEnd::Closed => {
                        close_socket(&mut socket, CloseCode::NORMAL).await;
                        break self.closed();
                    }
                    ConnectionEnd::Lost { code, reason } => (code, reason),
                };
            attempts.connection_lost(begun.elapsed());
            let close = Close::by_server(code, reason);
            let after = self.after_loss(&close, &attempts);
            let gives_up = after == AfterLoss::GiveUp;
            if gives_up {
                tracing::warn!(%code, reason = close.reason, "connection lost, as after each attempt");
            } else {
                tracing::info!(%code, reason = close.reason, ?after, "connection lost");
            }
            let kept = after != AfterLoss::Close
                && code.resume()
                && session.is_kept()
                && !(gives_up && session.hook.is_some());
            if !kept {
                // First, because the hook may hold the last handle.
                session.end(Unrecovered::Ended);
            }
            self.shared.lost(&close, after, kept);
            if gives_up {
                self.give_up(&mut session, close.clone());
            }
            close_socket(&mut socket, code).await;
            drop(socket);
            if after == AfterLoss::Close {
                break self.shared.end(close);
            }
            match self.redial(&mut session, &mut attempts, retry_hint(&close.reason)).await {
                Some(next) => connected = next,
                None => break,
            }
            self.restored(&mut session, &mut connected.welcome);
        }
    }

    fn after_loss(&self, close: &Close, attempts: &Attempts) -> AfterLoss {
        if self.options.reconnect.max_attempts == Some(0) || close.cause != CloseCause::Lost {
            AfterLoss::Close
        } else if attempts.is_any_left() {
            AfterLoss::Reconnect
        } else {
            AfterLoss::GiveUp
        }
    }

    async fn run_connection(
        &self,
        session: &mut Session,
        socket: &mut WebSocket,
        welcome: &Welcome,
    ) -> ConnectionEnd {
        let servers = Duration::from_millis(welcome.heartbeat);
        let heartbeat = Heartbeat::new(self.options.heartbeat, servers);
        Connection::new(&self.shared, socket, session, heartbeat).drive().await
    }

    /// Begins a session and its hook.
    fn fresh(&self, number: u64, welcome: &mut Welcome) -> Session {
        let mut session = Session::fresh(number, welcome);
        self.shared.session_begins(session.is_kept());
        if let Some(hook) = &self.options.on_session
            && let Some(client) = Client::for_hook(&self.handles, number)
        {
            self.shared.hook_started(number);
            session.hook = Some(hook(client));
        }
        session
    }

    /// The client has reconnected: the session continues, or another one begins.
    fn restored(&self, session: &mut Session, welcome: &mut Welcome) {
        let recovered = welcome.recovered;
        let reason = (!recovered).then(|| session.unrecovered(welcome));
        match reason {
            Some(reason @ Unrecovered::Identity) => {
                session.end(reason);
                self.shared.identity_changes();
            }
            Some(reason) => self.session_ends(session, reason),
            None => {}
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

    fn session_ends(&self, session: &mut Session, reason: Unrecovered) {
        session.end(reason);
        self.shared.session_ends();
    }

    /// Reconnects after a connection was lost. `delay`: the wait that the server requests. Returns `None`
    /// when the client is closed.
    async fn redial(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
        mut delay: Option<Duration>,
    ) -> Option<Connected> {
        let mut is_first_failure = true;
        loop {
            let last = Instant::now();
            let wait = sleep(attempts.wait(delay.take()));
            if !self.shared.begins_anew().await {
                self.closed();
                return None;
            }
            attempts.count(last.elapsed());
            let resume = session.secret_and_received();
            let dialed = async {
                wait.await;
                self.dialer.dial(&self.options, resume.as_deref()).await
            };
            let dialed = tokio::select! {
                () = self.shared.closing() => {
                    self.closed();
                    return None;
                }
                dialed = dialed => dialed,
            };
            let error = match dialed {
                Ok(connected) => match self.check_resumed(connected, session).await {
                    Ok(connected) => return Some(connected),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if let ConnectError::Closed { reason, .. } = &error {
                delay = retry_hint(reason);
            }
            let message = error.to_string();
            let close = error.into_close();
            if close.cause != CloseCause::Lost {
                tracing::warn!(error = message, "could not reconnect: the client is closed");
                self.shared.end(close);
                return None;
            }
            // One warning per outage, however many attempts fail.
            if mem::take(&mut is_first_failure) {
                tracing::warn!(error = message, "could not reconnect; attempts continue");
            } else {
                tracing::debug!(error = message, "could not reconnect");
            }
            if !close.code.resume() {
                self.session_ends(session, Unrecovered::Ended);
            }
            if attempts.is_any_left() {
                self.shared.attempt_failed(&close);
            } else {
                self.give_up(session, close);
            }
        }
    }

    /// No attempts are left: none is made until something is emitted or called.
    fn give_up(&self, session: &mut Session, close: Close) {
        if session.hook.is_some() {
            // It is not polled until the client begins anew, and may hold the last handle.
            self.session_ends(session, Unrecovered::Ended);
        }
        let attempts = self.options.reconnect.max_attempts.unwrap_or(u32::MAX);
        tracing::info!(attempts, "gave up: the next emit or call begins anew");
        self.shared.gave_up(attempts, close);
    }

    /// Fails if the session was recovered with an impossible number: the client has sent fewer messages,
    /// or the server has confirmed more.
    async fn check_resumed(
        &self,
        mut connected: Connected,
        session: &mut Session,
    ) -> Result<Connected, ConnectError> {
        let received = connected.welcome.received;
        if !connected.welcome.recovered || self.shared.session_resumes(received) {
            return Ok(connected);
        }
        self.session_ends(session, Unrecovered::Mismatch);
        close_socket(&mut connected.socket, CloseCode::PROTOCOL).await;
        let problem = format!("it cannot have received {received} messages of the session");
        Err(ConnectError::Protocol(problem))
    }

    fn closed(&self) {
        tracing::debug!("closed");
        self.shared.end(Close::by_client());
    }
}

impl Drop for Task {
    /// Fails pending calls and ends the events when a hook panics or the runtime stops.
    fn drop(&mut self) {
        let reason = "the client's task was stopped";
        self.shared.end(Close::new(CloseCause::Stopped, CloseCode::ABNORMAL, reason));
    }
}
