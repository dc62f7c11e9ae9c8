use std::sync::atomic::{AtomicU64, Ordering};

use crate::session::PushOutcome;
use crate::wire::Frame;

/// The outgoing events of a procedure, in the order of its trait, and what became of them.
#[derive(Default)]
pub(crate) struct OutgoingEvents(Box<[OutgoingEvent]>);

/// An outgoing event, and what became of it.
pub(crate) struct OutgoingEvent {
    /// Its wire name.
    pub(crate) event: &'static str,
    pub(crate) policy: DeliveryPolicy,
    /// What its frames begin with.
    pub(crate) opening: Vec<u8>,
    queued: AtomicU64,
    replaced: AtomicU64,
    dropped: AtomicU64,
}

/// What became of one outgoing event on this server so far: each recipient counts as one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// The wire name of the event.
    pub event: &'static str,
    /// What it says of clients that are behind.
    pub policy: DeliveryPolicy,
    /// How often it went into the outbox of a client.
    pub queued: u64,
    /// How many of these never left it, because a newer one took their place: of `latest` only.
    pub replaced: u64,
    /// How often a client went without it, because it was behind or its connection was lost: of
    /// `volatile` only.
    pub dropped: u64,
}

/// What an outgoing event says of clients that are behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryPolicy {
    /// `#[outgoing]`: it waits, and the connection is cut when too much does.
    Reliable,
    /// `#[outgoing(volatile)]`: they go without it.
    Volatile,
    /// `#[outgoing(latest)]`: only the newest waits.
    Latest,
}

/// How often a frame met which outcome.
#[derive(Default)]
pub(crate) struct OutcomeCounts {
    queued: u64,
    replaced: u64,
    dropped: u64,
}

impl OutcomeCounts {
    pub(crate) fn count(&mut self, outcome: PushOutcome) {
        match outcome {
            PushOutcome::Queued => self.queued += 1,
            PushOutcome::Replaced => {
                self.queued += 1;
                self.replaced += 1;
            }
            PushOutcome::Dropped => self.dropped += 1,
            PushOutcome::Missed => {}
        }
    }
}

impl OutgoingEvents {
    pub(crate) fn of(outgoing: &[(&'static str, DeliveryPolicy)]) -> Self {
        let counted = |&(event, policy)| {
            let (queued, replaced, dropped) = Default::default();
            OutgoingEvent {
                event,
                policy,
                opening: Frame::opening(event),
                queued,
                replaced,
                dropped,
            }
        };
        Self(outgoing.iter().map(counted).collect())
    }

    /// The event in this place.
    pub(crate) fn get(&self, place: usize) -> Option<&OutgoingEvent> {
        self.0.get(place)
    }

    pub(crate) fn all(&self) -> Vec<DeliveryStats> {
        self.0.iter().map(OutgoingEvent::delivery).collect()
    }
}

impl OutgoingEvent {
    pub(crate) fn add(&self, outcomes: &OutcomeCounts) {
        for (count, more) in [
            (&self.queued, outcomes.queued),
            (&self.replaced, outcomes.replaced),
            (&self.dropped, outcomes.dropped),
        ] {
            if more > 0 {
                count.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    fn delivery(&self) -> DeliveryStats {
        DeliveryStats {
            event: self.event,
            policy: self.policy,
            queued: self.queued.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
