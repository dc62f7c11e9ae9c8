//! Which topics this node is subscribed to, and which it wants to be.
//!
//! One lock protects all of it, and it is a leaf: no other lock is taken while it is held. A topic is used while
//! rooms on it have members, and while joins wait until it is confirmed. Joins and leaves change the number of these rooms
//! in any order, since the shard of a room is unlocked by then:
//!
//! - A leave may arrive before the join that came first. Then the number is -1 for a moment, and right after both.
//! - A join may wait before the join of the first member arrives. Then the number is 0 for a moment.
//!
//! | state of a topic | next |
//! | --- | --- |
//! | `Wanted` | the supervisor takes it → `Subscribing`; the last use ends → removed |
//! | `Subscribing` | the broker confirms → `Subscribed`, and all other nodes are asked for their marks |
//! | `Subscribed` | all have answered → `Confirmed`, waiting joins continue |
//! | `Subscribing`, `Subscribed`, `Confirmed` | the link is lost → `Wanted`, or removed if it is not used; not used for 1 s → removed, and unsubscribed |

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::topic::{Topic, TopicId};
use crate::node_id::NodeId;

/// An ask for marks that a node has not answered for this long is repeated.
const REPEAT_AFTER: Duration = Duration::from_secs(2);

/// How long a topic that is not used stays subscribed: clients often leave and join again.
const KEEP: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Subscriptions {
    topics: HashMap<TopicId, Subscription>,
    /// In an order that follows from the topics: the same in each run of a test.
    wanted: BTreeSet<TopicId>,
    /// Topics that are not used, and since when.
    unused: VecDeque<(Instant, TopicId)>,
    /// Asks for marks that nodes have not answered.
    asks: BTreeMap<u64, AskedMarks>,
}

struct Subscription {
    topic: Topic,
    /// Used rooms on the topic. Negative while a leave has arrived before its join.
    rooms: isize,
    /// Joins that wait until it is confirmed.
    joins: usize,
    unused_since: Option<Instant>,
    state: State,
    /// Continues these joins. Some may have ended without it.
    waiting: Vec<oneshot::Sender<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Wanted,
    Subscribing,
    Subscribed,
    Confirmed,
}

struct AskedMarks {
    at: Instant,
    topics: Vec<TopicId>,
    nodes: BTreeSet<NodeId>,
    confirms: bool,
}

/// An ask for the marks of at most 1 000 topics.
pub(super) struct MarksAsk {
    pub(super) id: u64,
    pub(super) topics: Vec<TopicId>,
    pub(super) nodes: Vec<NodeId>,
    /// The topics are confirmed when all nodes have answered.
    pub(super) confirms: bool,
}

/// Joins that continue. The caller completes them without the lock.
#[derive(Default)]
#[must_use]
pub(super) struct Joins(Vec<oneshot::Sender<()>>);

impl Joins {
    pub(super) fn complete(self) {
        for join in self.0 {
            // Fails for a join that no longer waits.
            let _ = join.send(());
        }
    }
}

impl Subscription {
    fn new(topic: Topic) -> Self {
        let (unused_since, waiting) = (None, Vec::new());
        Self { topic, rooms: 0, joins: 0, unused_since, state: State::Wanted, waiting }
    }

    fn is_used(&self) -> bool {
        self.rooms > 0 || self.joins > 0
    }

    /// Nothing uses it, and no join is about to arrive.
    fn is_unused(&self) -> bool {
        self.rooms == 0 && self.joins == 0
    }
}

impl Subscriptions {
    /// A room on this topic has its first member. Returns whether the supervisor has to subscribe.
    pub(super) fn add(&mut self, topic: &Topic, now: Instant) -> bool {
        self.change(topic, now, |it| it.rooms += 1)
    }

    /// A room on this topic has lost its last member.
    pub(super) fn remove(&mut self, topic: &Topic, now: Instant) {
        self.change(topic, now, |it| it.rooms -= 1);
    }

