//! Runs the steps of a case, and checks what arrived.
//!
//! Each node has a constant member, which is in all rooms from the start, and one that comes and goes.
//! Each event is a number. For each node, the events that its constant member has received, together with those
//! that the node reports as lost, are those that were emitted since the nodes know each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::end_faults;
use super::steps::{Case, ROOMS, Step, To};
use crate::backplane::names::Names;
use crate::backplane::random::seed;
use crate::backplane::tests::fixture::{hub, member, runtime};
use crate::backplane::{
    Cluster, ClusterOptions, Gap, Gaps, Health, Layout, Memory, MemoryNode, NodeId,
};
use crate::rooms::{Audience, Hub, rooms};
use crate::session::{PushPolicy, Registration};
use crate::wire::Frame;

const PATH: &str = "/model";
/// The room of members that are excepted.
const EXCEPTED: &str = "excepted";

outcomes! {
    delivered_to_other_nodes,
    counted_as_lost,
    counted_as_duplicate,
    published_again,
    too_old,
    origins_lost,
    ended_nodes,
    copies_on_two_topics,
}

/// An event that was emitted.
struct Emitted {
    origin: usize,
    topics: Vec<String>,
    rooms: Vec<&'static str>,
    /// The only node whose constant member gets it.
    only: Option<usize>,
}

struct TestNode {
    id: NodeId,
    hub: Arc<Hub>,
    /// `None` when the node has ended.
    cluster: Option<Cluster>,
    engine: MemoryNode,
    gaps: Gaps,
    /// In all rooms.
    constant: Registration,
    /// Comes and goes.
    visitor: Registration,
    /// The events of the constant member and of the visitor, in the order in which they arrived.
    received: [Vec<usize>; 2],
    /// Lost events by topic and origin.
    lost: BTreeMap<(String, NodeId), u64>,
    /// Nodes reported as silent.
    silent: BTreeSet<NodeId>,
    /// The events that were emitted before this node knew all others do not count.
    since: usize,
}

struct Simulation {
    broker: Memory,
    names: Names,
    nodes: Vec<TestNode>,
    emitted: Vec<Emitted>,
    outcomes: Outcomes,
}

pub(super) fn run(case: &Case) -> Result<Outcomes, String> {
    seed(case.seed);
    runtime().block_on(async {
        let layout = if case.buckets { Layout::Buckets(2) } else { Layout::PerRoom };
        let mut simulation = Simulation {
            broker: Memory::with_layout(layout),
            names: Names::new("parlor", layout),
            nodes: Vec::new(),
            emitted: Vec::new(),
            outcomes: Outcomes::default(),
        };
        for _ in 0..case.nodes {
            simulation.start_node();
        }
        sleep(Duration::from_secs(3)).await;
        for step in &case.steps {
            simulation.step(*step).await;
        }
        simulation.finish().await;
        simulation.check()?;
        Ok(simulation.outcomes)
    })
}

impl Simulation {
    fn start_node(&mut self) {
        let hub = hub();
        let engine = self.broker.node();
        let gaps = hub.gaps.receiver();
        let (constant, visitor) = (member(&hub), member(&hub));
        let cluster = Cluster::new(Arc::new(engine.clone()), ClusterOptions::default());
        cluster.start([(PATH, &hub)].into_iter());
        for room in ROOMS {
            constant.member().join(room).expect("joined");
        }
        visitor.member().join(EXCEPTED).expect("joined");
        self.nodes.push(TestNode {
            id: cluster.health().expect("started").node,
            hub,
            cluster: Some(cluster),
            engine,
            gaps,
            constant,
            visitor,
            received: Default::default(),
            lost: BTreeMap::new(),
            silent: BTreeSet::new(),
            since: self.emitted.len(),
        });
    }

