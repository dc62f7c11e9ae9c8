use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::engine::{Backplane, Layout, Link, LinkError, Parcel};
use super::inbox::Inbox;
use super::supervise::AbortOnDrop;
use super::topic::{Topic, TopicId};
use crate::lock::{Lock, rank};

/// Parcels that a stalled link holds. Further ones are dropped.
const MAX_HELD: usize = 1 << 20;

/// A broker in this process: it links routers for tests, and shows how to write an engine.
///
/// Each router gets a [`MemoryNode`]. Faults are switched on and off while the routers run.
///
/// ```
/// use parlor::Router;
/// use parlor::backplane::Memory;
///
/// let broker = Memory::new();
/// let (one, two) = (broker.node(), broker.node());
/// let routers = [Router::new().backplane(one.clone()), Router::new().backplane(two)];
/// // The links of the first router are lost, and it connects again.
/// one.cut();
/// # drop(routers);
/// ```
#[derive(Clone)]
pub struct Memory(Arc<Lock<Broker, { rank::BACKPLANE_MEMORY }>>);

struct Broker {
    layout: Layout,
    is_running: bool,
    incarnation: u64,
    next: u64,
    links: HashMap<u64, BrokerLink>,
    /// The links that are subscribed to each topic, in the order of their numbers.
    topics: HashMap<TopicId, Vec<u64>>,
}

struct BrokerLink {
    topics: HashSet<TopicId>,
    outbox: Arc<Outbox>,
    lost: watch::Sender<bool>,
}

/// What the broker sends to one link.
struct Outbox {
    inbox: Inbox,
    faults: Arc<Faults>,
    held: Lock<VecDeque<(Instant, Bytes)>, { rank::BACKPLANE_MEMORY_LINK }>,
    filled: Notify,
}

/// The faults of one node.
#[derive(Default)]
struct Faults {
    state: Lock<FaultState, { rank::BACKPLANE_MEMORY_FAULTS }>,
    changed: Notify,
}

#[derive(Default, Clone)]
struct FaultState {
    is_stalled: bool,
    is_partitioned: bool,
    delay: Duration,
    drop: usize,
    duplicate: usize,
}

/// The engine of one router that is linked by a [`Memory`]. A clone is the same node.
#[derive(Clone)]
pub struct MemoryNode {
    broker: Memory,
    faults: Arc<Faults>,
    links: Arc<Lock<Vec<u64>, { rank::BACKPLANE_MEMORY_FAULTS }>>,
}

struct MemoryLink {
    broker: Memory,
    faults: Arc<Faults>,
    number: u64,
    incarnation: u64,
    lost: watch::Receiver<bool>,
    _sender: AbortOnDrop,
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_layout(Layout::PerRoom)
    }
}

impl Memory {
    /// A broker that runs, with a topic per room.
    pub fn new() -> Self {
        Self::default()
    }

    /// A broker that runs, with topics as in `layout`.
    pub fn with_layout(layout: Layout) -> Self {
        Self(Arc::new(Lock::new(Broker {
            layout,
            is_running: true,
            incarnation: 1,
            next: 0,
            links: HashMap::new(),
            topics: HashMap::new(),
        })))
    }

    /// The engine of one more router.
    pub fn node(&self) -> MemoryNode {
        MemoryNode { broker: self.clone(), faults: Arc::default(), links: Arc::default() }
    }

    /// Stops the broker: all links are lost with what was not delivered, and no one can connect.
    pub fn stop(&self) {
        let mut broker = self.0.lock();
        broker.is_running = false;
        broker.incarnation += 1;
        broker.topics.clear();
        let links = std::mem::take(&mut broker.links);
        drop(broker);
        links.into_values().for_each(BrokerLink::lose);
    }

    /// Starts the broker again, without the subscriptions that it had.
    pub fn start(&self) {
        self.0.lock().is_running = true;
    }

    /// The number of links.
    pub fn links(&self) -> usize {
        self.0.lock().links.len()
    }

