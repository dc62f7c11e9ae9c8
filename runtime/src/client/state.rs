//! What the client does now, and what it has to send: the state behind the lock of [`Shared`].
//!
//! [`Shared`]: super::shared::Shared

use super::calls::{Calls, CompletedCall, Failure};
use super::close::{Close, CloseCause};
use super::error::EmitError;
use super::in_flight::InFlight;
use super::queue::{Capacity, Full, Outgoing, Queue, Source};
use crate::wire::CloseCode;

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// How the last connection or attempt ended. In the phases `Closing` and `Closed`: why.
    pub(super) last_close: Option<Close>,
    pub(super) queue: Queue,
    pub(super) calls: Calls,
    pub(super) in_flight: InFlight,
    /// The largest message that the server accepts, in bytes.
    pub(super) max_message: usize,
    /// The session whose hook runs.
    pub(super) hook: Option<u64>,
    /// Whether reading has stopped because the inbox stays full.
    pub(super) stalled: bool,
}

/// What the client does. `Closing` may follow each phase but `Closed`, and `Closed` each other phase.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Messages are sent. `Reconnecting` follows when the connection is lost.
    Connected,
    /// Attempts are made, and messages are queued. `Connected` follows, or `GaveUp` when no attempts are left.
    #[default]
    Reconnecting,
    /// No attempts are made, and no calls wait. `Reconnecting` follows at the next message, which is queued.
    GaveUp,
    /// The client closes. Queued emits are still sent, and no calls wait.
    Closing,
    /// Nothing is queued or in flight.
    Closed,
}

impl State {
    /// Whether the client closes and nothing is queued.
    pub(super) fn is_finished(&self) -> bool {
        self.phase == Phase::Closing && self.hook.is_none() && self.queue.is_empty()
    }

    /// Returns the failed calls, and the number of emits that the server may not have received.
    #[must_use = "the calls are completed after the lock is released"]
    pub(super) fn end_session(&mut self) -> (Vec<CompletedCall>, u64) {
        self.hook = None;
        self.queue.drop_hook_messages();
        (self.calls.fail_sent(&Failure::Disconnected(self.close())), self.in_flight.end())
    }

    /// A connection or an attempt ended.
    pub(super) fn ended(&mut self, close: &Close) {
        if !matches!(self.phase, Phase::Closing | Phase::Closed) {
            self.last_close = Some(close.clone());
        }
    }

    fn close(&self) -> Close {
        let unknown = || Close::new(CloseCause::Lost, CloseCode::ABNORMAL, "");
        self.last_close.clone().unwrap_or_else(unknown)
    }

    pub(super) fn push(
        &mut self,
        session: Option<u64>,
        message: Outgoing,
        buffer: usize,
    ) -> Result<(), EmitError> {
        if matches!(self.phase, Phase::Closing | Phase::Closed) {
            return Err(EmitError::Closed(self.close()));
        }
        let size = message.text.len();
        if size > self.max_message {
            return Err(EmitError::TooLarge { size, limit: self.max_message });
        }
        if self.phase == Phase::GaveUp {
            self.phase = Phase::Reconnecting;
        }
        let by_hook = session.is_some() && session == self.hook;
        let source = if by_hook { Source::Hook } else { Source::Handle };
        let connected = self.phase == Phase::Connected;
        let capacity = if connected { Capacity::Connected } else { Capacity::Messages(buffer) };
        self.queue.push(message, source, capacity).map_err(|Full| EmitError::Full)
    }
}
