use proptest::prelude::*;

use super::*;
use crate::backplane::parcel::{NUMBERED_HEAD, encode_marks};
use crate::node_id::NodeId;

const MAX_SIZE: usize = 4096;
const MAX_AGE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
enum Step {
    /// To one topic or two, with this many bytes.
    Publish(u8, Option<u8>, usize),
    Control,
    Take(usize),
    DropOld,
    Marks,
    /// Milliseconds.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..4_u8, proptest::option::of(0..4_u8), 0..800_usize)
            .prop_map(|(one, two, size)| Step::Publish(one, two, size)),
        2 => Just(Step::Control),
        4 => (0..6_usize).prop_map(Step::Take),
        1 => Just(Step::DropOld),
        1 => Just(Step::Marks),
        3 => (0..2000_u64).prop_map(Step::Wait),
    ]
}

fn topic(index: u8) -> Topic {
    Topic::new(format!("topic {index}"))
}

fn numbered(size: usize) -> Vec<u8> {
    vec![0; NUMBERED_HEAD + size]
}

/// Topic, number, previous, count.
fn fields(parcel: &Parcel) -> (TopicId, [u64; 3]) {
    let field = |index: usize| {
        let at = 26 + 8 * index;
        u64::from_be_bytes(parcel.bytes[at..at + 8].try_into().expect("8 bytes"))
    };
    let id = parcel.bytes[10..26].try_into().expect("16 bytes");
    (TopicId(id), [field(0), field(1), field(2)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_leaves_is_in_order_and_the_rest_is_counted(steps in proptest::collection::vec(step(), 1..80)) {
        let mut now = Instant::now();
        let mut outgoing = Outgoing::new(MAX_SIZE, MAX_AGE, now);
        // What was pushed, and how many parcels each topic had by then.
        let mut pushed = Vec::new();
        let mut counts: HashMap<TopicId, (u64, u64)> = HashMap::new();
        let (mut number, mut controls) = (0, 0_usize);
        let (mut left, mut dropped) = (Vec::new(), 0);
        for step in steps {
            match step {
                Step::Publish(one, two, size) => {
                    number += 1;
                    let mut topics = vec![topic(one)];
                    topics.extend(two.filter(|two| *two != one).map(topic));
                    for topic in &topics {
                        let (last, count) = counts.entry(topic.id()).or_default();
                        let previous = std::mem::replace(last, number);
                        *count += 1;
                        pushed.push((topic.id(), [number, previous, *count], now));
                    }
                    let copies = topics.into_iter().map(|topic| (topic, numbered(size))).collect();
                    dropped += outgoing.push_numbered(copies, now);
                }
                Step::Control => {
                    outgoing.push_control(Topic::control("control"), vec![1]);
                    controls += 1;
                }
                Step::Take(max) => {
                    let batch = outgoing.take(max, now);
                    prop_assert!(batch.parcels.len() <= max);
                    dropped += batch.aged;
                    for parcel in batch.parcels {
                        if parcel.topic.is_control() {
                            controls -= 1;
                            continue;
                        }
                        prop_assert_eq!(controls, 0, "control parcels are first");
                        prop_assert_eq!(fields(&parcel).0, parcel.topic.id());
                        left.push((fields(&parcel), now));
                    }
                }
                Step::DropOld => dropped += outgoing.drop_old(now),
                Step::Marks => {
                    for mark in outgoing.marks(now) {
                        let known = counts.get(&mark.topic).copied();
                        prop_assert_eq!(Some((mark.number, mark.count)), known);
                    }
                }
                Step::Wait(milliseconds) => now += Duration::from_millis(milliseconds),
            }
            prop_assert!(outgoing.size() <= MAX_SIZE);
            let sizes: usize = outgoing.queue.iter().map(|queued| size(&queued.parcel)).sum();
            prop_assert_eq!(outgoing.size(), sizes);
            let sizes: usize = outgoing.control.iter().map(size).sum();
            prop_assert_eq!(outgoing.control_size, sizes);
            prop_assert_eq!(outgoing.number(), number);
        }
        let waiting = outgoing.queue.len();
        prop_assert_eq!(left.len() as u64 + dropped + waiting as u64, pushed.len() as u64);
        // A subsequence, with the numbers of the push, and nothing that was too old.
        let mut rest = pushed.iter();
        for ((topic, numbers), at) in left {
            let found = rest.find(|(id, expected, _)| *id == topic && *expected == numbers);
            let Some((_, _, since)) = found else {
                return Err(TestCaseError::fail(format!("out of order: {numbers:?}")));
            };
            prop_assert!(at - *since <= MAX_AGE);
        }
    }
}

#[test]
fn parcel_that_is_larger_than_the_queue_is_dropped() {
    let now = Instant::now();
    let mut outgoing = Outgoing::new(MAX_SIZE, MAX_AGE, now);
    outgoing.push_numbered(vec![(topic(0), numbered(10))], now);
    assert_eq!(outgoing.push_numbered(vec![(topic(0), numbered(MAX_SIZE))], now), 2);
    assert_eq!(outgoing.size(), 0);
    // The next parcel shows the loss.
    outgoing.push_numbered(vec![(topic(0), numbered(10))], now);
    let batch = outgoing.take(9, now);
    assert_eq!(batch.parcels.iter().map(fields).collect::<Vec<_>>(), [(topic(0).id(), [3, 2, 3])]);
}

#[test]
fn control_parcels_are_bounded_in_number_and_bytes() {
    let now = Instant::now();
    let mut outgoing = Outgoing::new(MAX_SIZE, MAX_AGE, now);
    for _ in 0..2 * MAX_CONTROL {
        outgoing.push_control(Topic::control("control"), vec![0; 10]);
    }
    assert_eq!(outgoing.control.len(), MAX_CONTROL);
    for _ in 0..20 {
        outgoing.push_control(Topic::control("control"), vec![0; 1 << 20]);
        assert!(outgoing.control_size <= MAX_CONTROL_SIZE);
    }
    assert_eq!(outgoing.control.len(), 15);
}

#[test]
fn unchanged_topics_are_forgotten_and_those_marked_once_are_kept() {
    let now = Instant::now();
    let mut outgoing = Outgoing::new(MAX_SIZE, MAX_AGE, now);
    let topics: Vec<Topic> = (0..9).map(topic).collect();
    let publish = |outgoing: &mut Outgoing, topics: &[Topic]| {
        for topic in topics {
            outgoing.push_numbered(vec![(topic.clone(), numbered(0))], now);
        }
    };
    publish(&mut outgoing, &topics[..3]);
    assert_eq!(outgoing.marks(now).len(), 3);
    publish(&mut outgoing, &topics[3..6]);
    assert_eq!(outgoing.marks(now).len(), 6);
    publish(&mut outgoing, &topics[6..]);
    // The first three were marked twice.
    outgoing.forget_unchanged(None);
    for topic in &topics[..3] {
        assert_eq!(outgoing.mark(topic.id()).count, 0);
    }
    for topic in &topics[3..] {
        assert_eq!(outgoing.mark(topic.id()).count, 1, "{topic:?}");
    }
    assert_eq!(outgoing.marks(now).len(), 6);
    // Those that have changed lately are kept.
    outgoing.forget_unchanged(Some(now + FORGET_AFTER / 2));
    assert_eq!(outgoing.topics.len(), 6);
    outgoing.marks(now);
    outgoing.marks(now);
    outgoing.forget_unchanged(Some(now + FORGET_AFTER));
    assert_eq!(outgoing.topics.len(), 0);
}

#[test]
fn topics_are_bounded() {
    let now = Instant::now();
    let mut outgoing = Outgoing::new(MAX_SIZE, MAX_AGE, now);
    for index in 0..=MAX_TOPICS as u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&index.to_be_bytes());
        outgoing.count(TopicId(id), now);
        assert!(outgoing.topics.len() <= MAX_TOPICS && outgoing.changed.len() <= MAX_TOPICS);
    }
    // The marks of the forgotten ones are not above what receivers have: they report no loss.
    assert_eq!(
        outgoing.mark(TopicId([0; 16])),
        Mark { topic: TopicId([0; 16]), number: 0, count: 0 }
    );
}