    /// A join waits. Returns what is ready when the topic is confirmed, and whether the supervisor has to subscribe.
    pub(super) fn wait(&mut self, topic: &Topic, now: Instant) -> (oneshot::Receiver<()>, bool) {
        let is_new = self.change(topic, now, |it| it.joins += 1);
        let (sender, receiver) = oneshot::channel();
        if let Some(subscription) = self.topics.get_mut(&topic.id()) {
            let waiting = &mut subscription.waiting;
            if subscription.state == State::Confirmed {
                let _ = sender.send(());
            } else {
                if waiting.len() == waiting.capacity() {
                    waiting.retain(|waiting| !waiting.is_closed());
                }
                waiting.push(sender);
            }
        }
        (receiver, is_new)
    }

    /// A join waits no more.
    pub(super) fn end_wait(&mut self, topic: &Topic, now: Instant) {
        self.change(topic, now, |it| it.joins = it.joins.saturating_sub(1));
    }

    /// Changes what uses a topic. Returns whether the supervisor has to subscribe.
    fn change(
        &mut self,
        topic: &Topic,
        now: Instant,
        change: impl FnOnce(&mut Subscription),
    ) -> bool {
        let id = topic.id();
        let new = || Subscription::new(topic.clone());
        let subscription = self.topics.entry(id).or_insert_with(new);
        change(subscription);
        subscription.unused_since = None;
        if subscription.is_used() {
            return subscription.state == State::Wanted && self.wanted.insert(id);
        }
        if !subscription.is_unused() {
            return false;
        }
        if subscription.state == State::Wanted {
            // Without a link it would stay for as long.
            self.topics.remove(&id);
            self.wanted.remove(&id);
        } else {
            subscription.unused_since = Some(now);
            self.unused.push_back((now, id));
        }
        false
    }

