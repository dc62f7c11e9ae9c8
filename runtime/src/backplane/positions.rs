//! How far this node has received what others publish, per topic and origin.
//!
//! An origin numbers its parcels over all topics, and counts them per topic. Each parcel has the number of the
//! previous one on its topic. So a receiver finds out how many it did not get, and drops what arrives again.
//!
//! | what arrives | then |
//! | --- | --- |
//! | a parcel whose number is not above the last of this topic and origin | it was delivered before: dropped |
//! | a parcel whose count is `n` above the last | `n - 1` are lost, without those that arrived on other topics |
//! | a parcel whose number is not above what its origin had published when this node subscribed to the topic | members may have got the event on another topic, or on this one before: dropped |
//! | a mark: the count of a topic at its origin | what is missing up to it is lost |
//! | a parcel of an event to several rooms, after the same event on another topic | a copy: dropped, not lost |
//! | the first parcel or mark of an origin on a topic | where the counting begins |
//! | a parcel after others that did not arrive, whose count is not above the last by more than 1 | the origin had forgotten the topic, and counts from 1 again: those before it since then are lost |
//! | a parcel or mark whose numbers contradict each other | dropped |

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::topic::TopicId;
use crate::node_id::NodeId;

/// Numbers of events that arrived on another topic, per topic and origin. The topics of a NATS link may be as far apart as
/// its channels are long. With more, an event that may be a copy counts as one.
const MAX_SEEN: usize = 65_536;

/// Where a parcel is in the sequences of its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) topic: TopicId,
    /// Its number over all topics; the first is 1.
    pub(super) number: u64,
    /// The number of the previous parcel on this topic; 0 if there is none.
    pub(super) previous: u64,
    /// Its number on this topic; the first is 1.
    pub(super) count: u64,
}

/// What an origin has published on a topic so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) topic: TopicId,
    /// The number of the last parcel on the topic; 0 if there is none.
    pub(super) number: u64,
    /// Parcels on the topic.
    pub(super) count: u64,
}

/// What to do with a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is new. `lost`: parcels before it that did not arrive.
    Deliver { lost: u64 },
    /// The same event arrived on another topic, or it was published before this node subscribed.
    Copy { lost: u64 },
    /// It arrived before.
    Duplicate,
    /// This node is not subscribed to the topic.
    Unsubscribed,
    /// Its numbers contradict each other.
    Malformed,
}

#[derive(Default)]
pub(super) struct Positions {
    topics: HashMap<TopicId, Vec<Received>>,
    /// The highest number of each origin, over all topics.
    highest: BTreeMap<NodeId, u64>,
}

/// What was received of one origin on one topic.
struct Received {
    origin: NodeId,
    /// Number and count of the last parcel or mark; `None` before the first.
    last: Option<(u64, u64)>,
    /// Numbers above the last one, of events that arrived on other topics.
    seen: BTreeSet<u64>,
    /// The highest number that was removed from `seen` because there were too many.
    unseen: u64,
    /// The highest number of the origin when this node subscribed. An event up to it was emitted before: it reaches no
    /// one who has joined since, and may have reached the others. Or it was lost on another topic, and is counted
    /// there.
    before: u64,
}

impl Positions {
    pub(super) fn subscribe(&mut self, topic: TopicId) {
        let origins = &self.highest;
        let all = || {
            let received = |(origin, highest): (&NodeId, &u64)| Received::new(*origin, *highest);
            origins.iter().map(received).collect()
        };
        self.topics.entry(topic).or_insert_with(all);
    }

    pub(super) fn unsubscribe(&mut self, topic: TopicId) {
        self.topics.remove(&topic);
    }

    /// Only these topics are still subscribed to.
    pub(super) fn retain(&mut self, topics: &HashSet<TopicId>) {
        self.topics.retain(|topic, _| topics.contains(topic));
    }

    /// The counting of this origin begins at 0 on all topics, because it has published nothing yet.
    pub(super) fn begin(&mut self, origin: NodeId) {
        for received in self.topics.values_mut() {
            Received::of(received, origin).last.get_or_insert((0, 0));
        }
    }