#[test]
fn event_that_waits_for_longer_than_the_limit_is_dropped_and_leaves_a_gap() {
    let start = Instant::now();
    let limit = Duration::from_secs(3);
    let mut outgoing = Outgoing::new(1 << 20, limit, start);
    outgoing.push_numbered(vec![(topic(0), numbered(9))], start);
    outgoing.push_numbered(vec![(topic(0), numbered(9))], start + limit);
    let batch = outgoing.take(9, start + limit + Duration::from_millis(1));
    assert_eq!((batch.parcels.len(), batch.aged), (1, 1));
    let (_, [number, previous, count]) = fields(&batch.parcels[0]);
    assert_eq!([number, previous, count], [2, 1, 2]);
}

#[test]
fn marks_that_are_not_published_are_in_the_next_ones() {
    let start = Instant::now();
    let late = start + MAX_AGE + Duration::from_millis(1);
    let drops: [fn(&mut Outgoing, Instant) -> u64; 3] = [
        |outgoing, late| outgoing.take(9, late).aged,
        Outgoing::drop_old,
        |outgoing, late| {
            outgoing.push(Parcel { topic: topic(1), bytes: vec![0; MAX_SIZE - 200].into() }, late)
        },
    ];
    for drop in drops {
        let mut outgoing = Outgoing::new(MAX_SIZE, MAX_AGE, start);
        outgoing.push_numbered(vec![(topic(0), numbered(9))], start);
        outgoing.take(9, start);
        for _ in 0..2 {
            let marks = outgoing.marks(start);
            assert_eq!(marks.len(), 1);
            let bytes = encode_marks(NodeId(1), 1, &marks).expect("short");
            outgoing.push(Parcel { topic: Topic::control("all"), bytes: bytes.into() }, start);
        }
        assert_eq!(outgoing.marks(start).len(), 0);
        assert_eq!(drop(&mut outgoing, late), 2);
        let mark = outgoing.mark(topic(0).id());
        assert_eq!((mark.count, outgoing.marks(late)), (1, vec![mark]));
    }
}

#[test]
fn nothing_waits_or_is_counted_after_the_end() {
    let now = Instant::now();
    let mut outgoing = Outgoing::new(MAX_SIZE, MAX_AGE, now);
    let push = |outgoing: &mut Outgoing| {
        outgoing.push_numbered(vec![(topic(0), numbered(9))], now);
        outgoing.push_control(topic(1), vec![0; 9]);
        outgoing.push_ask(topic(2), vec![0; 9])
    };
    assert!(push(&mut outgoing));
    assert_eq!(outgoing.end().take(9, now).parcels.len(), 3);
    assert!(!push(&mut outgoing));
    assert_eq!((outgoing.take(9, now).parcels.len(), outgoing.topics.len()), (0, 0));
}