    fn alive(&self, index: usize) -> Option<usize> {
        let alive: Vec<_> = (0..self.nodes.len()).filter(|it| self.nodes[*it].is_alive()).collect();
        alive.get(index % alive.len().max(1)).copied()
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Emit(node, to) => {
                if let Some(node) = self.alive(node) {
                    self.emit(node, to);
                }
            }
            Step::Toggle(node, room) => {
                let Some(node) = self.alive(node) else { return };
                let member = self.nodes[node].visitor.member();
                if !member.leave(ROOMS[room]) {
                    member.join(ROOMS[room]).expect("joined");
                }
            }
            Step::Fault(node, fault) => {
                if let Some(node) = self.alive(node) {
                    fault.apply(&self.nodes[node].engine);
                }
            }
            Step::StopBroker => self.broker.stop(),
            Step::StartBroker => self.broker.start(),
            Step::Wait(time) => sleep(Duration::from_millis(time)).await,
            Step::StartNode => {
                if self.nodes.len() < 6 {
                    self.heal().await;
                    self.start_node();
                    sleep(Duration::from_secs(10)).await;
                    let since = self.emitted.len();
                    self.nodes.last_mut().expect("a node").since = since;
                }
            }
            Step::EndNode(node, with_bye) => {
                if let Some(node) = self.alive(node) {
                    self.nodes[node].end(with_bye).await;
                    self.outcomes.ended_nodes += 1;
                }
            }
        }
        self.receive();
    }

    fn emit(&mut self, node: usize, to: To) {
        let number = self.emitted.len();
        let (audience, rooms_of): (Audience, Vec<&'static str>) = match to {
            To::Room(room) => (Audience::new(&ROOMS[room]), vec![ROOMS[room]]),
            To::TwoRooms(one, other) => {
                let both = [ROOMS[one], ROOMS[other]];
                (Audience::new(&both), both.to_vec())
            }
            To::RoomExcept(room) => {
                (Audience::new(&rooms(ROOMS[room]).except(EXCEPTED)), vec![ROOMS[room]])
            }
            To::All => (Audience::all(), Vec::new()),
            To::RoomAndSocket(room, other) => {
                let id = self.nodes[other % self.nodes.len()].constant.member().id();
                (Audience::new(&[rooms(ROOMS[room]), rooms(id)]), vec![ROOMS[room]])
            }
            To::Socket(other) => {
                let other = other % self.nodes.len();
                // Only its own node delivers it: for all others it is an event that concerns none of their members.
                let id = self.nodes[other].constant.member().id();
                if other == node || !self.nodes[other].is_alive() {
                    return;
                }
                (Audience::new(&id), Vec::new())
            }
        };
        let mut topics: Vec<String> =
            rooms_of.iter().map(|room| self.names.room(PATH, room).name().to_owned()).collect();
        let is_to_other = |other: usize| other % self.nodes.len() != node;
        let is_on_procedure = match to {
            To::All | To::Socket(_) => true,
            To::RoomAndSocket(_, other) => is_to_other(other),
            To::Room(_) | To::TwoRooms(..) | To::RoomExcept(_) => false,
        };
        if is_on_procedure {
            topics.push(self.names.procedure(PATH).name().to_owned());
        }
        topics.sort();
        topics.dedup();
        if topics.len() > 1 {
            self.outcomes.copies_on_two_topics += 1;
        }
        let hub = &self.nodes[node].hub;
        let event = hub.outgoing_events.get(0).expect("an event");
        let frame = Frame::event("event", &number).expect("JSON");
        hub.emit(&audience, event, &frame, PushPolicy::Reliable, None).expect("small");
        let only = match to {
            To::Socket(other) => Some(other % self.nodes.len()),
            _ => None,
        };
        self.emitted.push(Emitted { origin: node, topics, rooms: rooms_of, only });
    }

    async fn heal(&mut self) {
        end_faults(&self.broker, self.nodes.iter().map(|node| &node.engine));
        sleep(Duration::from_secs(15)).await;
    }

    async fn finish(&mut self) {
        self.heal().await;
        self.receive();
        for node in &self.nodes {
            let Some(health) = node.health() else { continue };
            let counters = health.counters;
            self.outcomes.delivered_to_other_nodes += counters.received;
            self.outcomes.counted_as_lost += counters.lost;
            self.outcomes.counted_as_duplicate += counters.duplicates;
            self.outcomes.published_again += counters.resent;
            self.outcomes.too_old += counters.aged;
            self.outcomes.origins_lost += node.silent.len() as u64;
        }
    }

    fn receive(&mut self) {
        self.nodes.iter_mut().filter(|node| node.is_alive()).for_each(TestNode::receive);
    }

    fn check(&self) -> Result<(), String> {
        for (index, node) in self.nodes.iter().enumerate() {
            for received in &node.received {
                self.check_once_and_in_order(index, received)?;
            }
            if let Some(health) = node.health() {
                self.check_losses(index, node)?;
                let alive = self.nodes.iter().filter(|it| it.is_alive()).count();
                if health.nodes.len() != alive - 1 {
                    return Err(format!("node {index} knows {:?} of {alive} nodes", health.nodes));
                }
                let counters = health.counters;
                if counters.bad_format + counters.unknown_event + counters.inbox_overflowed != 0 {
                    return Err(format!("node {index}: {counters:?}"));
                }
            }
        }
        Ok(())
    }

    fn check_once_and_in_order(&self, node: usize, received: &[usize]) -> Result<(), String> {
        let mut seen = HashSet::new();
        let mut last: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        for number in received {
            if !seen.insert(number) {
                return Err(format!("node {node}: {number} arrived twice in {received:?}"));
            }
            let event = &self.emitted[*number];
            for room in &event.rooms {
                if let Some(before) = last.insert((event.origin, room), *number)
                    && before > *number
                {
                    return Err(format!("node {node}: {number} after {before} in {received:?}"));
                }
            }
        }
        Ok(())
    }

    /// What the constant member did not receive is counted, per topic and origin.
    fn check_losses(&self, index: usize, node: &TestNode) -> Result<(), String> {
        let received: HashSet<_> = node.received[0].iter().copied().collect();
        for (origin, other) in self.nodes.iter().enumerate() {
            let since = node.since.max(other.since);
            let events = self.emitted.iter().enumerate().skip(since);
            let on_topic = |topic: &str| {
                let topic = topic.to_owned();
                events.clone().filter(move |(_, event)| {
                    event.origin == origin && event.topics.contains(&topic)
                })
            };
            let missing = |topic: &str| {
                let for_this = on_topic(topic).filter(|(number, event)| {
                    event.only.is_none_or(|only| only == index) && !received.contains(number)
                });
                for_this.map(|(number, _)| number).collect::<Vec<_>>()
            };
            // Whether these arrive is seen on one node only.
            let for_others = |topic: &str| {
                on_topic(topic).filter(|(_, it)| it.only.is_some_and(|only| only != index)).count()
                    as u64
            };
            let rooms = ROOMS.iter().map(|room| self.names.room(PATH, room));
            let topics = rooms.chain([self.names.procedure(PATH)]);
            let topics: BTreeSet<_> = topics.map(|topic| topic.name().to_owned()).collect();
            for topic in topics {
                let missing = missing(&topic);
                let lost = node.lost.get(&(topic.clone(), other.id)).copied().unwrap_or_default();
                let is_right = if origin == index {
                    missing.is_empty() && lost == 0
                } else if other.is_alive() {
                    let missing = missing.len() as u64;
                    (missing..=missing + for_others(&topic)).contains(&lost)
                } else {
                    // The last events of a node that has ended are not counted.
                    missing.len() as u64 + for_others(&topic) >= lost
                };
                if !is_right {
                    return Err(format!(
                        "node {index} reports {lost} lost on {topic} from node {origin} (alive: {}), and did not get {missing:?} since {since}; got {:?}",
                        other.is_alive(),
                        node.received[0]
                    ));
                }
            }
        }
        Ok(())
    }
}

