//! Runs the steps of a case, and checks asks, watchers and what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep};

use super::asks::{Before, Proof, RunningAsk, Shown};
use super::outcomes::Outcomes;
use super::steps::{Ask, Case, MEMBERS, ROOMS, Step};
use crate::backplane::model::end_faults;
use crate::backplane::random::seed;
use crate::backplane::tests::fixture::{ModelContract, hub, member, runtime};
use crate::backplane::{Cluster, ClusterOptions, Layout, Memory, MemoryNode, NodeId, Status};
use crate::handle::{Io, Watch};
use crate::rooms::{Hub, Presence, RoomChange, RoomMember, Traversal};
use crate::session::Registration;
use crate::socket_id::SocketId;

const PATH: &str = "/model";
/// How long after the end of all faults everything is as it should be.
const SETTLED: Duration = Duration::from_secs(20);
/// How long after that nothing is left of a node that did not say that it ends.
const FORGOTTEN: Duration = Duration::from_secs(615);

struct TestNode {
    id: NodeId,
    hub: Arc<Hub>,
    io: Io<ModelContract>,
    /// `None` when the node has ended.
    cluster: Option<Cluster>,
    engine: MemoryNode,
    members: Vec<Registration>,
    watchers: BTreeMap<usize, Watcher>,
    /// Entries of its tables before anyone used it.
    entries: usize,
}

struct Watcher {
    watch: Watch<u64>,
    members: BTreeMap<SocketId, u64>,
    changes: u64,
}

struct Simulation {
    broker: Memory,
    nodes: Vec<TestNode>,
    asks: Vec<RunningAsk>,
    epoch: Arc<AtomicU64>,
    /// Nodes that have ended.
    ended: BTreeSet<NodeId>,
    has_silent_end: bool,
    /// Since when there is no fault; `None` while there may be one.
    healthy_since: Option<Instant>,
    outcomes: Outcomes,
}

pub(in crate::backplane::model) fn run(case: &Case) -> Result<Outcomes, String> {
    seed(case.seed);
    runtime().block_on(async {
        let layout = if case.buckets { Layout::Buckets(2) } else { Layout::PerRoom };
        let mut simulation = Simulation {
            broker: Memory::with_layout(layout),
            nodes: Vec::new(),
            asks: Vec::new(),
            epoch: Arc::default(),
            ended: BTreeSet::new(),
            has_silent_end: false,
            healthy_since: Some(Instant::now()),
            outcomes: Outcomes::default(),
        };
        for _ in 0..case.nodes {
            simulation.start_node();
        }
        sleep(Duration::from_secs(3)).await;
        for step in &case.steps {
            simulation.step(*step).await?;
        }
        // Ten minutes of many nodes take long.
        let waits_for_forgotten = case.seed.is_multiple_of(8);
        simulation.finish(waits_for_forgotten).await?;
        Ok(simulation.outcomes)
    })
}

impl Simulation {
    fn start_node(&mut self) {
        let hub = hub();
        let engine = self.broker.node();
        let cluster = Cluster::new(Arc::new(engine.clone()), ClusterOptions::default());
        cluster.start([(PATH, &hub)].into_iter());
        self.nodes.push(TestNode {
            id: cluster.health().expect("started").node,
            io: Io::new(Arc::clone(&hub)),
            members: (0..MEMBERS).map(|_| member(&hub)).collect(),
            watchers: BTreeMap::new(),
            // The topic of its procedure: wanted, and received.
            entries: cluster.entries() + 1,
            cluster: Some(cluster),
            engine,
            hub,
        });
    }

    fn alive(&self, index: usize) -> Option<usize> {
        let alive: Vec<_> = (0..self.nodes.len()).filter(|it| self.nodes[*it].is_alive()).collect();
        alive.get(index % alive.len().max(1)).copied()
    }

