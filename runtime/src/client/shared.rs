//! What handles, the inbox and the task share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::calls::{Answer, Calls, Failure, Outcome, Over, Pending, complete};
use super::change::{ClientStatus, ConnectionChange};
use super::error::EmitError;
use super::inbox::Inbox;
use super::queue::{Full, Lane, Outgoing, Queue, Room};
use super::tally::Tally;
use crate::lock::{Lock, rank};
use crate::wire::CloseCode;

pub(super) struct Shared {
    state: Lock<State, { rank::CLIENT }>,
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
        if state.calls.is_full() {
            return Err(Failure::Unsent(EmitError::Full));
        }
        let message = Outgoing { text: text.into(), call: Some(id) };
        state.push(session, message, self.buffer).map_err(Failure::Unsent)?;
        let outcome = state.calls.add(id);
        drop(state);
        self.wake.notify_one();
        Ok(outcome)
    }

    pub(super) fn forget(&self, id: u64) {
        let mut state = self.state.lock();
        let call = state.calls.forget(id);
        if call.as_ref().is_some_and(Pending::waits) {
            state.queue.remove_call(id);
        }
        drop(state);
        drop(call);
    }

    /// Closes for good: calls fail now, the emits that wait still go out.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Closing | Phase::Closed) {
            return;
        }
        state.phase = Phase::Closing;
        let failed = state.calls.fail_all(&Failure::Closed);
        state.queue.remove_calls();
        drop(state);
        self.wake.notify_one();
        complete(failed);
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
        let mut larger = state.tally.remove_larger(max_message);
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
                "dropped a message: the server takes less than before"
            );
        }
        complete(failed);
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
        let message = match state.tally.again() {
            None if state.tally.has_room() => {
                state.queue.pop().inspect(|message| state.tally.sent(message))
            }
            message => message,
        };
        match message {
            Some(message) => {
                if let Some(id) = message.call {
                    state.calls.sent(id, state.tally.count());
                }
                Next::Message(message.text)
            }
            None if state.is_finished() => Next::Finished,
            None => Next::Nothing,
        }
    }

    pub(super) fn answered(&self, id: u64, answer: Answer) {
        let mut state = self.state.lock();
        let answered = state.calls.end(id, Ok(answer));
        if let Some(count) = answered.as_ref().and_then(Over::sent_at) {
            state.tally.confirm(count);
        }
        drop(state);
        complete(answered);
    }

    /// How far the tally has come, for the server to confirm.
    pub(super) fn sent(&self) -> u64 {
        self.state.lock().tally.count()
    }

    /// Whether the server may have missed something.
    pub(super) fn unconfirmed(&self) -> bool {
        self.state.lock().tally.is_unconfirmed()
    }

    /// The server has received all that was sent until the tally had come so far.
    pub(super) fn confirm(&self, count: u64) {
        self.state.lock().tally.confirm(count);
    }

    /// The server has received everything.
    pub(super) fn confirm_all(&self) {
        self.state.lock().tally.confirm_all();
    }

    /// The server says that it has received so many frames.
    pub(super) fn acknowledge(&self, count: u64) {
        self.state.lock().tally.acknowledge(count);
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
        let failed = state.calls.fail_all(&Failure::EventsNotPolled);
        state.queue.remove_calls();
        drop(state);
        complete(failed);
    }

    pub(super) fn unstall(&self) {
        self.state.lock().stalled = false;
    }

    /// A fresh session begins, which the server `keeps` when the connection is lost, or does not.
    pub(super) fn session_begins(&self, keeps: bool) {
        self.state.lock().tally = Tally::new(keeps);
    }

    /// The session goes on in another connection; the server has received so many frames. Says
    /// whether that can be.
    pub(super) fn session_resumes(&self, received: u64) -> bool {
        self.state.lock().tally.resume(received)
    }

    /// Nothing resumes the session any more: what it left unanswered fails.
    pub(super) fn session_ends(&self) {
        let (failed, emits) = self.state.lock().end_session();
        complete(failed);
        self.emits_lost(emits);
    }

    /// The connection is gone, and with it the session, unless it is `kept` until the next one.
    pub(super) fn lost(&self, code: CloseCode, reason: String, will_reconnect: bool, kept: bool) {
        let mut state = self.state.lock();
        let will_reconnect = will_reconnect && state.phase == Phase::Connected;
        if will_reconnect {
            state.phase = Phase::Reconnecting;
        }
        state.stalled = false;
        let (failed, emits) =
            if kept && will_reconnect { Default::default() } else { state.end_session() };
        drop(state);
        complete(failed);
        self.inbox.change(ConnectionChange::Lost { code, reason, will_reconnect });
        self.emits_lost(emits);
    }

    /// The client is closed for good. Only the first time counts.
    pub(super) fn end(&self, code: CloseCode, reason: String) {
        let mut state = self.state.lock();
        if state.phase == Phase::Closed {
            return;
        }
        state.phase = Phase::Closed;
        let failed = state.calls.fail_all(&Failure::Closed);
        let emits = state.tally.end() + state.queue.clear() as u64;
        drop(state);
        complete(failed);
        self.emits_lost(emits);
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
    /// Whether the client closes and nothing is left to send.
    fn is_finished(&self) -> bool {
        self.phase == Phase::Closing && self.hook.is_none() && self.queue.is_empty()
    }

    /// The calls that it leaves unanswered, and the number of emits that the server may not have
    /// received.
    #[must_use = "the calls are completed after the lock is released"]
    fn end_session(&mut self) -> (Vec<Over>, u64) {
        self.hook = None;
        self.queue.drop_hook_lane();
        (self.calls.fail_sent(&Failure::Disconnected), self.tally.end())
    }

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
