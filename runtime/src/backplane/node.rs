//! One node of a cluster: what it publishes, and what its supervisor, its receiver and its procedures share.
//!
//! | part | protects | used by |
//! | --- | --- | --- |
//! | `outgoing` | numbers, marks, the queue | each emit, the supervisor, answers |
//! | `subscriptions` | wanted topics, waiting joins | joins and leaves, the supervisor, the receiver |
//! | `receiving` | positions, peers, procedures | the receiver, the supervisor, asks |
//! | `asks` | asks that wait | callers, the receiver |
//! | `watching` | presence of watched rooms: see [`presence`](super::presence) | watchers, the receiver, the supervisor |
//! | `state` | the link, the last probe | the supervisor, the receiver, `health` |
//! | `is_up` | whether there is a link, as a hint: a volatile event that is queued or dropped during a change of it is late or lost, which it may be | emits |
//!
//! No lock is held while another is taken, with one exception: `outgoing` is taken under `watching`, so that the
//! asks for one room are published in the order of the watches. None is held while a parcel is delivered, or over
//! an `await`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::asks::Asks;
use super::engine::{Backplane, Parcel};
use super::health::{Counts, Health, LogOnce, Logged, Status, add};
use super::names::{Names, reported};
use super::options::ClusterOptions;
use super::outgoing::Outgoing;
use super::parcel::{Hello, MAX_PAGE};
use super::peers::Peers;
use super::positions::Positions;
use super::random::random;
use super::signature::{SIGNATURE_LENGTH, Signer};
use super::subscriptions::Subscriptions;
use super::topic::{Topic, TopicId};
use super::watching::Watching;
use crate::lock::{Lock, rank};
use crate::node_id::NodeId;
use crate::rooms::{Gap, Hub};

pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) names: Names,
    pub(super) own_topic: Topic,
    pub(super) signer: Option<Signer>,
    /// The largest parcel that the broker accepts, as far as the engine knows.
    max_parcel_size: AtomicUsize,
    outgoing: Lock<Outgoing, { rank::BACKPLANE_QUEUE }>,
    /// Wakes the supervisor: there is something to publish.
    pub(super) queued: Notify,
    pub(super) subscriptions: Lock<Subscriptions, { rank::BACKPLANE_TOPICS }>,
    /// Wakes the supervisor: there are topics to subscribe to.
    pub(super) wanted: Notify,
    pub(super) receiving: Lock<Receiving, { rank::BACKPLANE_RECEIVE }>,
    /// Wakes the supervisor: a node has said hello.
    pub(super) greeted: Notify,
    /// Wakes the supervisor: a probe is back.
    pub(super) probed: Notify,
    pub(super) asks: Asks,
    pub(super) watching: Lock<Watching, { rank::BACKPLANE_WATCH }>,
    next_ask: AtomicU64,
    pub(super) state: Lock<State, { rank::BACKPLANE_STATE }>,
    is_up: AtomicBool,
    pub(super) counts: Counts,
    pub(super) logged: Logged,
}

/// What the receiver uses.
#[derive(Default)]
pub(super) struct Receiving {
    pub(super) positions: Positions,
    pub(super) peers: Peers,
    /// Nodes that are lost, until the receiver removes their members and what they watch. So it does this before
    /// it receives anything else of a node that is back.
    pub(super) lost: Vec<NodeId>,
    procedures: HashMap<Arc<str>, Arc<LocalProcedure>>,
}

/// A procedure of this node.
pub(super) struct LocalProcedure {
    /// Where it is mounted.
    pub(super) path: Arc<str>,
    pub(super) hub: Weak<Hub>,
    /// What is for all of its clients on all nodes.
    pub(super) topic: Topic,
    /// The indices of its outgoing events by wire name.
    pub(super) events: HashMap<&'static str, usize>,
}

pub(super) struct State {
    pub(super) link: LinkState,
    /// It has been up. Before that nothing numbered has been published.
    has_been_up: bool,
    pub(super) incarnation: u64,
    /// The last probe that was published.
    pub(super) probe: u64,
    /// The probes that were published since one was back: at most 15.
    pub(super) probes_sent: Vec<(u64, Instant)>,
    pub(super) probe_received: Option<(Instant, std::time::Duration)>,
}

pub(super) enum LinkState {
    Up,
    Down { since: Instant, reason: Arc<str> },
    Stopped,
}