    fn is_changed(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    async fn step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Toggle { node, member, room } => {
                let Some(node) = self.alive(node) else { return Ok(()) };
                let member = self.nodes[node].members[member].member();
                if !member.leave(ROOMS[room]) {
                    member.join(ROOMS[room]).expect("joined");
                }
                self.is_changed();
            }
            Step::SetPresence { node, member, value } => {
                let Some(node) = self.alive(node) else { return Ok(()) };
                let member = self.nodes[node].members[member].member();
                member.set_presence(Presence::new(&value).expect("small")).expect("not ended");
                self.is_changed();
            }
            Step::EndSession { node, member } => {
                let Some(node) = self.alive(node) else { return Ok(()) };
                self.nodes[node].replace(member);
                self.is_changed();
            }
            Step::Watch { node, room } => {
                let Some(node) = self.alive(node) else { return Ok(()) };
                let node = &mut self.nodes[node];
                if node.watchers.remove(&room).is_none() {
                    let watch = node.io.watch(ROOMS[room]);
                    node.watchers
                        .insert(room, Watcher { watch, members: BTreeMap::new(), changes: 0 });
                }
            }
            Step::Ask { node, ask } => {
                if let Some(node) = self.alive(node) {
                    self.ask(node, ask);
                }
            }
            Step::Fault { node, fault } => {
                if let Some(node) = self.alive(node) {
                    fault.apply(&self.nodes[node].engine);
                    self.healthy_since = None;
                    self.is_changed();
                }
            }
            Step::StopBroker => {
                self.is_changed();
                self.broker.stop();
                self.healthy_since = None;
            }
            Step::StartBroker => self.broker.start(),
            Step::Wait(time) => sleep(Duration::from_millis(time)).await,
            Step::Heal => self.heal().await,
            Step::StartNode => {
                if self.nodes.len() < 6 {
                    self.start_node();
                    self.is_changed();
                    self.healthy_since = self.healthy_since.map(|_| Instant::now());
                }
            }
            Step::EndNode { node, with_bye } => {
                if let Some(node) = self.alive(node) {
                    self.end_node(node, with_bye).await;
                }
            }
        }
        self.settle().await
    }

    async fn end_node(&mut self, node: usize, with_bye: bool) {
        self.is_changed();
        self.healthy_since = self.healthy_since.map(|_| Instant::now());
        let node = &mut self.nodes[node];
        node.watchers.clear();
        if let Some(cluster) = node.cluster.take().filter(|_| with_bye) {
            cluster.stop().await;
        }
        node.members.clear();
        self.ended.insert(node.id);
        self.is_changed();
        // What it says may be lost.
        self.has_silent_end |= !with_bye || self.healthy_since.is_none();
        self.outcomes.ended_nodes += 1;
    }

    fn ask(&mut self, node: usize, ask: Ask) {
        let mut room = Shown::new();
        for node in self.nodes.iter().filter(|node| node.is_alive()) {
            room.insert(node.id, node.shown(ROOMS[ask.room]));
        }
        let node = &self.nodes[node];
        let Some(health) = node.cluster.as_ref().and_then(Cluster::health) else { return };
        let settled = |since: Instant| since.elapsed() >= SETTLED;
        let before = Before {
            asking: node.id,
            room,
            known: health.nodes.into_iter().collect(),
            is_up: health.status == Status::Up,
            is_quiet: self.healthy_since.is_some_and(settled),
            ended: self.ended.clone(),
            epoch: self.epoch.load(Ordering::Relaxed),
        };
        self.asks.push(RunningAsk::begin(&node.io, ask, before, &self.epoch));
    }

    /// Checks the asks that have ended, replaces sessions that another node has ended, and takes what is watched.
    async fn settle(&mut self) -> Result<(), String> {
        for index in (0..self.asks.len()).rev() {
            if self.asks[index].is_finished() {
                let ask = self.asks.swap_remove(index);
                self.check(ask).await?;
            }
        }
        let mut ended = 0;
        for node in self.nodes.iter_mut().filter(|node| node.is_alive()) {
            for member in 0..MEMBERS {
                if node.members[member].member().signals().ending().is_some() {
                    node.replace(member);
                    ended += 1;
                }
            }
            node.watchers.values_mut().for_each(Watcher::take);
        }
        if ended > 0 {
            self.is_changed();
        }
        self.outcomes.ended_by_others += ended;
        Ok(())
    }

    async fn check(&mut self, ask: RunningAsk) -> Result<(), String> {
        let outcomes = &mut self.outcomes;
        match ask.check().await? {
            Proof::Ended => outcomes.ended_asks += 1,
            Proof::Right => outcomes.right_asks += 1,
            Proof::Missing => outcomes.asks_with_missing_nodes += 1,
            Proof::Local => outcomes.local_asks += 1,
            Proof::Dropped => outcomes.dropped_asks += 1,
        }
        Ok(())
    }

    async fn heal(&mut self) {
        end_faults(&self.broker, self.nodes.iter().map(|node| &node.engine));
        self.healthy_since = Some(Instant::now());
        sleep(SETTLED).await;
    }

    async fn finish(&mut self, waits_for_forgotten: bool) -> Result<(), String> {
        self.heal().await;
        // Replaces the sessions that were ended last.
        self.settle().await?;
        sleep(Duration::from_secs(1)).await;
        self.settle().await?;
        self.check_watchers()?;
        for ask in std::mem::take(&mut self.asks) {
            self.check(ask).await?;
        }
        for node in &mut self.nodes {
            node.watchers.clear();
            node.members.clear();
        }
        if self.has_silent_end && !waits_for_forgotten {
            return Ok(());
        }
        sleep(if self.has_silent_end { FORGOTTEN } else { SETTLED }).await;
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(cluster) = &node.cluster else { continue };
            let entries = cluster.entries() + node.hub.watchers.entries();
            if entries != node.entries {
                return Err(format!("node {index} has {entries} entries, not {}", node.entries));
            }
            let counters = cluster.health().expect("started").counters;
            if counters.bad_format + counters.too_large + counters.inbox_overflowed != 0 {
                return Err(format!("node {index}: {counters:?}"));
            }
            self.outcomes.cases_without_rest += 1;
        }
        Ok(())
    }

    /// Each watcher shows the members of all nodes.
    fn check_watchers(&mut self) -> Result<(), String> {
        for (index, node) in self.nodes.iter().enumerate() {
            for (room, watcher) in &node.watchers {
                let alive = self.nodes.iter().filter(|node| node.is_alive());
                let shown = alive.flat_map(|node| node.shown(ROOMS[*room]));
                let expected: BTreeMap<_, _> =
                    shown.filter_map(|(id, value)| Some((id, value?))).collect();
                if watcher.members != expected {
                    return Err(format!(
                        "a watcher of {} at node {index} shows {:?}, not {expected:?}",
                        ROOMS[*room], watcher.members
                    ));
                }
                self.outcomes.watched_members += expected.len() as u64;
                self.outcomes.watched_changes += watcher.changes;
            }
        }
        Ok(())
    }
}

