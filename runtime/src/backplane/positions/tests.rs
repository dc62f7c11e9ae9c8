mod cases;

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const ORIGIN: NodeId = NodeId(1);
const TOPICS: u8 = 4;

fn topic(index: u8) -> TopicId {
    TopicId([index; 16])
}

/// What an origin has published on a topic.
#[derive(Default, Clone, Copy)]
struct Sent {
    number: u64,
    count: u64,
}

/// A parcel or a mark on its way.
#[derive(Debug, Clone)]
enum Sending {
    /// The topics of the event, in the order of its copies.
    Parcel(Position, Vec<TopicId>),
    Mark(Mark),
}

#[derive(Debug, Clone)]
enum Step {
    /// To one topic, or to two.
    Publish(u8, Option<u8>),
    Mark(u8),
    /// The origin forgets a topic, and counts again from 1.
    Forget(u8),
    Subscribe(u8),
    /// The origin answers with the mark of a topic, behind all that it has published before.
    Baseline(u8),
    Unsubscribe(u8),
    /// The channel passes on this many, as `fate` says for each.
    Transmit(Vec<Fate>),
    /// The channel repeats the last that arrived.
    Repeat(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    Twice,
    Dropped,
}

fn step(with_forgetting: bool) -> impl Strategy<Value = Step> {
    let fate =
        prop_oneof![4 => Just(Fate::Arrives), 1 => Just(Fate::Twice), 2 => Just(Fate::Dropped)];
    prop_oneof![
        10 => (0..TOPICS, proptest::option::of(0..TOPICS)).prop_map(|(one, two)| Step::Publish(one, two)),
        3 => (0..TOPICS).prop_map(Step::Mark),
        if with_forgetting { 2 } else { 0 } => (0..TOPICS).prop_map(Step::Forget),
        2 => (0..TOPICS).prop_map(Step::Subscribe),
        2 => (0..TOPICS).prop_map(Step::Baseline),
        1 => (0..TOPICS).prop_map(Step::Unsubscribe),
        5 => proptest::collection::vec(fate, 1..12).prop_map(Step::Transmit),
        1 => (1..12_usize).prop_map(Step::Repeat),
    ]
}

/// One origin, a channel with faults, and a receiver; and beside it what the receiver has to count.
struct Model {
    number: u64,
    sent: HashMap<TopicId, Sent>,
    channel: Vec<Sending>,
    arrived: Vec<Sending>,
    positions: Positions,
    /// With the last number that was published before.
    subscribed: HashMap<TopicId, u64>,
    /// Subscribed topics whose baseline has arrived.
    counting: HashSet<TopicId>,
    /// Numbers of events that were delivered.
    delivered: HashSet<u64>,
    /// Per topic, numbers published while it counts: since the origin is known there.
    published: HashMap<TopicId, Vec<u64>>,
    /// Per topic: lost and arrived, copies included.
    counted: HashMap<TopicId, u64>,
}

impl Model {
    /// The origin is known on all topics from its start. Its numbers begin above `first`.
    fn new(first: u64) -> Self {
        let mut positions = Positions::default();
        let mut subscribed = HashMap::new();
        for topic in (0..TOPICS).map(topic) {
            positions.subscribe(topic);
            subscribed.insert(topic, first);
        }
        positions.begin(ORIGIN);
        Self {
            number: first,
            sent: HashMap::new(),
            channel: Vec::new(),
            arrived: Vec::new(),
            positions,
            counting: subscribed.keys().copied().collect(),
            subscribed,
            delivered: HashSet::new(),
            published: HashMap::new(),
            counted: HashMap::new(),
        }
    }

    fn publish(&mut self, topics: &[TopicId]) {
        self.number += 1;
        for topic in topics {
            let sent = self.sent.entry(*topic).or_default();
            let previous = std::mem::replace(&mut sent.number, self.number);
            sent.count += 1;
            let position =
                Position { topic: *topic, number: self.number, previous, count: sent.count };
            self.channel.push(Sending::Parcel(position, topics.to_vec()));
            self.published.entry(*topic).or_default().push(self.number);
        }
    }