impl Node {
    pub(super) fn new(engine: &dyn Backplane, options: ClusterOptions) -> Self {
        let id = NodeId::new(random());
        let names = Names::new(&options.prefix, engine.layout());
        let now = Instant::now();
        let outgoing = Outgoing::new(options.max_queue_size, options.max_queue_age, now);
        let link = LinkState::Down { since: now, reason: "not connected yet".into() };
        Self {
            id,
            own_topic: names.node(id),
            names,
            signer: options.key.as_ref().map(Signer::new),
            max_parcel_size: AtomicUsize::new(engine.max_parcel_size()),
            outgoing: Lock::new(outgoing),
            queued: Notify::new(),
            subscriptions: Lock::default(),
            wanted: Notify::new(),
            receiving: Lock::default(),
            greeted: Notify::new(),
            probed: Notify::new(),
            asks: Asks::default(),
            watching: Lock::default(),
            next_ask: AtomicU64::new(1),
            state: Lock::new(State {
                link,
                has_been_up: false,
                incarnation: 0,
                probe: 0,
                probes_sent: Vec::new(),
                probe_received: None,
            }),
            is_up: AtomicBool::new(false),
            counts: Counts::default(),
            logged: Logged::default(),
        }
    }

    /// Adds a procedure of this node.
    pub(super) fn add_procedure(&self, path: &str, hub: &Arc<Hub>) -> Arc<LocalProcedure> {
        let path: Arc<str> = path.into();
        let procedure = Arc::new(LocalProcedure {
            topic: self.names.procedure(&path),
            hub: Arc::downgrade(hub),
            events: hub.outgoing_events.indices(),
            path: Arc::clone(&path),
        });
        self.receiving.lock().procedures.insert(path, Arc::clone(&procedure));
        self.use_topic(&procedure.topic);
        procedure
    }

    pub(super) fn procedure(&self, path: &str) -> Option<Arc<LocalProcedure>> {
        self.receiving.lock().procedures.get(path).map(Arc::clone)
    }

    /// What its procedures share.
    pub(super) fn hubs(&self) -> Vec<Arc<Hub>> {
        self.procedures().iter().filter_map(|procedure| procedure.hub.upgrade()).collect()
    }

    fn procedures(&self) -> Vec<Arc<LocalProcedure>> {
        self.receiving.lock().procedures.values().map(Arc::clone).collect()
    }

    /// A room on this topic is used here.
    pub(super) fn use_topic(&self, topic: &Topic) {
        if self.subscriptions.lock().add(topic, Instant::now()) {
            self.wanted.notify_one();
        }
    }

    /// A room on this topic is no longer used here.
    pub(super) fn release_topic(&self, topic: &Topic) {
        self.subscriptions.lock().remove(topic, Instant::now());
    }

    /// The engine may have learned the size from the broker that it is connected to.
    pub(super) fn set_max_parcel_size(&self, size: usize) {
        self.max_parcel_size.store(size, Ordering::Relaxed);
    }

    /// The largest parcel, without its signature.
    pub(super) fn max_parcel_size(&self) -> usize {
        self.max_parcel_size.load(Ordering::Relaxed).saturating_sub(SIGNATURE_LENGTH)
    }

    /// Whether the broker accepts what a caller asks, and half of the queue is enough for it. Otherwise it would displace
    /// all events that wait.
    pub(super) fn can_ask(&self, ask: &[u8]) -> bool {
        let size = ask.len();
        size <= self.max_parcel_size() && self.with_outgoing(|it| it.can_have_space(size))
    }

