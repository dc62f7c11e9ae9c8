//! The life of a client: one connection after the other, until it closes for good.

use std::sync::{Arc, Weak};

use tokio::time::sleep;
use tracing::Instrument;

use super::change::ConnectionChange;
use super::connection::{Connection, Ending, farewell};
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
        tracing::debug!("connected");
        loop {
            let Link { mut socket, welcome } = link;
            let (code, reason) = match self.live(session, &mut socket, &welcome).await {
                Ending::Closed => {
                    farewell(&mut socket, CloseCode::NORMAL).await;
                    break self.closed();
                }
                Ending::Lost { code, reason } => (code, reason),
            };
            let again = self.options.reconnect && self.options.max_attempts > 0 && code.redial();
            tracing::info!(%code, reason, again, "connection lost");
            self.shared.lost(code, reason.clone(), again);
            farewell(&mut socket, code).await;
            drop(socket);
            if !again {
                break self.shared.end(code, reason);
            }
            match self.redial().await {
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
        Connection::new(&self.shared, socket, hook, self.options.heartbeat).drive().await
    }

    /// Connects again; `None` when the client has closed for good instead.
    async fn redial(&self) -> Option<Link> {
        let mut problem = String::new();
        for attempt in 0..self.options.max_attempts {
            let dialed = async {
                sleep(self.options.backoff.delay(attempt)).await;
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
            tracing::debug!(attempt, %error, "could not connect");
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
