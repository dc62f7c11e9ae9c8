use std::collections::BTreeMap;

use crate::lock::Lock;
use crate::session::{Fate, Policy};

/// What became of the outgoing events of a procedure, by their names.
#[derive(Default)]
pub(crate) struct Deliveries(Lock<BTreeMap<&'static str, Delivery>>);

/// What became of one outgoing event on this server so far: each recipient counts as one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
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

/// How often a frame met which fate.
#[derive(Default)]
pub(super) struct Fates {
    queued: u64,
    replaced: u64,
    dropped: u64,
}

impl Fates {
    pub(super) fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Queued => self.queued += 1,
            Fate::Replaced => {
                self.queued += 1;
                self.replaced += 1;
            }
            Fate::Dropped => self.dropped += 1,
            Fate::Missed => {}
        }
    }
}

impl Deliveries {
    pub(super) fn add(&self, event: &'static str, policy: Policy, fates: &Fates) {
        let policy = match policy {
            Policy::Reliable => DeliveryPolicy::Reliable,
            Policy::Volatile => DeliveryPolicy::Volatile,
            Policy::Latest(_) => DeliveryPolicy::Latest,
        };
        let mut deliveries = self.0.lock();
        let delivery = deliveries.entry(event).or_insert(Delivery {
            event,
            policy,
            queued: 0,
            replaced: 0,
            dropped: 0,
        });
        delivery.queued += fates.queued;
        delivery.replaced += fates.replaced;
        delivery.dropped += fates.dropped;
    }

    pub(super) fn all(&self) -> Vec<Delivery> {
        self.0.lock().values().copied().collect()
    }
}
