use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Bytes that wait in an inbox.
const CAPACITY: usize = 16 << 20;
/// With more bytes than this, a probe that is not back may be one of the parcels that wait.
const LONG_BACKLOG: usize = 256 << 10;
/// What one waiting parcel takes beside its bytes.
const OVERHEAD: usize = 64;

/// Where an engine delivers the parcels that it receives.
#[derive(Clone)]
pub struct Inbox {
    sender: UnboundedSender<Bytes>,
    usage: Arc<Usage>,
}

/// The receiving end of an [`Inbox`].
pub struct Deliveries {
    receiver: UnboundedReceiver<Bytes>,
    usage: Arc<Usage>,
}

/// How much waits in an inbox, as its supervisor sees it.
pub(super) struct Backlog(Arc<Usage>);

impl Backlog {
    /// Whether the node has more to receive than it can at once.
    pub(super) fn is_long(&self) -> bool {
        self.0.bytes.load(Ordering::Relaxed) > LONG_BACKLOG
    }
}

#[derive(Default)]
struct Usage {
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

impl Inbox {
    pub(super) fn backlog(&self) -> Backlog {
        Backlog(Arc::clone(&self.usage))
    }

    /// An inbox and its receiving end: for tests of an engine. Parlor makes the inboxes that it uses.
    pub fn channel() -> (Self, Deliveries) {
        let (sender, receiver) = unbounded_channel();
        let usage = Arc::<Usage>::default();
        (Self { sender, usage: Arc::clone(&usage) }, Deliveries { receiver, usage })
    }

    /// Delivers the bytes of one parcel, in the order of the calls. Never waits.
    ///
    /// If 16 MiB wait already, the parcel is dropped, and counts as lost. After the link was dropped, this has no
    /// effect.
    pub fn deliver(&self, parcel: Bytes) {
        let size = parcel.len() + OVERHEAD;
        if self.usage.bytes.fetch_add(size, Ordering::Relaxed) + size > CAPACITY {
            self.usage.bytes.fetch_sub(size, Ordering::Relaxed);
            self.usage.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let _ = self.sender.send(parcel);
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

impl Deliveries {
    /// Appends at least one parcel, at most `max`. Returns `false` if the link is dropped and nothing is left.
    pub async fn receive(&mut self, parcels: &mut Vec<Bytes>, max: usize) -> bool {
        let count = self.receiver.recv_many(parcels, max).await;
        let first = parcels.len() - count;
        let size = parcels[first..].iter().map(|parcel| parcel.len() + OVERHEAD).sum();
        self.usage.bytes.fetch_sub(size, Ordering::Relaxed);
        count > 0
    }

    /// Parcels dropped since the last call, because too many bytes waited.
    pub(super) fn take_dropped(&self) -> u64 {
        self.usage.dropped.swap(0, Ordering::Relaxed)
    }
}