    fn mark(&mut self, topic: TopicId) {
        let Sent { number, count } = self.sent.get(&topic).copied().unwrap_or_default();
        self.channel.push(Sending::Mark(Mark { topic, number, count }));
    }

    fn arrive(&mut self, sending: Sending) -> Result<(), TestCaseError> {
        match &sending {
            Sending::Mark(mark) => {
                let lost = self.positions.mark(ORIGIN, *mark);
                prop_assert!(lost.is_some(), "an honest mark is refused: {mark:?}");
                *self.counted.entry(mark.topic).or_default() += lost.unwrap_or_default();
            }
            Sending::Parcel(position, topics) => {
                let verdict = self.positions.receive(ORIGIN, *position, topics);
                let (lost, is_new) = match verdict {
                    Verdict::Deliver { lost } => {
                        let is_first = self.delivered.insert(position.number);
                        prop_assert!(is_first, "delivered twice: {position:?}");
                        (lost, true)
                    }
                    Verdict::Copy { lost } => {
                        let is_copy = self.delivered.contains(&position.number);
                        let is_early = position.number <= self.subscribed[&position.topic];
                        prop_assert!(is_copy || is_early, "a copy of nothing: {position:?}");
                        (lost, true)
                    }
                    Verdict::Duplicate => (0, false),
                    Verdict::Unsubscribed => {
                        prop_assert!(!self.subscribed.contains_key(&position.topic));
                        (0, false)
                    }
                    Verdict::Malformed => {
                        return Err(TestCaseError::fail(format!("honest: {position:?}")));
                    }
                };
                *self.counted.entry(position.topic).or_default() += lost + u64::from(is_new);
            }
        }
        self.arrived.push(sending);
        Ok(())
    }

    fn transmit(&mut self, fates: &[Fate]) -> Result<(), TestCaseError> {
        for (fate, sending) in fates
            .iter()
            .zip(self.channel.drain(..fates.len().min(self.channel.len())).collect::<Vec<_>>())
        {
            if *fate != Fate::Dropped {
                self.arrive(sending.clone())?;
            }
            if *fate == Fate::Twice {
                self.arrive(sending)?;
            }
        }
        Ok(())
    }

    fn run(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Publish(one, two) => {
                let mut topics = vec![topic(one)];
                topics.extend(two.map(topic).filter(|it| *it != topic(one)));
                self.publish(&topics);
            }
            Step::Mark(index) => self.mark(topic(index)),
            Step::Forget(index) => {
                self.sent.remove(&topic(index));
            }
            Step::Subscribe(index) => {
                let id = topic(index);
                if !self.subscribed.contains_key(&id) {
                    self.subscribed.insert(id, self.number);
                    self.positions.subscribe(id);
                }
            }
            Step::Baseline(index) => {
                let id = topic(index);
                if self.subscribed.contains_key(&id) && self.counting.insert(id) {
                    if !self.sent.contains_key(&id) {
                        // A topic is forgotten long after its last parcel, which is not on its way any more.
                        self.channel.retain(|it| !it.is_on(id));
                        self.arrived.retain(|it| !it.is_on(id));
                    }
                    let Sent { number, count } = self.sent.get(&id).copied().unwrap_or_default();
                    let lost = self.positions.mark(ORIGIN, Mark { topic: id, number, count });
                    prop_assert!(lost.is_some());
                    self.published.remove(&id);
                    self.counted.remove(&id);
                }
            }
            Step::Unsubscribe(index) => {
                self.subscribed.remove(&topic(index));
                self.counting.remove(&topic(index));
                self.positions.unsubscribe(topic(index));
            }
            Step::Transmit(fates) => self.transmit(&fates)?,
            Step::Repeat(count) => {
                let from = self.arrived.len().saturating_sub(count);
                let again = self.arrived[from..].to_vec();
                for sending in again {
                    self.arrive(sending)?;
                }
            }
        }
        Ok(())
    }