impl TestNode {
    fn is_alive(&self) -> bool {
        self.cluster.is_some()
    }

    fn replace(&mut self, index: usize) {
        self.members[index] = member(&self.hub);
    }

    /// The members in a room, with what they show.
    fn shown(&self, room: &str) -> BTreeMap<SocketId, Option<u64>> {
        let mut members = BTreeMap::new();
        self.hub.rooms.for_each(Traversal::Query, room, |member| {
            let shown = RoomMember::of(member).map(|it| it.decode().expect("a number").presence);
            members.insert(member.id(), shown);
        });
        members
    }
}

impl Watcher {
    /// Takes all changes.
    fn take(&mut self) {
        while let Some(change) = unconstrained(self.watch.next()).now_or_never() {
            self.changes += 1;
            match change.expect("not drained") {
                RoomChange::Snapshot(members) => {
                    self.members = members.into_iter().map(|it| (it.id, it.presence)).collect();
                }
                RoomChange::Joined(member) => {
                    assert_eq!(self.members.insert(member.id, member.presence), None);
                }
                RoomChange::Changed(member) => {
                    assert!(self.members.insert(member.id, member.presence).is_some());
                }
                RoomChange::Left(id) => assert!(self.members.remove(&id).is_some()),
                RoomChange::Undecodable(error) => panic!("{error}"),
            }
        }
    }
}
