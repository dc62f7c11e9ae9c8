//! The state that handles, the inbox and the task share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tungstenite::Utf8Bytes;

use super::calls::{Answer, CompletedCall, Failure, Outcome, PendingCall, complete};
use super::change::{ClientStatus, ConnectionChange};
use super::close::{Close, CloseCause};
use super::error::EmitError;
use super::in_flight::InFlight;
use super::inbox::Inbox;
use super::queue::Outgoing;
use super::state::{Phase, State};
use crate::lock::{Lock, rank};

pub(super) struct Shared {
    state: Lock<State, { rank::CLIENT }>,
    /// Wakes the task: a message was queued, the inbox has capacity again, or the client closes.
    pub(super) wake: Notify,
    pub(super) inbox: Inbox,
    pub(super) call_timeout: Duration,
    /// The capacity of the queue while disconnected, in messages.
    buffer: usize,
    last_call: AtomicU64,
}

/// What follows the loss of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterLoss {
    Reconnect,
    /// [`Shared::gave_up`] is called next.
    GiveUp,
    /// [`Shared::end`] is called next.
    Close,
}

/// What the connection sends next.
pub(super) enum Next {
    Message(Utf8Bytes),
    /// Nothing for now.
    Nothing,
    /// The close frame: the client closes and nothing is queued.
    Finished,
}

