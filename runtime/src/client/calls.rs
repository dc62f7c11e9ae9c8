//! The calls that have no answer yet.

use std::collections::HashMap;

use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::error::{CallError, EmitError};
use crate::wire::Head;

/// Calls of one client that may wait for an answer at the same time.
const MAX_CALLS: usize = 1024;

/// The `$ok` or `$err` frame that answers a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) text: Utf8Bytes,
    pub(super) head: Head,
    pub(super) ok: bool,
}

/// Why a call has no answer, whatever its types.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Unsent(EmitError),
    TimedOut,
    Disconnected,
    Closed,
    EventsNotPolled,
}

impl<E> From<Failure> for CallError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsent(error) => error.into(),
            Failure::TimedOut => Self::TimedOut,
            Failure::Disconnected => Self::Disconnected,
            Failure::Closed => Self::Closed,
            Failure::EventsNotPolled => Self::EventsNotPolled,
        }
    }
}

pub(super) type Outcome = Result<Answer, Failure>;

/// A call without an answer.
///
/// It holds the waker of its caller, so it is dropped after the lock of the client is released.
#[derive(Debug)]
pub(super) struct Pending {
    caller: oneshot::Sender<Outcome>,
    /// How far the tally had come when it was sent; `None` while it waits.
    sent_at: Option<u64>,
}

impl Pending {
    /// Whether it still waits to be sent.
    pub(super) fn waits(&self) -> bool {
        self.sent_at.is_none()
    }
}

/// A call that has its outcome; see [`complete`].
#[derive(Debug)]
pub(super) struct Over {
    call: Pending,
    outcome: Outcome,
}

impl Over {
    /// How far the tally had come when the call was sent.
    pub(super) fn sent_at(&self) -> Option<u64> {
        self.call.sent_at
    }
}

/// Gives callers their outcomes, which wakes them. A waker may come back into the client, so this is
/// called after the lock of the client is released.
pub(super) fn complete(calls: impl IntoIterator<Item = Over>) {
    for Over { call, outcome } in calls {
        // A caller that has gone away wants no outcome.
        let _ = call.caller.send(outcome);
    }
}

#[derive(Debug, Default)]
pub(super) struct Calls(HashMap<u64, Pending>);

impl Calls {
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_CALLS
    }

    /// Adds a call that waits to be sent.
    pub(super) fn add(&mut self, id: u64) -> oneshot::Receiver<Outcome> {
        let (caller, outcome) = oneshot::channel();
        self.0.insert(id, Pending { caller, sent_at: None });
        outcome
    }

    /// Notes that the call goes out, when the tally has come so far.
    pub(super) fn sent(&mut self, id: u64, count: u64) {
        if let Some(call) = self.0.get_mut(&id) {
            call.sent_at = Some(count);
        }
    }

    #[must_use = "it is dropped after the lock is released"]
    pub(super) fn forget(&mut self, id: u64) -> Option<Pending> {
        self.0.remove(&id)
    }

    /// Ends one call.
    #[must_use = "it is completed after the lock is released"]
    pub(super) fn end(&mut self, id: u64, outcome: Outcome) -> Option<Over> {
        Some(Over { call: self.0.remove(&id)?, outcome })
    }

    /// Fails the calls that were sent.
    #[must_use = "they are completed after the lock is released"]
    pub(super) fn fail_sent(&mut self, failure: &Failure) -> Vec<Over> {
        self.fail(failure, |call| !call.waits())
    }

    /// Fails all calls.
    #[must_use = "they are completed after the lock is released"]
    pub(super) fn fail_all(&mut self, failure: &Failure) -> Vec<Over> {
        self.fail(failure, |_| true)
    }

    fn fail(&mut self, failure: &Failure, which: impl Fn(&Pending) -> bool) -> Vec<Over> {
        let failed = self.0.extract_if(|_, call| which(call));
        failed.map(|(_, call)| Over { call, outcome: Err(failure.clone()) }).collect()
    }
}