    /// Bytes of members in one parcel.
    pub(super) fn max_page_size(&self) -> usize {
        (self.max_parcel_size() / 2).min(MAX_PAGE)
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    pub(super) fn set_link(&self, link: LinkState) {
        let is_up = matches!(link, LinkState::Up);
        self.is_up.store(is_up, Ordering::Relaxed);
        let mut state = self.state.lock();
        state.has_been_up |= is_up;
        let previous = std::mem::replace(&mut state.link, link);
        drop(state);
        drop(previous);
    }

    pub(super) fn next_ask(&self) -> u64 {
        self.next_ask.fetch_add(1, Ordering::Relaxed)
    }

    /// Publishes the copies of one event, one per topic, which are not numbered yet.
    pub(super) fn publish_numbered(&self, copies: Vec<(Topic, Vec<u8>)>) {
        add(&self.counts.published, copies.len() as u64);
        let now = Instant::now();
        let overflowed = self.outgoing.lock().push_numbered(copies, now);
        add(&self.counts.overflowed, overflowed);
        self.queued.notify_one();
    }

    /// Publishes a parcel that must not overtake the events before it.
    pub(super) fn publish_in_order(&self, topic: Topic, bytes: Vec<u8>) {
        let parcel = Parcel { topic, bytes: Bytes::from(bytes) };
        let overflowed = self.outgoing.lock().push(parcel, Instant::now());
        add(&self.counts.overflowed, overflowed);
        self.queued.notify_one();
    }

    /// Publishes a probe of this node before all that wait.
    pub(super) fn publish_probe(&self, probe: Vec<u8>) {
        self.with_outgoing(|outgoing| outgoing.set_probe(self.own_topic.clone(), probe));
        self.queued.notify_one();
    }

    /// Publishes a parcel before all that wait.
    pub(super) fn publish_first(&self, topic: Topic, bytes: Vec<u8>) {
        self.outgoing.lock().push_control(topic, bytes);
        self.queued.notify_one();
    }

    /// Publishes what a caller asks, before what is numbered. Returns `false` if too many asks wait.
    pub(super) fn publish_query(&self, topic: Topic, bytes: Vec<u8>) -> bool {
        let has_space = self.outgoing.lock().push_ask(topic, bytes);
        self.queued.notify_one();
        has_space
    }

    /// Runs `use_outgoing` with the lock of the queue.
    pub(super) fn with_outgoing<T>(&self, use_outgoing: impl FnOnce(&mut Outgoing) -> T) -> T {
        use_outgoing(&mut self.outgoing.lock())
    }

    /// A hello of this node. `None` if its contracts have more than 65 535 events, or longer names, or if the broker does
    /// not accept its size: then the others take it for a node that serves every procedure.
    pub(super) fn hello(&self, wants_answer: bool) -> Option<Vec<u8>> {
        let procedures = self.procedures();
        let hubs: Vec<_> = procedures.iter().map(|procedure| procedure.hub.upgrade()).collect();
        let described = procedures.iter().zip(&hubs).filter_map(|(procedure, hub)| {
            Some((&*procedure.path, hub.as_ref()?.outgoing_events.digests().collect()))
        });
        let procedures = described.collect();
        let (incarnation, has_published) = {
            let state = self.state.lock();
            (state.incarnation, state.has_been_up)
        };
        // What it has numbered before its first link and dropped is lost for those that were there.
        let number = if has_published { self.with_outgoing(|it| it.number()) } else { 0 };
        let hello = Hello { incarnation, number, wants_answer, procedures };
        hello.encode(self.id).ok().filter(|hello| hello.len() <= self.max_parcel_size())
    }

    /// Tells the other nodes which procedures this one serves.
    pub(super) fn say_hello(&self) {
        if let Some(hello) = self.hello(false) {
            self.publish_first(self.names.nodes().clone(), hello);
        }
    }

    /// Counts what is too large for the other nodes, and logs the first of each cause.
    pub(super) fn refuse(&self, cause: &LogOnce, log: impl FnOnce()) {
        add(&self.counts.too_large, 1);
        if cause.is_first() {
            log();
        }
    }

    /// Counts and reports a loss of events that `origin` has published on a topic, and asks for what they have changed.
    pub(super) fn report_lost(&self, topic: TopicId, origin: NodeId, lost: u64) {
        if lost > 0 {
            self.count_lost(topic, origin, lost);
            self.ask_for_lost_presence(origin, vec![topic]);
        }
    }

    /// Counts and reports a loss of events that `origin` has published on a topic.
    pub(super) fn count_lost(&self, topic: TopicId, origin: NodeId, lost: u64) {
        add(&self.counts.lost, lost);
        let name = reported(self.subscriptions.lock().topic(topic));
        self.report(&Gap::Lost { topic: name, origin, lost });
    }

    pub(super) fn report(&self, gap: &Gap) {
        for hub in self.hubs() {
            hub.gaps.report(gap.clone());
        }
    }

    pub(super) fn health(&self) -> Health {
        let now = Instant::now();
        let aged = self.with_outgoing(|outgoing| outgoing.drop_old(now));
        add(&self.counts.aged, aged);
        let queue_size = self.with_outgoing(|outgoing| outgoing.size());
        let topics = self.subscriptions.lock().len();
        let nodes = self.receiving.lock().peers.alive().collect();
        let state = self.state.lock();
        let status = match &state.link {
            LinkState::Up => Status::Up,
            LinkState::Down { since, reason } => {
                Status::Down { since: now.duration_since(*since), reason: Arc::clone(reason) }
            }
            LinkState::Stopped => Status::Stopped,
        };
        Health {
            node: self.id,
            status,
            probe_age: state.probe_received.map(|(at, _)| now.duration_since(at)),
            probe_time: state.probe_received.map(|(_, time)| time),
            queue_size,
            nodes,
            topics,
            counters: self.counts.read(),
        }
    }

    /// The number of entries in its tables: topics, asks, watched rooms.
    #[cfg(any(test, feature = "test"))]
    pub(super) fn entries(&self) -> usize {
        // One lock at a time.
        let topics = self.subscriptions.lock().len();
        let positions = self.receiving.lock().positions.len();
        topics + positions + self.asks.len() + self.watching.lock().len()
    }
}
