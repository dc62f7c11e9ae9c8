//! What handles, the inbox and the task share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::calls::{Answer, Calls, Failure, Outcome};
use super::change::{ClientStatus, ConnectionChange};
use super::error::EmitError;
use super::inbox::Inbox;
use super::queue::{Full, Lane, Outgoing, Queue, Room};
use crate::lock::Lock;
use crate::wire::CloseCode;

pub(super) struct Shared {
    state: Lock<State>,
    /// Wakes the task: something waits to be sent, the inbox has room again, or the client closes.
    pub(super) wake: Notify,
    pub(super) inbox: Inbox,
    pub(super) call_timeout: Duration,
    /// Messages that are kept while disconnected.
    buffer: usize,
    last_call: AtomicU64,
}

#[derive(Default)]
struct State {
    phase: Phase,
    queue: Queue,
    calls: Calls,
    tally: Tally,
    /// The most bytes that the server takes in a message.
    max_message: usize,
    /// Which session's hook runs.
    hook: Option<u64>,
    /// Whether reading has stopped because nobody takes events.
    stalled: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connected,
    #[default]
    Reconnecting,
    /// Closing was asked for; what waits still goes out.
    Closing,
    Closed,
}

/// The emits of one connection.
#[derive(Default)]
struct Tally {
    sent: u64,
    /// So many of them the server is known to have received.
    confirmed: u64,
}

/// What the connection is to send.
pub(super) enum Next {
    Message(Utf8Bytes),
    /// Nothing for now.
    Nothing,
    /// Nothing any more: the client closes.
    Finished,
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

    // What handles do.

    /// `session` is the one whose hook sends, if a hook does.
    pub(super) fn emit(&self, session: Option<u64>, text: String) -> Result<(), EmitError> {
        let mut state = self.state.lock();
        state.push(session, Outgoing { text: text.into(), call: None }, self.buffer)?;
        drop(state);
        self.wake.notify_one();
        Ok(())
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
        let outcome = state.calls.add(id).ok_or(Failure::Unsent(EmitError::Full))?;
        let message = Outgoing { text: text.into(), call: Some(id) };
        if let Err(error) = state.push(session, message, self.buffer) {
            state.calls.forget(id);
            return Err(Failure::Unsent(error));
        }
        drop(state);
        self.wake.notify_one();
        Ok(outcome)
    }

    pub(super) fn forget(&self, id: u64) {
        let mut state = self.state.lock();
        if state.calls.forget(id) {
            state.queue.remove_call(id);
        }
    }

