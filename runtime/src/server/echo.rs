//! Sends messages back as they came: what conformance tests and load balancers' probes talk to.

use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use super::admission::{Admission, Endpoint, no_random_bits, refuse};
use super::alive::{Alive, Living};
use super::connection::{Connection, broken};
use super::reader::Message;
use super::welcome::Welcome;
use super::{Mode, Reject, Request};
use crate::rooms::Hub;
use crate::session::{DisconnectReason, Ending, Limits, Presence, SocketId};
use crate::wire::CloseCode;

/// How long a peer may take to read what waits and to send its next message.
const PATIENCE: Duration = Duration::from_secs(60);

/// Room for control frames beside the largest message that waits for its peer.
const CONTROL_FRAMES: usize = 64 << 10;

/// An endpoint that sends back what comes.
pub(super) struct Echo {
    hub: Arc<Hub>,
    living: Living,
    limits: Arc<Limits>,
}

impl Echo {
    pub(super) fn new(max_message_size: usize) -> Self {
        let max_outbox_size = max_message_size.saturating_add(CONTROL_FRAMES);
        let limits = Limits { max_message_size, max_outbox_size, ..Limits::default() };
        Self { hub: Arc::default(), living: Living::default(), limits: Arc::new(limits) }
    }

    fn open(&self, request: Request) -> Result<Admission, Reject> {
        if request.mode() == Mode::Parlor {
            let message = "this path sends messages back and speaks no subprotocol";
            return Err(Reject::new(StatusCode::BAD_REQUEST, CloseCode::NOT_FOUND, message));
        }
        let id = SocketId::random().map_err(no_random_bits)?;
        let alive = self.living.one_more();
        let presence =
            Presence::enter(id, request, &self.hub, &self.limits, None).map_err(refuse)?;
        let start = |transport, greeting, read| {
            let member = Arc::clone(presence.member());
            let connection = Connection::new(transport, greeting, read, member);
            tokio::spawn(run(connection, presence, alive));
        };
        Ok(Admission { welcome: Welcome::new(&self.limits), start: Box::new(start) })
    }
}

impl Endpoint for Echo {
    fn admit(self: Arc<Self>, request: Request) -> BoxFuture<'static, Result<Admission, Reject>> {
        ready(self.open(request)).boxed()
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
        None
    }
}

async fn run(mut connection: Connection, presence: Presence, _alive: Alive) {
    let reason = loop {
        match timeout(PATIENCE, poll_fn(|cx| poll_next(&mut connection, &presence, cx))).await {
            Ok(Ok(Data::Text)) => connection.send(Data::Text, connection.text().as_bytes()),
            Ok(Ok(data)) => connection.send(data, connection.binary()),
            Ok(Err(reason)) => break reason,
            Err(_) => break DisconnectReason::HeartbeatMissed,
        }
    };
    tracing::debug!(%reason, "an echo ended");
    let close_timeout = presence.member().limits().close_timeout;
    drop(presence);
    if !matches!(reason, DisconnectReason::ConnectionLost { .. }) {
        let (code, words) = reason.close();
        connection.finish(code, words, true, close_timeout).await;
    }
}

/// Writes what waits, and then reads the next message: a peer that does not read is not read.
fn poll_next(
    connection: &mut Connection,
    presence: &Presence,
    cx: &mut Context<'_>,
) -> Poll<Result<Data, DisconnectReason>> {
    let member = presence.member();
    member.signals().register(cx.waker());
    member.outbox().wake_up();
    let next = poll_message(connection, cx);
    match member.signals().ending() {
        Some(Ending::Asked(reason)) => Poll::Ready(Err(reason)),
        Some(Ending::Overflow | Ending::Evicted) => Poll::Ready(Err(DisconnectReason::TooSlow)),
        None => next,
    }
}

fn poll_message(
    connection: &mut Connection,
    cx: &mut Context<'_>,
) -> Poll<Result<Data, DisconnectReason>> {
    loop {
        connection.release();
        if let Err(error) = std::task::ready!(connection.poll_write(cx)) {
            return Poll::Ready(Err(DisconnectReason::ConnectionLost { error: error.to_string() }));
        }
        // A pong that is put into the outbox meanwhile wakes this task.
        return Poll::Ready(match std::task::ready!(connection.poll_read(cx)) {
            Ok(Message::Text) => Ok(Data::Text),
            Ok(Message::Binary) => Ok(Data::Binary),
            Ok(Message::Close(frame)) => {
                let (code, reason) = CloseCode::said(frame);
                Err(DisconnectReason::ClientClosed { code, reason })
            }
            Ok(Message::Ping(_) | Message::Pong(_)) => continue,
            Err(error) => Err(broken(&error)),
        });
    }
}
