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

#[derive(Debug)]
struct Pending {
    caller: oneshot::Sender<Outcome>,
    /// How far the tally had come when it was sent; `None` while it waits.
    sent_at: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Calls(HashMap<u64, Pending>);

impl Calls {
    /// A call that waits to be sent; `None` if there are too many.
    pub(super) fn add(&mut self, id: u64) -> Option<oneshot::Receiver<Outcome>> {
        if self.0.len() >= MAX_CALLS {
            return None;
        }
        let (caller, outcome) = oneshot::channel();
        self.0.insert(id, Pending { caller, sent_at: None });
        Some(outcome)
    }

    /// Notes that the call goes out, when the tally has come so far.
    pub(super) fn sent(&mut self, id: u64, count: u64) {
        if let Some(call) = self.0.get_mut(&id) {
            call.sent_at = Some(count);
        }
    }

    /// Hands over an answer; says how far the tally had come when the call was sent.
    pub(super) fn answer(&mut self, id: u64, answer: Answer) -> Option<u64> {
        let call = self.0.remove(&id)?;
        // A caller that has gone away wants no answer.
        let _ = call.caller.send(Ok(answer));
        call.sent_at
    }

    /// Forgets a call; says whether it still waits to be sent.
    pub(super) fn forget(&mut self, id: u64) -> bool {
        self.0.remove(&id).is_some_and(|call| call.sent_at.is_none())
    }

    /// Fails one call.
    pub(super) fn fail(&mut self, id: u64, failure: Failure) {
        if let Some(call) = self.0.remove(&id) {
            let _ = call.caller.send(Err(failure));
        }
    }

    /// Fails the calls that were sent.
    pub(super) fn fail_sent(&mut self, failure: &Failure) {
        for (_, call) in self.0.extract_if(|_, call| call.sent_at.is_some()) {
            let _ = call.caller.send(Err(failure.clone()));
        }
    }

    /// Fails all calls.
    pub(super) fn fail_all(&mut self, failure: &Failure) {
        for (_, call) in self.0.drain() {
            let _ = call.caller.send(Err(failure.clone()));
        }
    }
}