    /// Everything that is on its way arrives, and marks of all topics.
    fn end(&mut self) -> Result<(), TestCaseError> {
        (0..TOPICS).map(topic).for_each(|topic| self.mark(topic));
        let fates = vec![Fate::Arrives; self.channel.len()];
        self.transmit(&fates)
    }
}

impl Sending {
    fn is_on(&self, id: TopicId) -> bool {
        match self {
            Self::Parcel(position, _) => position.topic == id,
            Self::Mark(mark) => mark.topic == id,
        }
    }
}

/// Numbers near the ends of their range.
fn hostile() -> impl Strategy<Value = u64> {
    prop_oneof![0..4_u64, Just(u64::MAX / 2), u64::MAX - 3..=u64::MAX, any::<u64>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// A copy of an event whose other copy was delivered is not lost, even if it does not arrive. So `lost` may be less
    /// than what did not arrive by these, and by nothing else.
    #[test]
    fn delivered_and_lost_are_what_was_published(
        steps in proptest::collection::vec(step(false), 1..80),
        first in prop_oneof![Just(0), Just(u64::MAX - 100)],
    ) {
        let mut model = Model::new(first);
        for step in steps {
            model.run(step)?;
        }
        model.end()?;
        for topic in model.counting.clone() {
            let published = model.published.get(&topic).map_or(0, Vec::len) as u64;
            let counted = model.counted.get(&topic).copied().unwrap_or_default();
            let arrived = |number: &u64| model.arrived.iter().any(|it| matches!(it,
                Sending::Parcel(position, _) if position.topic == topic && position.number == *number));
            let numbers = model.published.get(&topic).cloned().unwrap_or_default();
            let delivered_elsewhere = numbers
                .iter()
                .filter(|number| model.delivered.contains(number) && !arrived(number))
                .count() as u64;
            prop_assert!(
                counted <= published && published <= counted + delivered_elsewhere,
                "{topic:?}: {published} published, {counted} delivered or lost, {delivered_elsewhere} elsewhere"
            );
        }
    }

    /// A receiver reports no more than what is lost, delivers nothing twice, and refuses nothing.
    #[test]
    fn origin_that_forgets_topics_causes_no_reported_loss(
        steps in proptest::collection::vec(step(true), 1..80),
    ) {
        let mut model = Model::new(0);
        for step in steps {
            model.run(step)?;
        }
        model.end()?;
        for topic in model.counting.clone() {
            let published = model.published.get(&topic).map_or(0, Vec::len) as u64;
            let counted = model.counted.get(&topic).copied().unwrap_or_default();
            prop_assert!(counted <= published, "{counted} of {published}");
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_numbers_neither_overflow_nor_take_memory(
        inputs in proptest::collection::vec(
            (0..TOPICS + 2, hostile(), hostile(), hostile(), any::<bool>()), 1..200),
    ) {
        let mut positions = Positions::default();
        (0..TOPICS).for_each(|index| positions.subscribe(topic(index)));
        let mut delivered = HashSet::new();
        for (index, number, previous, count, is_mark) in inputs {
            let topic = topic(index);
            if is_mark {
                if let Some(lost) = positions.mark(ORIGIN, Mark { topic, number, count }) {
                    prop_assert!(lost <= number);
                }
                continue;
            }
            let topics = [topic, self::topic(0), self::topic(200)];
            let position = Position { topic, number, previous, count };
            match positions.receive(ORIGIN, position, &topics) {
                Verdict::Deliver { lost } => {
                    prop_assert!(lost < number);
                    prop_assert!(delivered.insert((topic, number)), "twice: {position:?}");
                }
                Verdict::Copy { lost } => prop_assert!(lost < number),
                Verdict::Duplicate | Verdict::Unsubscribed | Verdict::Malformed => {}
            }
        }
        prop_assert_eq!(positions.len(), usize::from(TOPICS));
        for received in positions.topics.values() {
            prop_assert!(received.len() <= 1);
            prop_assert!(received.iter().all(|it| it.seen.len() <= MAX_SEEN));
        }
    }
}
