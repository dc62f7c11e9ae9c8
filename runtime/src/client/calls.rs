//! The calls without an answer yet.

use std::collections::HashMap;

use tokio::sync::oneshot;
use tungstenite::Utf8Bytes;

use super::close::Close;
use super::error::{CallError, EmitError};
use crate::wire::Head;

/// The most calls of one client without an answer.
const MAX_CALLS: usize = 1024;

/// The `$ok` or `$err` frame that answers a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) text: Utf8Bytes,
    pub(super) head: Head,
    pub(super) ok: bool,
}

/// Why a call has no answer, independent of its types.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Unsent(EmitError),
    TimedOut,
    Disconnected(Close),
    Closed(Close),
    IdentityChanged,
    EventsNotPolled,
}

impl<E> From<Failure> for CallError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsent(error) => error.into(),
            Failure::TimedOut => Self::TimedOut,
            Failure::Disconnected(close) => Self::Disconnected(close),
            Failure::Closed(close) => Self::Closed(close),
            Failure::IdentityChanged => Self::IdentityChanged,
            Failure::EventsNotPolled => Self::EventsNotPolled,
        }
    }
}

pub(super) type Outcome = Result<Answer, Failure>;

/// A call without an answer.
///
/// It holds the waker of its caller, so it must be dropped after the lock of the client is released.
#[derive(Debug)]
pub(super) struct PendingCall {
    caller: oneshot::Sender<Outcome>,
    /// [`InFlight::sent`](super::in_flight::InFlight::sent) after it was sent; `None` while it is queued.
    sent_at: Option<u64>,
}

impl PendingCall {
    pub(super) fn is_unsent(&self) -> bool {
        self.sent_at.is_none()
    }
}

/// A call with its outcome; see [`complete`].
#[derive(Debug)]
pub(super) struct CompletedCall {
    call: PendingCall,
    outcome: Outcome,
}

impl CompletedCall {
    pub(super) fn sent_at(&self) -> Option<u64> {
        self.call.sent_at
    }
}

/// Sends callers their outcomes, which wakes them. A waker may call the client, so this is called after
/// the lock of the client is released.
pub(super) fn complete(calls: impl IntoIterator<Item = CompletedCall>) {
    for CompletedCall { call, outcome } in calls {
        // Fails if the caller was dropped.
        let _ = call.caller.send(outcome);
    }
}

#[derive(Debug, Default)]
pub(super) struct Calls(HashMap<u64, PendingCall>);

impl Calls {
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_CALLS
    }

    /// Adds a queued call.
    pub(super) fn add(&mut self, id: u64) -> oneshot::Receiver<Outcome> {
        let (caller, outcome) = oneshot::channel();
        self.0.insert(id, PendingCall { caller, sent_at: None });
        outcome
    }

    /// The call is sent as message number `count`.
    pub(super) fn sent(&mut self, id: u64, count: u64) {
        if let Some(call) = self.0.get_mut(&id) {
            call.sent_at = Some(count);
        }
    }

    #[must_use = "it is dropped after the lock is released"]
    pub(super) fn remove(&mut self, id: u64) -> Option<PendingCall> {
        self.0.remove(&id)
    }

    /// Removes one call, with its outcome.
    #[must_use = "it is completed after the lock is released"]
    pub(super) fn end(&mut self, id: u64, outcome: Outcome) -> Option<CompletedCall> {
        Some(CompletedCall { call: self.0.remove(&id)?, outcome })
    }

    /// Fails the calls that were sent.
    #[must_use = "they are completed after the lock is released"]
    pub(super) fn fail_sent(&mut self, failure: &Failure) -> Vec<CompletedCall> {
        self.fail(failure, |call| !call.is_unsent())
    }

    /// Fails all calls.
    #[must_use = "they are completed after the lock is released"]
    pub(super) fn fail_all(&mut self, failure: &Failure) -> Vec<CompletedCall> {
        self.fail(failure, |_| true)
    }

    fn fail(
        &mut self,
        failure: &Failure,
        which: impl Fn(&PendingCall) -> bool,
    ) -> Vec<CompletedCall> {
        let failed = self.0.extract_if(|_, call| which(call));
        failed.map(|(_, call)| CompletedCall { call, outcome: Err(failure.clone()) }).collect()
    }
}