    /// Closes for good: calls fail now, the emits that wait still go out.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Connected | Phase::Reconnecting) {
            state.phase = Phase::Closing;
            state.calls.fail_all(&Failure::Closed);
            state.queue.remove_calls();
            drop(state);
            self.wake.notify_one();
        }
    }

    pub(super) fn status(&self) -> ClientStatus {
        match self.state.lock().phase {
            Phase::Connected => ClientStatus::Connected,
            Phase::Reconnecting => ClientStatus::Reconnecting,
            Phase::Closing | Phase::Closed => ClientStatus::Closed,
        }
    }

    // What the task does.

    /// A connection is up, to a server that takes messages of so many bytes.
    ///
    /// What was kept for one that took larger ones is dropped: it would end this connection.
    pub(super) fn connected(&self, max_message: usize) {
        let mut state = self.state.lock();
        state.max_message = max_message;
        if state.phase == Phase::Reconnecting {
            state.phase = Phase::Connected;
        }
        let mut emits = 0;
        for Outgoing { text, call } in state.queue.remove_larger(max_message) {
            let size = text.len();
            tracing::warn!(
                size,
                max_message,
                "dropped a message: the server takes less than before"
            );
            match call {
                Some(id) => {
                    let error = EmitError::TooLarge { size, limit: max_message };
                    state.calls.fail(id, Failure::Unsent(error));
                }
                None => emits += 1,
            }
        }
        drop(state);
        self.emits_lost(emits);
    }

    /// The hook of `session` runs: what others send waits until [`Shared::hook_done`].
    pub(super) fn hook_runs(&self, session: u64) {
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
        match state.queue.pop() {
            Some(message) => {
                match message.call {
                    Some(id) => state.calls.sent(id, state.tally.sent),
                    None => state.tally.sent += 1,
                }
                Next::Message(message.text)
            }
            None if state.phase == Phase::Closing && state.hook.is_none() => Next::Finished,
            None => Next::Nothing,
        }
    }

    pub(super) fn answered(&self, id: u64, answer: Answer) {
        let mut state = self.state.lock();
        if let Some(emits) = state.calls.answer(id, answer) {
            state.tally.confirm(emits);
        }
    }

    /// Emits sent on this connection.
    pub(super) fn sent(&self) -> u64 {
        self.state.lock().tally.sent
    }

    /// Whether the server may have missed an emit.
    pub(super) fn unconfirmed(&self) -> bool {
        let state = self.state.lock();
        state.tally.sent > state.tally.confirmed
    }

    /// The server has received so many emits of this connection.
    pub(super) fn confirm(&self, emits: u64) {
        self.state.lock().tally.confirm(emits);
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Closing | Phase::Closed)
    }

    /// Resolves when the client is to close.
    pub(super) async fn closing(&self) {
        // The permit of `Notify` makes looking first and waiting then safe.
        while !self.is_closing() {
            self.wake.notified().await;
        }
    }

    /// Calls can get no answer until somebody takes events.
    pub(super) fn stall(&self) {
        let mut state = self.state.lock();
        state.stalled = true;
        state.calls.fail_all(&Failure::EventsNotPolled);
        state.queue.remove_calls();
    }

    pub(super) fn unstall(&self) {
        self.state.lock().stalled = false;
    }

    /// The connection is gone; what it left unanswered fails.
    pub(super) fn lost(&self, code: CloseCode, reason: String, will_reconnect: bool) {
        let mut state = self.state.lock();
        let will_reconnect = will_reconnect && state.phase == Phase::Connected;
        if will_reconnect {
            state.phase = Phase::Reconnecting;
        }
        state.stalled = false;
        state.hook = None;
        state.queue.drop_hook_lane();
        state.calls.fail_sent(&Failure::Disconnected);
        let count = state.tally.take_unconfirmed();
        drop(state);
        self.inbox.change(ConnectionChange::Lost { code, reason, will_reconnect });
        self.emits_lost(count);
    }

    /// The client is closed for good. Only the first time counts.
    pub(super) fn end(&self, code: CloseCode, reason: String) {
        let mut state = self.state.lock();
        if state.phase == Phase::Closed {
            return;
        }
        state.phase = Phase::Closed;
        state.calls.fail_all(&Failure::Closed);
        let count = state.tally.take_unconfirmed() + state.queue.clear() as u64;
        drop(state);
        self.emits_lost(count);
        self.inbox.change(ConnectionChange::Closed { code, reason });
        self.inbox.end();
    }

    fn emits_lost(&self, count: u64) {
        if count > 0 {
            self.inbox.change(ConnectionChange::EmitsLost { count });
        }
    }
}

impl State {
    fn push(
        &mut self,
        session: Option<u64>,
        message: Outgoing,
        buffer: usize,
    ) -> Result<(), EmitError> {
        if matches!(self.phase, Phase::Closing | Phase::Closed) {
            return Err(EmitError::Closed);
        }
        let size = message.text.len();
        if size > self.max_message {
            return Err(EmitError::TooLarge { size, limit: self.max_message });
        }
        let by_hook = session.is_some() && session == self.hook;
        let lane = if by_hook { Lane::Hook } else { Lane::Usual };
        let connected = self.phase == Phase::Connected;
        let room = if connected { Room::Connected } else { Room::Messages(buffer) };
        self.queue.push(message, lane, room).map_err(|Full| EmitError::Full)
    }
}

impl Tally {
    fn confirm(&mut self, emits: u64) {
        self.confirmed = self.confirmed.max(emits.min(self.sent));
    }

    /// How many are not confirmed; the next connection counts anew.
    fn take_unconfirmed(&mut self) -> u64 {
        let Self { sent, confirmed } = std::mem::take(self);
        sent - confirmed
    }
}
