//! The life of a client: one connection after the other, until it closes for good.

use std::sync::{Arc, Weak};

use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::backoff::Attempts;
use super::change::ConnectionChange;
use super::connection::{Connection, Ending, Heartbeats, farewell};
use super::dial::{Dialer, Link, Socket, Welcome};
use super::handle::{Client, Handles};
use super::options::Options;
use super::shared::Shared;
use crate::wire::CloseCode;

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

    async fn run(self, first: Link) {
        let mut session = 1;
        let mut link = first;
        let mut attempts = Attempts::new(self.options.backoff, self.options.max_attempts);
        tracing::debug!("connected");
        loop {
            let Link { mut socket, welcome } = link;
            let begun = Instant::now();
            let (code, reason) = match self.live(session, &mut socket, &welcome).await {
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
            self.shared.lost(code, reason.clone(), again);
            farewell(&mut socket, code).await;
            drop(socket);
            if !wanted {
                break self.shared.end(code, reason);
            }
            let lost = ConnectionChange::Lost { code, reason, will_reconnect: false };
            match self.redial(&mut attempts, lost.to_string()).await {
                Some(next) => link = next,
                None => break,
            }
            session += 1;
        }
    }

    /// One connection, from its welcome to its end.
    async fn live(&self, session: u64, socket: &mut Socket, welcome: &Welcome) -> Ending {
        let recovered = welcome.recovered;
        let client = match self.options.on_session {
            Some(_) if !recovered => Client::for_hook(&self.handles, session),
            _ => None,
        };
        if client.is_some() {
            self.shared.hook_runs(session);
        }
        self.shared.connected(welcome.max_message);
        if session > 1 {
            tracing::info!(recovered, "connection restored");
            self.shared.inbox.change(ConnectionChange::Restored { recovered });
        }
        let hook = self.options.on_session.as_ref().zip(client).map(|(hook, client)| hook(client));
        let heartbeats = Heartbeats::new(self.options.heartbeat, welcome.heartbeat());
        Connection::new(&self.shared, socket, hook, heartbeats).drive().await
    }

    /// Connects again; `None` when the client has closed for good instead. The `problem` is why
    /// there is no connection.
    async fn redial(&self, attempts: &mut Attempts, mut problem: String) -> Option<Link> {
        while let Some(wait) = attempts.next() {
            let dialed = async {
                sleep(wait).await;
                self.dialer.dial(&self.options).await
            };
            let error = tokio::select! {
                () = self.shared.closing() => {
                    self.closed();
                    return None;
                }
                dialed = dialed => match dialed {
                    Ok(link) => return Some(link),
                    Err(error) => error,
                },
            };
            tracing::debug!(?wait, %error, "could not connect");
            problem = error.to_string();
            if !error.code().redial() {
                self.shared.end(error.code(), problem);
                return None;
            }
        }
        let attempts = self.options.max_attempts;
        tracing::warn!(attempts, problem, "gave up");
        let reason = format!("gave up after {attempts} attempts: {problem}");
        self.shared.end(CloseCode::ABNORMAL, reason);
        None
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