    fn remove(&self, number: u64) {
        let mut broker = self.0.lock();
        let link = broker.remove(number);
        drop(broker);
        link.into_iter().for_each(BrokerLink::lose);
    }
}

impl Broker {
    fn remove(&mut self, number: u64) -> Option<BrokerLink> {
        let link = self.links.remove(&number)?;
        for topic in &link.topics {
            self.unsubscribe(number, *topic);
        }
        Some(link)
    }

    fn unsubscribe(&mut self, number: u64, topic: TopicId) {
        if let Some(links) = self.topics.get_mut(&topic) {
            links.retain(|link| *link != number);
            if links.is_empty() {
                self.topics.remove(&topic);
            }
        }
    }
}

impl BrokerLink {
    fn lose(self) {
        self.outbox.held.lock().clear();
        self.lost.send_replace(true);
    }
}

impl MemoryNode {
    /// The link is lost, with what was not delivered. The router connects again.
    pub fn cut(&self) {
        let links = self.links.lock().clone();
        for link in links {
            self.broker.remove(link);
        }
    }

    /// What others publish waits in the broker until [`resume`](Self::resume).
    pub fn stall(&self) {
        self.set(|faults| faults.is_stalled = true);
    }

    /// Ends [`stall`](Self::stall).
    pub fn resume(&self) {
        self.set(|faults| faults.is_stalled = false);
    }

    /// Nothing passes between this node and the broker, in either direction, and no error tells it. New
    /// connections are not accepted.
    pub fn partition(&self) {
        self.set(|faults| faults.is_partitioned = true);
    }

    /// Ends [`partition`](Self::partition) and [`delay`](Self::delay).
    pub fn heal(&self) {
        self.set(|faults| {
            faults.is_partitioned = false;
            faults.delay = Duration::ZERO;
        });
    }

    /// What others publish arrives later by this.
    pub fn delay(&self, delay: Duration) {
        self.set(|faults| faults.delay = delay);
    }

    /// The broker drops the next parcels for this node.
    pub fn drop_next(&self, count: usize) {
        self.set(|faults| faults.drop = count);
    }

    /// The broker delivers the next parcels for this node twice.
    pub fn duplicate_next(&self, count: usize) {
        self.set(|faults| faults.duplicate = count);
    }

    fn set(&self, set: impl FnOnce(&mut FaultState)) {
        set(&mut self.faults.state.lock());
        self.faults.changed.notify_waiters();
    }
}

impl Faults {
    fn is_partitioned(&self) -> bool {
        self.state.lock().is_partitioned
    }
}

impl Outbox {
    /// Appends a parcel, as the faults of the node say.
    fn push(&self, parcel: &Bytes) {
        let mut faults = self.faults.state.lock();
        if faults.is_partitioned {
            return;
        }
        if faults.drop > 0 {
            faults.drop -= 1;
            return;
        }
        let copies = if faults.duplicate > 0 {
            faults.duplicate -= 1;
            2
        } else {
            1
        };
        let at = Instant::now() + faults.delay;
        drop(faults);
        let mut held = self.held.lock();
        for _ in 0..copies {
            if held.len() < MAX_HELD {
                held.push_back((at, parcel.clone()));
            }
        }
        drop(held);
        self.filled.notify_one();
    }

    /// Delivers what the broker holds, without end.
    async fn send(&self) {
        loop {
            let changed = self.faults.changed.notified();
            if self.faults.state.lock().is_stalled {
                changed.await;
                continue;
            }
            let next = self.held.lock().front().map(|(at, _)| *at);
            match next {
                None => self.filled.notified().await,
                Some(at) if at > Instant::now() => sleep_until(at).await,
                Some(_) => {
                    let parcel = self.held.lock().pop_front();
                    if let Some((_, parcel)) = parcel {
                        self.inbox.deliver(parcel);
                    }
                }
            }
        }
    }
}