    /// The origin will publish nothing more.
    pub(super) fn forget(&mut self, origin: NodeId) {
        for received in self.topics.values_mut() {
            received.retain(|it| it.origin != origin);
        }
        self.highest.remove(&origin);
    }

    /// A parcel arrives. `topics`: all topics that the same event is published on, if there are several.
    pub(super) fn receive(
        &mut self,
        origin: NodeId,
        position: Position,
        topics: &[TopicId],
    ) -> Verdict {
        let Position { topic, number, previous, count } = position;
        if previous >= number || count > number || count == 0 || (previous == 0) != (count == 1) {
            return Verdict::Malformed;
        }
        let Some(received) = self.topics.get_mut(&topic) else { return Verdict::Unsubscribed };
        let received = Received::of(received, origin);
        let is_copy = number <= received.before
            || received.seen.contains(&number)
            || !topics.is_empty() && number <= received.unseen;
        let lost = match received.last {
            Some((last, _)) if number <= last => return Verdict::Duplicate,
            Some((last, counted)) => {
                let next = counted.saturating_add(1);
                if previous == last && count == next {
                    0
                } else if previous > last && count > next {
                    (count - next).saturating_sub(received.seen_below(number))
                } else if previous > last || previous == 0 && counted > 0 {
                    // The origin has forgotten the topic since the last one, and counts from 1 again.
                    (count - 1).saturating_sub(received.seen_below(number))
                } else {
                    return Verdict::Malformed;
                }
            }
            None => 0,
        };
        received.advance(number, count);
        note(&mut self.highest, origin, number);
        if is_copy {
            return Verdict::Copy { lost };
        }
        for other in topics.iter().filter(|it| **it != topic) {
            if let Some(received) = self.topics.get_mut(other) {
                Received::of(received, origin).see(number);
            }
        }
        Verdict::Deliver { lost }
    }

    /// A mark arrives. Returns how many parcels up to it did not arrive, and `None` if its numbers contradict each
    /// other.
    pub(super) fn mark(&mut self, origin: NodeId, mark: Mark) -> Option<u64> {
        let Mark { topic, number, count } = mark;
        if count > number || (number == 0) != (count == 0) {
            return None;
        }
        let Some(received) = self.topics.get_mut(&topic) else { return Some(0) };
        let received = Received::of(received, origin);
        let lost = match received.last {
            Some((last, counted)) if number > last => {
                // Otherwise the origin has forgotten the topic since the last one, and counts from 1 again.
                let missing = if count > counted { count - counted } else { count };
                missing.saturating_sub(received.seen_below(number.saturating_add(1)))
            }
            Some(_) => return Some(0),
            None => 0,
        };
        received.advance(number, count);
        note(&mut self.highest, origin, number);
        Some(lost)
    }

    #[cfg(any(test, feature = "test"))]
    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }
}

fn note(highest: &mut BTreeMap<NodeId, u64>, origin: NodeId, number: u64) {
    let highest = highest.entry(origin).or_default();
    *highest = number.max(*highest);
}

impl Received {
    fn new(origin: NodeId, before: u64) -> Self {
        Self { origin, last: None, seen: BTreeSet::new(), unseen: 0, before }
    }

    fn of(all: &mut Vec<Self>, origin: NodeId) -> &mut Self {
        let index = all.iter().position(|it| it.origin == origin).unwrap_or_else(|| {
            all.push(Self::new(origin, 0));
            all.len() - 1
        });
        &mut all[index]
    }

    fn advance(&mut self, number: u64, count: u64) {
        self.last = Some((number, count));
        self.seen = self.seen.split_off(&number.saturating_add(1));
    }

    /// An event arrived on another topic.
    fn see(&mut self, number: u64) {
        if self.last.is_none_or(|(last, _)| number > last) {
            self.seen.insert(number);
        }
        if self.seen.len() > MAX_SEEN
            && let Some(number) = self.seen.pop_first()
        {
            self.unseen = number;
        }
    }

    /// Events below `number` that arrived on other topics.
    fn seen_below(&self, number: u64) -> u64 {
        let last = self.last.map_or(0, |(last, _)| last);
        let first = last.saturating_add(1);
        self.seen.range(first..number.max(first)).count() as u64
    }
}
