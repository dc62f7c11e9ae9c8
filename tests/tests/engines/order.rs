//! In which order parcels are delivered.

use std::collections::HashMap;

use parlor::backplane::{Layout, Parcel, Topic};
use parlor_tests::SeededRng;

use crate::setup::{Setup, TestLink};

const PUBLISHERS: usize = 3;
/// The last one is a control topic.
const TOPICS: usize = 5;
const CASES: u64 = 12;

/// What a parcel says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Label {
    publisher: usize,
    /// Of its publisher, over all topics.
    number: usize,
    topic: usize,
}

impl Label {
    fn parcel(self, case: u64, padding: usize) -> Parcel {
        let Self { publisher, number, topic } = self;
        let text = format!("{publisher} {number} {topic} {}", "x".repeat(padding));
        Parcel { topic: self::topic(case, topic), bytes: text.into() }
    }

    fn read(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("a text");
        let mut fields = text.split(' ').map_while(|field| field.parse().ok());
        let mut next = || fields.next().expect("a number");
        Self { publisher: next(), number: next(), topic: next() }
    }

    fn is_control(self) -> bool {
        self.topic == TOPICS - 1
    }
}

fn topic(case: u64, topic: usize) -> Topic {
    let name = format!("order {case} {topic}");
    if topic == TOPICS - 1 { Topic::control(name) } else { Topic::new(name) }
}

/// Asserts that a link has received the numbers `0..count` of each publisher, in the order that the layout promises.
fn check(received: &[Label], counts: &[usize], layout: Layout, context: &str) {
    let mut seen = vec![vec![false; 0]; counts.len()];
    for (seen, count) in seen.iter_mut().zip(counts) {
        seen.resize(*count, false);
    }
    let mut last_of_topic = HashMap::new();
    let mut last = vec![None; counts.len()];
    for label in received {
        let Label { publisher, number, topic } = *label;
        assert!(!seen[publisher][number], "{context}: {label:?} twice");
        seen[publisher][number] = true;
        let before = last_of_topic.insert((publisher, topic), number);
        assert!(before < Some(number), "{context}: {label:?} after {before:?} of its topic");
        if label.is_control() {
            let missing = seen[publisher][..number].iter().position(|seen| !seen);
            assert!(missing.is_none(), "{context}: {label:?} has overtaken {missing:?}");
        }
        if layout == Layout::PerRoom {
            let before = last[publisher].replace(number);
            assert!(before < Some(number), "{context}: {label:?} after {before:?}");
        }
    }
    assert!(seen.iter().flatten().all(|seen| *seen), "{context}: some are missing");
}

async fn publish(link: &TestLink, publisher: usize, case: u64, mut rng: SeededRng, count: usize) {
    let mut number = 0;
    while number < count {
        let size = usize::try_from(1 + rng.below(128)).expect("small").min(count - number);
        let batch: Vec<_> = (number..number + size)
            .map(|number| {
                let topic = usize::try_from(rng.below(TOPICS as u64)).expect("small");
                let padding = if rng.below(50) == 0 { 50_000 } else { rng.below(100) };
                let padding = usize::try_from(padding).expect("small");
                Label { publisher, number, topic }.parcel(case, padding)
            })
            .collect();
        link.try_publish(&batch).await.expect("published");
        number += size;
    }
}

pub(crate) async fn random_publishers_keep_their_order(setup: Setup) {
    let layout = setup.backplane.layout();
    let mut links = Vec::new();
    for _ in 0..PUBLISHERS {
        links.push(setup.link().await);
    }
    for case in 0..CASES {
        let mut rng = SeededRng::new(case);
        let topics: Vec<_> = (0..TOPICS).map(|number| topic(case, number)).collect();
        for link in &links {
            link.link.subscribe(&topics).await.expect("subscribed");
        }
        let counts: Vec<_> =
            (0..PUBLISHERS).map(|_| usize::try_from(rng.below(1_500)).expect("small")).collect();
        let publishers = links.iter().zip(&counts).enumerate();
        let publishers = publishers
            .map(|(number, (link, count))| publish(link, number, case, rng.fork(), *count));
        futures::future::join_all(publishers).await;
        for (number, link) in links.iter_mut().enumerate() {
            let mut received = Vec::new();
            for _ in 0..counts.iter().sum() {
                received.push(Label::read(&link.receive().await));
            }
            check(&received, &counts, layout, &format!("case {case}, link {number}"));
        }
    }
}

pub(crate) async fn control_parcels_follow_large_ones(setup: Setup) {
    const ROUNDS: usize = 30;
    let layout = setup.backplane.layout();
    let (mut subscriber, link) = (setup.link().await, setup.link().await);
    let topics: Vec<_> = (0..TOPICS).map(|number| topic(0, number)).collect();
    subscriber.link.subscribe(&topics).await.expect("subscribed");
    for round in 0..ROUNDS {
        let first = round * TOPICS;
        let batch: Vec<_> = (0..TOPICS)
            .map(|topic| Label { publisher: 0, number: first + topic, topic })
            .map(|label| label.parcel(0, if label.is_control() { 0 } else { 60_000 }))
            .collect();
        link.try_publish(&batch).await.expect("published");
    }
    let mut received = Vec::new();
    for _ in 0..ROUNDS * TOPICS {
        received.push(Label::read(&subscriber.receive().await));
    }
    check(&received, &[ROUNDS * TOPICS], layout, "large");
}
