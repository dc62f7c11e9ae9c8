//! Which topics this node is subscribed to, and which it wants to be.
//!
//! One lock protects all of it, and it is a leaf: no other lock is taken while it is held. A topic is wanted while
//! rooms on it have members. Joins and leaves change the number of these rooms in any order, since the
//! shard of a room is unlocked by then: a leave may arrive before the join that came first. Then the number is -1 for a
//! moment, and right after both.
//!
//! | state of a topic | next |
//! | --- | --- |
//! | `Wanted` | the supervisor takes it → `Subscribing`; the last room ends → removed |
//! | `Subscribing` | the broker confirms → `Subscribed`, and all other nodes are asked for their marks |
//! | `Subscribed` | all have answered → `Confirmed`, waiting joins continue |
//! | `Subscribing`, `Subscribed`, `Confirmed` | the link is lost → `Wanted`, or removed without rooms; without rooms for 1 s → removed, and unsubscribed |

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::topic::{Topic, TopicId};
use crate::node_id::NodeId;

/// An ask for marks that a node has not answered for this long is repeated.
const REPEAT_AFTER: Duration = Duration::from_secs(2);

/// How long a topic without rooms stays subscribed: clients often leave and join again.
const KEEP: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Subscriptions {
    topics: HashMap<TopicId, Subscription>,
    /// In an order that follows from the topics: the same in each run of a test.
    wanted: BTreeSet<TopicId>,
    /// Topics without rooms, and since when.
    unused: VecDeque<(Instant, TopicId)>,
    /// Asks for marks that nodes have not answered.
    asks: BTreeMap<u64, AskedMarks>,
}

struct Subscription {
    topic: Topic,
    /// Used rooms on the topic. Negative while a leave has arrived before its join.
    rooms: isize,
    unused_since: Option<Instant>,
    state: State,
    /// Joins that wait until it is confirmed.
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
        Self { topic, rooms: 0, unused_since: None, state: State::Wanted, waiting: Vec::new() }
    }
}

impl Subscriptions {
    /// A room on this topic has its first member. Returns whether the supervisor has to subscribe.
    pub(super) fn add(&mut self, topic: Topic, now: Instant) -> bool {
        let id = topic.id();
        let subscription = self.topics.entry(id).or_insert_with(|| Subscription::new(topic));
        subscription.rooms += 1;
        if subscription.rooms <= 0 {
            // It had lost that member before.
            self.unused_now(id, now);
            return false;
        }
        subscription.unused_since = None;
        let is_new = subscription.rooms == 1 && subscription.state == State::Wanted;
        if is_new {
            self.wanted.insert(id);
        }
        is_new
    }

    /// A room on this topic has lost its last member.
    pub(super) fn remove(&mut self, topic: Topic, now: Instant) {
        let id = topic.id();
        let subscription = self.topics.entry(id).or_insert_with(|| Subscription::new(topic));
        subscription.rooms -= 1;
        self.unused_now(id, now);
    }

    fn unused_now(&mut self, topic: TopicId, now: Instant) {
        let Some(subscription) = self.topics.get_mut(&topic) else { return };
        if subscription.rooms == 0 && subscription.state == State::Wanted {
            // Without a link it would stay for as long.
            self.topics.remove(&topic);
            self.wanted.remove(&topic);
        } else if subscription.rooms == 0 {
            subscription.unused_since = Some(now);
            self.unused.push_back((now, topic));
        } else {
            subscription.unused_since = None;
        }
    }

    /// Takes topics to subscribe to.
    pub(super) fn take_wanted(&mut self, max: usize) -> Vec<Topic> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some(id) = self.wanted.pop_first()
        {
            if let Some(subscription) = self.topics.get_mut(&id)
                && subscription.state == State::Wanted
                && subscription.rooms > 0
            {
                subscription.state = State::Subscribing;
                taken.push(subscription.topic.clone());
            }
        }
        taken
    }

    /// Takes topics that have had no rooms for a second.
    pub(super) fn take_unused(&mut self, max: usize, now: Instant) -> Vec<Topic> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some((since, id)) = self.unused.front().copied()
            && now.duration_since(since) >= KEEP
        {
            self.unused.pop_front();
            // A topic that was used again since has rooms, or is in the list with a later time.
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

    /// Returns what is ready when the topic is confirmed, and `None` if it is not wanted.
    pub(super) fn wait(&mut self, topic: TopicId) -> Option<oneshot::Receiver<()>> {
        let subscription = self.topics.get_mut(&topic)?;
        if subscription.state == State::Confirmed {
            let (sender, receiver) = oneshot::channel();
            let _ = sender.send(());
            return Some(receiver);
        }
        let (sender, receiver) = oneshot::channel();
        if subscription.waiting.len() == subscription.waiting.capacity() {
            subscription.waiting.retain(|waiting| !waiting.is_closed());
        }
        subscription.waiting.push(sender);
        Some(receiver)
    }

    /// The link is lost: all topics that have rooms are wanted again.
    pub(super) fn reset(&mut self) {
        self.asks.clear();
        self.unused.clear();
        self.topics.retain(|_, subscription| subscription.rooms != 0);
        let wanted = self.topics.values().filter(|subscription| subscription.rooms > 0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_without_rooms_ends_in_whatever_order_joins_and_leaves_arrive() {
        let start = Instant::now();
        let topic = Topic::new("room");
        for (order, is_subscribed) in
            [([1, -1], false), ([-1, 1], false), ([1, -1], true), ([-1, 1], true)]
        {
            let mut subscriptions = Subscriptions::default();
            if is_subscribed {
                subscriptions.add(topic.clone(), start);
                assert_eq!(subscriptions.take_wanted(9).len(), 1);
                subscriptions.remove(topic.clone(), start);
            }
            for change in order {
                if change > 0 {
                    subscriptions.add(topic.clone(), start);
                } else {
                    subscriptions.remove(topic.clone(), start);
                }
            }
            assert!(subscriptions.take_wanted(9).is_empty());
            assert!(subscriptions.take_unused(9, start + KEEP / 2).is_empty());
            // One that was not subscribed to is not kept.
            assert_eq!(subscriptions.len(), usize::from(is_subscribed));
            assert_eq!(
                subscriptions.take_unused(9, start + KEEP).len(),
                usize::from(is_subscribed)
            );
            assert_eq!((subscriptions.len(), subscriptions.next_unused()), (0, None));
        }
    }

    #[test]
    fn topic_that_is_used_again_within_a_second_stays() {
        let start = Instant::now();
        let topic = Topic::new("room");
        let mut subscriptions = Subscriptions::default();
        assert!(subscriptions.add(topic.clone(), start));
        assert_eq!(subscriptions.take_wanted(9).len(), 1);
        subscriptions.remove(topic.clone(), start);
        assert!(!subscriptions.add(topic.clone(), start));
        assert!(subscriptions.take_unused(9, start + KEEP).is_empty());
        assert_eq!(subscriptions.len(), 1);
    }
}