/// Closes the client when its last handle is dropped.
pub(super) struct CloseOnDrop(pub(super) Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Shared {
    pub(super) fn new(buffer: usize, call_timeout: Duration) -> Self {
        Self {
            state: Lock::default(),
            wake: Notify::new(),
            inbox: Inbox::default(),
            call_timeout,
            buffer,
            last_call: AtomicU64::new(0),
        }
    }

    // For handles.

    /// `session`: the session whose hook emits, if a hook does.
    pub(super) fn emit(&self, session: Option<u64>, text: String) -> Result<(), EmitError> {
        let mut state = self.state.lock();
        let pushed = state.push(session, Outgoing { text: text.into(), call: None }, self.buffer);
        drop(state);
        // Also if the queue is full: the client may begin anew.
        self.wake.notify_one();
        pushed
    }

    pub(super) fn new_call_id(&self) -> u64 {
        self.last_call.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn call(
        &self,
        session: Option<u64>,
        id: u64,
        text: String,
    ) -> Result<oneshot::Receiver<Outcome>, Failure> {
        let mut state = self.state.lock();
        if state.stalled && state.phase == Phase::Connected {
            return Err(Failure::EventsNotPolled);
        }
        if state.calls.is_full() {
            return Err(Failure::Unsent(EmitError::Full));
        }
        let message = Outgoing { text: text.into(), call: Some(id) };
        let pushed = state.push(session, message, self.buffer);
        let outcome = pushed.map(|()| state.calls.add(id));
        drop(state);
        self.wake.notify_one();
        outcome.map_err(Failure::Unsent)
    }

    pub(super) fn remove_call(&self, id: u64) {
        let mut state = self.state.lock();
        let call = state.calls.remove(id);
        if call.as_ref().is_some_and(PendingCall::is_unsent) {
            state.queue.remove_call(id);
        }
        drop(state);
        drop(call);
    }

    /// Closes the client. Calls fail now; queued emits are still sent.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Closing | Phase::Closed) {
            return;
        }
        let close = Close::by_client();
        state.ended(&close);
        state.phase = Phase::Closing;
        let failed = state.calls.fail_all(&Failure::Closed(close));
        state.queue.remove_calls();
        drop(state);
        self.wake.notify_one();
        complete(failed);
    }

    pub(super) fn status(&self) -> ClientStatus {
        match self.state.lock().phase {
            Phase::Connected => ClientStatus::Connected,
            Phase::Reconnecting => ClientStatus::Reconnecting,
            Phase::GaveUp => ClientStatus::GaveUp,
            Phase::Closing | Phase::Closed => ClientStatus::Closed,
        }
    }

    pub(super) fn last_close(&self) -> Option<Close> {
        self.state.lock().last_close.clone()
    }

    // For the task.

    /// The client is connected, to a server that accepts messages of up to `max_message` bytes.
    ///
    /// Larger messages, which were queued for a higher limit, are dropped: they would end this connection.
    pub(super) fn connected(&self, max_message: usize) {
        let mut state = self.state.lock();
        state.max_message = max_message;
        if state.phase == Phase::Reconnecting {
            state.phase = Phase::Connected;
        }
        let mut larger = state.in_flight.remove_larger(max_message);
        larger.extend(state.queue.remove_larger(max_message));
        let mut emits = 0;
        let mut failed = Vec::new();
        for Outgoing { text, call } in &larger {
            match *call {
                Some(id) => {
                    let error = EmitError::TooLarge { size: text.len(), limit: max_message };
                    failed.extend(state.calls.end(id, Err(Failure::Unsent(error))));
                }
                None => emits += 1,
            }
        }
        drop(state);
        for Outgoing { text, .. } in larger {
            tracing::warn!(
                size = text.len(),
                max_message,
                "dropped a message: it exceeds the new limit of the server"
            );
        }
        complete(failed);
        self.emits_lost(emits);
    }

    /// The hook of `session` runs. Messages of other handles stay queued until [`Shared::hook_done`].
    pub(super) fn hook_started(&self, session: u64) {
        let mut state = self.state.lock();
        state.hook = Some(session);
        state.queue.hold();
    }

    pub(super) fn hook_done(&self) {
        let mut state = self.state.lock();
        state.hook = None;
        state.queue.release();
    }

    pub(super) fn next(&self) -> Next {
        let mut state = self.state.lock();
        let state = &mut *state;
        match state.in_flight.take_next(|| state.queue.pop()) {
            Some(message) => {
                if let Some(id) = message.call {
                    state.calls.sent(id, state.in_flight.sent());
                }
                Next::Message(message.text)
            }
            None if state.is_finished() => Next::Finished,
            None => Next::Nothing,
        }
    }

    pub(super) fn complete_call(&self, id: u64, answer: Answer) {
        let mut state = self.state.lock();
        let answered = state.calls.end(id, Ok(answer));
        if let Some(count) = answered.as_ref().and_then(CompletedCall::sent_at) {
            state.in_flight.confirm(count);
        }
        drop(state);
        complete(answered);
    }

    /// The number of messages that the server has to confirm.
    pub(super) fn sent(&self) -> u64 {
        self.state.lock().in_flight.sent()
    }

    pub(super) fn has_unconfirmed(&self) -> bool {
        !self.state.lock().in_flight.is_empty()
    }

    /// The server has received the first `count` messages.
    pub(super) fn confirm(&self, count: u64) {
        self.state.lock().in_flight.confirm(count);
    }

    /// The server has sent an acknowledgement.
    pub(super) fn acknowledge(&self, count: u64) {
        self.state.lock().in_flight.acknowledge(count);
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Closing | Phase::Closed)
    }

    /// Resolves when the client closes.
    pub(super) async fn closing(&self) {
        // No wake-up is lost between the check and the wait: `Notify` stores a permit.
        while !self.is_closing() {
            self.wake.notified().await;
        }
    }

    /// Resolves at once unless the client gave up, else when it begins anew or closes. Returns `false` if it
    /// closes.
    pub(super) async fn begins_anew(&self) -> bool {
        loop {
            let phase = self.state.lock().phase;
            match phase {
                Phase::GaveUp => self.wake.notified().await,
                Phase::Closing | Phase::Closed => return false,
                Phase::Connected | Phase::Reconnecting => return true,
            }
        }
    }

    /// Fails calls, whose answers cannot be read while the inbox stays full.
    pub(super) fn stall(&self) {
        let mut state = self.state.lock();
        state.stalled = true;
        let failed = state.calls.fail_all(&Failure::EventsNotPolled);
        state.queue.remove_calls();
        drop(state);
        complete(failed);
    }

    pub(super) fn unstall(&self) {
        self.state.lock().stalled = false;
    }

    /// A fresh session begins. `keeps`: the server keeps it when the connection is lost.
    pub(super) fn session_begins(&self, keeps: bool) {
        self.state.lock().in_flight = InFlight::new(keeps);
    }

    /// The session continues over another connection. Returns `false` if the server cannot have received
    /// `received` frames.
    pub(super) fn session_resumes(&self, received: u64) -> bool {
        self.state.lock().in_flight.resume(received)
    }

    /// The session cannot be resumed. Calls that were sent fail.
    pub(super) fn session_ends(&self) {
        let (failed, emits) = self.state.lock().end_session();
        complete(failed);
        self.emits_lost(emits);
    }

    /// The session that the client had belongs to another identity than that of its new connection. All
    /// that is kept is dropped, so that none of it is sent as that identity.
    pub(super) fn identity_changes(&self) {
        let mut state = self.state.lock();
        let failed = state.calls.fail_all(&Failure::IdentityChanged);
        let (_, in_flight) = state.end_session();
        let emits = in_flight + state.queue.clear() as u64;
        drop(state);
        complete(failed);
        self.emits_lost(emits);
    }

    /// The connection was lost. The session ends, unless it is `kept` for the next connection.
    pub(super) fn lost(&self, close: &Close, after: AfterLoss, kept: bool) {
        let mut state = self.state.lock();
        // Not if the client closes meanwhile.
        let reconnects = state.phase == Phase::Connected && after != AfterLoss::Close;
        if reconnects {
            state.phase = Phase::Reconnecting;
        }
        state.stalled = false;
        state.ended(close);
        let mut failed = match after {
            AfterLoss::Close => state.calls.fail_all(&Failure::Closed(close.clone())),
            AfterLoss::Reconnect | AfterLoss::GiveUp => Vec::new(),
        };
        let mut emits = 0;
        if !(kept && reconnects) {
            let (sent, lost) = state.end_session();
            failed.extend(sent);
            emits = lost;
        }
        drop(state);
        complete(failed);
        let Close { code, reason, .. } = close.clone();
        let will_reconnect = reconnects && after == AfterLoss::Reconnect;
        self.inbox.change(ConnectionChange::Lost { code, reason, will_reconnect });
        self.emits_lost(emits);
    }

    /// An attempt failed, and another one follows.
    pub(super) fn attempt_failed(&self, close: &Close) {
        self.state.lock().ended(close);
    }

    /// `attempts` have failed, the last one as in `close`. Calls fail.
    pub(super) fn gave_up(&self, attempts: u32, close: Close) {
        let mut state = self.state.lock();
        if state.phase != Phase::Reconnecting {
            return;
        }
        state.phase = Phase::GaveUp;
        let close = Close { cause: CloseCause::GaveUp, ..close };
        state.last_close = Some(close.clone());
        let failed = state.calls.fail_all(&Failure::Closed(close.clone()));
        state.queue.remove_calls();
        drop(state);
        complete(failed);
        let Close { code, reason, .. } = close;
        self.inbox.change(ConnectionChange::GaveUp { attempts, code, reason });
    }

    /// The client is closed. Only the first reason is reported.
    pub(super) fn end(&self, close: Close) {
        let mut state = self.state.lock();
        if state.phase == Phase::Closed {
            return;
        }
        let close = match &state.last_close {
            Some(first) if state.phase == Phase::Closing => first.clone(),
            _ => close,
        };
        state.phase = Phase::Closed;
        state.last_close = Some(close.clone());
        let failed = state.calls.fail_all(&Failure::Closed(close.clone()));
        let emits = state.in_flight.end() + state.queue.clear() as u64;
        drop(state);
        complete(failed);
        self.emits_lost(emits);
        let Close { code, reason, cause } = close;
        self.inbox.change(ConnectionChange::Closed { code, reason, cause });
        self.inbox.end();
    }

    fn emits_lost(&self, count: u64) {
        if count > 0 {
            self.inbox.change(ConnectionChange::EmitsLost { count });
        }
    }
}