impl TestNode {
    fn is_alive(&self) -> bool {
        self.cluster.is_some()
    }

    fn health(&self) -> Option<Health> {
        self.cluster.as_ref()?.health()
    }

    async fn end(&mut self, with_bye: bool) {
        self.receive();
        if let Some(cluster) = self.cluster.take().filter(|_| with_bye) {
            cluster.stop().await;
        }
    }

    fn receive(&mut self) {
        for (registration, received) in
            [&self.constant, &self.visitor].into_iter().zip(&mut self.received)
        {
            let mut bytes = Vec::new();
            registration.member().outbox().take(&mut bytes);
            received.extend(numbers(&bytes));
        }
        while let Some(gap) = self.gaps.try_next() {
            match gap {
                Gap::Lost { topic, origin, lost } => {
                    *self.lost.entry((topic.to_string(), origin)).or_default() += lost;
                }
                Gap::OriginLost { node } => {
                    self.silent.insert(node);
                }
                Gap::Skipped { reports } => panic!("{reports} reports are skipped"),
            }
        }
    }
}

/// The numbers in short frames of `["event",number]`.
fn numbers(mut bytes: &[u8]) -> Vec<usize> {
    let mut numbers = Vec::new();
    while let [_, length, rest @ ..] = bytes {
        let (json, rest) = rest.split_at(usize::from(*length));
        let (_, number): (String, usize) = serde_json::from_slice(json).expect("an event");
        numbers.push(number);
        bytes = rest;
    }
    numbers
}
