use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::contract::Outgoing;
use crate::session::PushOutcome;
use crate::wire::Frame;

/// The outgoing events of a procedure with their delivery counts, in the order of its trait.
#[derive(Default)]
pub(crate) struct OutgoingEvents(Box<[OutgoingEvent]>);

/// An outgoing event with its delivery counts.
pub(crate) struct OutgoingEvent {
    /// The wire name.
    pub(crate) name: &'static str,
    pub(crate) policy: DeliveryPolicy,
    /// Differs on a node whose contract has another event of this name.
    pub(crate) digest: u64,
    /// The JSON before the payload.
    pub(crate) json_prefix: Vec<u8>,
    queued: AtomicU64,
    replaced: AtomicU64,
    dropped: AtomicU64,
}

/// Delivery counts of one outgoing event on this server so far. Each recipient counts as one delivery.
///
/// A slow client has more bytes pending than a limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// The wire name of the event.
    pub event: &'static str,
    /// How the event is delivered to slow clients.
    pub policy: DeliveryPolicy,
    /// Deliveries that were queued in the outbox of a client.
    pub queued: u64,
    /// Queued deliveries that were replaced by a newer one before they were sent: `latest` only.
    pub replaced: u64,
    /// Deliveries that were dropped because the client was slow or its connection was lost: `volatile`
    /// only.
    pub dropped: u64,
}

/// How an outgoing event is delivered to slow clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryPolicy {
    /// `#[outgoing]`: the event stays pending. The connection is closed when too many bytes are pending.
    Reliable,
    /// `#[outgoing(volatile)]`: the event is dropped.
    Volatile,
    /// `#[outgoing(latest)]`: only the newest event stays pending.
    Latest,
}

/// Counts of the outcomes of one frame, over its recipients.
#[derive(Default)]
pub(crate) struct OutcomeCounts {
    queued: u64,
    replaced: u64,
    dropped: u64,
}

impl OutcomeCounts {
    pub(crate) fn add(&mut self, outcome: PushOutcome) {
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
    pub(crate) fn new(outgoing: &[Outgoing]) -> Self {
        let event = |outgoing: &Outgoing| {
            let Outgoing { name, policy, .. } = *outgoing;
            let (queued, replaced, dropped) = Default::default();
            OutgoingEvent {
                name,
                policy,
                digest: outgoing.digest(),
                json_prefix: Frame::event_prefix(name),
                queued,
                replaced,
                dropped,
            }
        };
        Self(outgoing.iter().map(event).collect())
    }

    pub(crate) fn get(&self, index: usize) -> Option<&OutgoingEvent> {
        self.0.get(index)
    }

    /// The index of each event, by its wire name.
    pub(crate) fn indices(&self) -> HashMap<&'static str, usize> {
        self.0.iter().enumerate().map(|(index, event)| (event.name, index)).collect()
    }

    /// The wire name and the digest of each event.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|event| (event.name, event.digest))
    }

    pub(crate) fn delivery_stats(&self) -> Vec<DeliveryStats> {
        self.0.iter().map(OutgoingEvent::delivery_stats).collect()
    }
}

impl OutgoingEvent {
    pub(crate) fn add_counts(&self, outcomes: &OutcomeCounts) {
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

    fn delivery_stats(&self) -> DeliveryStats {
        DeliveryStats {
            event: self.name,
            policy: self.policy,
            queued: self.queued.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
