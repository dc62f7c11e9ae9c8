//! What this node has asked the others, and what they have answered so far.
//!
//! One lock protects the table, and it is a leaf. An ask ends when each asked node has sent its last answer or is
//! lost, when its time is over, or when its caller goes away: the caller's [`Waiting`] removes it.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::lock::{Lock, rank};
use crate::node_id::NodeId;

/// Asks that wait for answers. One more gets the answer of its own node only.
const MAX_ASKS: usize = 65_536;
/// Bytes of the answers to one ask. With more, the answer is not complete.
const MAX_ANSWERS: usize = 64 << 20;

#[derive(Default)]
pub(super) struct Asks(Lock<HashMap<u64, Pending>, { rank::BACKPLANE_ASKS }>);

struct Pending {
    /// With the number of the next page of each.
    waits_for: Vec<(NodeId, u32)>,
    outcome: Outcome,
    size: usize,
    done: oneshot::Sender<Outcome>,
}

/// What an ask has brought.
#[derive(Default)]
pub(super) struct Outcome {
    /// The parcels of the answers.
    pub(super) answers: Vec<Bytes>,
    /// Nodes that have not answered, or not all of it.
    pub(super) missing: Vec<NodeId>,
}

/// An ask that waits for its answers. Its drop removes it from the table.
pub(super) struct Waiting<'a> {
    asks: &'a Asks,
    id: u64,
    done: oneshot::Receiver<Outcome>,
}

impl Asks {
    /// Returns `None` if too many asks wait.
    pub(super) fn add(&self, id: u64, nodes: Vec<NodeId>) -> Option<Waiting<'_>> {
        let (sender, done) = oneshot::channel();
        let waits_for = nodes.into_iter().map(|node| (node, 0)).collect();
        let pending = Pending { waits_for, outcome: Outcome::default(), size: 0, done: sender };
        let mut asks = self.0.lock();
        if asks.len() >= MAX_ASKS {
            return None;
        }
        asks.insert(id, pending);
        drop(asks);
        Some(Waiting { asks: self, id, done })
    }

    /// A node answers. `parcel` contains the answer. A page that arrives again is dropped, and without one of
    /// its pages a node counts as missing.
    pub(super) fn answer(&self, id: u64, node: NodeId, page: u32, parcel: &Bytes, is_last: bool) {
        let mut asks = self.0.lock();
        let Some(pending) = asks.get_mut(&id) else { return };
        let mut waits_for = pending.waits_for.iter_mut().enumerate();
        let Some((index, (_, next))) = waits_for.find(|(_, (it, _))| *it == node) else { return };
        if page < *next {
            return;
        }
        let has_gap = page > *next;
        *next += 1;
        pending.size += parcel.len();
        if has_gap || pending.size > MAX_ANSWERS {
            pending.waits_for.swap_remove(index);
            pending.outcome.missing.push(node);
        } else {
            pending.outcome.answers.push(parcel.clone());
            if is_last {
                pending.waits_for.swap_remove(index);
            }
        }
        let done = pending.waits_for.is_empty().then(|| asks.remove(&id)).flatten();
        drop(asks);
        done.into_iter().for_each(Pending::complete);
    }

    /// A node will answer nothing more.
    pub(super) fn node_lost(&self, node: NodeId) {
        let mut asks = self.0.lock();
        let mut done = Vec::new();
        for (id, pending) in asks.iter_mut() {
            if let Some(index) = pending.waits_for.iter().position(|(it, _)| *it == node) {
                pending.waits_for.swap_remove(index);
                pending.outcome.missing.push(node);
                if pending.waits_for.is_empty() {
                    done.push(*id);
                }
            }
        }
        let done: Vec<_> = done.iter().filter_map(|id| asks.remove(id)).collect();
        drop(asks);
        done.into_iter().for_each(Pending::complete);
    }

    /// Asks that wait.
    #[cfg(any(test, feature = "test"))]
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Pending {
    fn complete(self) {
        // Fails if the caller is gone.
        let _ = self.done.send(self.outcome);
    }
}

impl Waiting<'_> {
    /// Waits until all nodes have answered or are lost, at most for `within`.
    pub(super) async fn outcome(mut self, within: Duration) -> Outcome {
        if let Ok(Ok(outcome)) = timeout(within, &mut self.done).await {
            return outcome;
        }
        let pending = self.asks.0.lock().remove(&self.id);
        match pending {
            Some(Pending { mut outcome, waits_for, .. }) => {
                outcome.missing.extend(waits_for.into_iter().map(|(node, _)| node));
                outcome
            }
            // It was completed meanwhile.
            None => self.done.try_recv().unwrap_or_default(),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let pending = self.asks.0.lock().remove(&self.id);
        drop(pending);
    }
}