    /// Takes topics to subscribe to.
    pub(super) fn take_wanted(&mut self, max: usize) -> Vec<Topic> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some(id) = self.wanted.pop_first()
        {
            if let Some(subscription) = self.topics.get_mut(&id)
                && subscription.state == State::Wanted
                && subscription.is_used()
            {
                subscription.state = State::Subscribing;
                taken.push(subscription.topic.clone());
            }
        }
        taken
    }

    /// Takes topics that were not used for a second.
    pub(super) fn take_unused(&mut self, max: usize, now: Instant) -> Vec<Topic> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some((since, id)) = self.unused.front().copied()
            && now.duration_since(since) >= KEEP
        {
            self.unused.pop_front();
            // A topic that was used again since is used, or is in the list with a later time.
            let is_unused = self.topics.get(&id).is_some_and(|it| it.unused_since == Some(since));
            if is_unused && let Some(subscription) = self.topics.remove(&id) {
                taken.push(subscription.topic);
            }
        }
        taken
    }

    /// When the next topic is to be unsubscribed from, at the earliest.
    pub(super) fn next_unused(&self) -> Option<Instant> {
        self.unused.front().map(|(since, _)| *since + KEEP)
    }

    /// The broker has confirmed these topics. Returns those to ask for their marks.
    pub(super) fn subscribed(&mut self, topics: &[Topic]) -> Vec<TopicId> {
        let mut asked = Vec::new();
        for topic in topics {
            if let Some(subscription) = self.topics.get_mut(&topic.id())
                && subscription.state == State::Subscribing
            {
                subscription.state = State::Subscribed;
                asked.push(topic.id());
            }
        }
        asked
    }

    /// Nodes are asked for the marks of topics.
    pub(super) fn ask(&mut self, ask: &MarksAsk, now: Instant) -> Joins {
        let MarksAsk { id, topics, nodes, confirms } = ask;
        let (nodes, confirms) = (nodes.iter().copied().collect(), *confirms);
        self.asks.insert(*id, AskedMarks { at: now, topics: topics.clone(), nodes, confirms });
        self.complete(*id)
    }

    /// Asks for marks that wait.
    pub(super) fn asks(&self) -> usize {
        self.asks.len()
    }

    /// The asks to repeat, because an ask or its answer is lost. Nodes that are not alive will not answer.
    pub(super) fn unanswered(
        &mut self,
        now: Instant,
        alive: &BTreeSet<NodeId>,
    ) -> (Vec<MarksAsk>, Joins) {
        let mut unanswered = Vec::new();
        let mut complete = Vec::new();
        for (id, asked) in &mut self.asks {
            asked.nodes.retain(|node| alive.contains(node));
            if asked.nodes.is_empty() {
                complete.push(*id);
            } else if now.duration_since(asked.at) >= REPEAT_AFTER {
                asked.at = now;
                let (topics, nodes) = (asked.topics.clone(), asked.nodes.iter().copied().collect());
                unanswered.push(MarksAsk { id: *id, topics, nodes, confirms: asked.confirms });
            }
        }
        let joins = complete.into_iter().flat_map(|ask| self.complete(ask).0).collect();
        (unanswered, Joins(joins))
    }

    /// A node has answered an ask for marks.
    pub(super) fn answered(&mut self, ask: u64, node: NodeId) -> Joins {
        let Some(asked) = self.asks.get_mut(&ask) else { return Joins::default() };
        asked.nodes.remove(&node);
        self.complete(ask)
    }

    /// A node will answer nothing more.
    pub(super) fn node_lost(&mut self, node: NodeId) -> Joins {
        let asks: Vec<u64> = self.asks.keys().copied().collect();
        let joins = asks.into_iter().flat_map(|ask| self.answered(ask, node).0).collect();
        Joins(joins)
    }

    fn complete(&mut self, ask: u64) -> Joins {
        let mut joins = Joins::default();
        if self.asks.get(&ask).is_none_or(|asked| !asked.nodes.is_empty()) {
            return joins;
        }
        let Some(asked) = self.asks.remove(&ask).filter(|asked| asked.confirms) else {
            return joins;
        };
        for topic in asked.topics {
            if let Some(subscription) = self.topics.get_mut(&topic)
                && subscription.state == State::Subscribed
            {
                subscription.state = State::Confirmed;
                joins.0.append(&mut subscription.waiting);
            }
        }
        joins
    }

    /// The link is lost: all topics that are used are wanted again.
    pub(super) fn reset(&mut self) {
        self.asks.clear();
        self.unused.clear();
        self.topics.retain(|_, subscription| !subscription.is_unused());
        let wanted = self.topics.values().filter(|subscription| subscription.is_used());
        self.wanted = wanted.map(|subscription| subscription.topic.id()).collect();
        for subscription in self.topics.values_mut() {
            subscription.state = State::Wanted;
        }
    }

    /// All topics that the broker has confirmed, to ask this node for the marks of all of them. Earlier asks that wait
    /// for nothing else are dropped, so that a node that is asked often has no more of them.
    pub(super) fn confirmed_for(&mut self, node: NodeId) -> Vec<TopicId> {
        self.asks.retain(|_, asked| asked.confirms || !asked.nodes.iter().eq([&node]));
        let is_confirmed =
            |it: &&Subscription| matches!(it.state, State::Subscribed | State::Confirmed);
        let mut confirmed: Vec<_> =
            self.topics.values().filter(is_confirmed).map(|it| it.topic.id()).collect();
        confirmed.sort_unstable();
        confirmed
    }

    /// Whether the broker has confirmed the topic.
    pub(super) fn is_subscribed(&self, topic: TopicId) -> bool {
        let state = self.topics.get(&topic).map(|it| it.state);
        matches!(state, Some(State::Subscribed | State::Confirmed))
    }

    pub(super) fn ids(&self) -> HashSet<TopicId> {
        self.topics.keys().copied().collect()
    }

    pub(super) fn topic(&self, id: TopicId) -> Option<Topic> {
        self.topics.get(&id).map(|it| it.topic.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }
}