/// The error of a link that is lost.
fn cut() -> LinkError {
    LinkError::new("the broker in memory has cut the link")
}

impl Backplane for MemoryNode {
    fn layout(&self) -> Layout {
        self.broker.0.lock().layout
    }

    fn connect(&self, inbox: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>> {
        let node = self.clone();
        async move {
            loop {
                let changed = node.faults.changed.notified();
                if !node.faults.is_partitioned() {
                    break;
                }
                changed.await;
            }
            let faults = Arc::clone(&node.faults);
            let held = Lock::default();
            let outbox = Arc::new(Outbox { inbox, faults, held, filled: Notify::new() });
            let (sender, lost) = watch::channel(false);
            let mut broker = node.broker.0.lock();
            if !broker.is_running {
                return Err(LinkError::new("the broker in memory is stopped"));
            }
            broker.next += 1;
            let (number, incarnation) = (broker.next, broker.incarnation);
            let link =
                BrokerLink { topics: HashSet::new(), outbox: Arc::clone(&outbox), lost: sender };
            broker.links.insert(number, link);
            drop(broker);
            *node.links.lock() = vec![number];
            let sending = tokio::spawn(async move { outbox.send().await });
            let sender = AbortOnDrop(sending.abort_handle());
            let MemoryNode { broker, faults, .. } = node;
            let link = MemoryLink { broker, faults, number, incarnation, lost, _sender: sender };
            Ok(Box::new(link) as Box<dyn Link>)
        }
        .boxed()
    }
}

impl MemoryLink {
    /// Changes the broker, unless the link is cut. Never ready while the node is partitioned.
    fn at_broker<'a>(
        &self,
        change: impl FnOnce(&mut Broker),
    ) -> BoxFuture<'a, Result<(), LinkError>> {
        if self.faults.is_partitioned() {
            return std::future::pending().boxed();
        }
        let mut broker = self.broker.0.lock();
        if !broker.links.contains_key(&self.number) {
            return ready(Err(cut())).boxed();
        }
        change(&mut broker);
        ready(Ok(())).boxed()
    }
}

impl Link for MemoryLink {
    fn incarnation(&self) -> u64 {
        self.incarnation
    }

    fn subscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        self.at_broker(|broker| {
            for topic in topics.iter().map(Topic::id) {
                let link = broker.links.get_mut(&self.number);
                if link.is_some_and(|link| link.topics.insert(topic)) {
                    broker.topics.entry(topic).or_default().push(self.number);
                }
            }
        })
    }

    fn unsubscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        self.at_broker(|broker| {
            for topic in topics.iter().map(Topic::id) {
                if let Some(link) = broker.links.get_mut(&self.number) {
                    link.topics.remove(&topic);
                }
                broker.unsubscribe(self.number, topic);
            }
        })
    }

    fn publish<'a>(&'a self, parcels: &'a [Parcel]) -> BoxFuture<'a, Result<(), LinkError>> {
        for parcel in parcels {
            if self.faults.is_partitioned() {
                return std::future::pending().boxed();
            }
            let broker = self.broker.0.lock();
            if !broker.links.contains_key(&self.number) {
                return ready(Err(cut())).boxed();
            }
            let links = broker.topics.get(&parcel.topic.id()).into_iter().flatten();
            let outboxes: Vec<_> = links
                .filter_map(|link| broker.links.get(link))
                .map(|link| Arc::clone(&link.outbox))
                .collect();
            drop(broker);
            for outbox in outboxes {
                outbox.push(&parcel.bytes);
            }
        }
        ready(Ok(())).boxed()
    }

    fn lost(&self) -> BoxFuture<'_, LinkError> {
        let mut lost = self.lost.clone();
        async move {
            let _ = lost.wait_for(|lost| *lost).await;
            cut()
        }
        .boxed()
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.broker.remove(self.number);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("links", &self.links()).finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryNode").finish_non_exhaustive()
    }
}
