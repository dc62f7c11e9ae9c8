//! Single cases.

use super::*;

#[test]
fn first_parcels_after_the_origin_has_forgotten_a_topic_are_counted() {
    let mut positions = Positions::default();
    positions.subscribe(topic(0));
    positions.begin(ORIGIN);
    let mut receive = |number, previous, count| {
        let position = Position { topic: topic(0), number, previous, count };
        positions.receive(ORIGIN, position, &[])
    };
    for count in 1..=50 {
        assert_eq!(receive(count, count - 1, count), Verdict::Deliver { lost: 0 });
    }
    // The first two since then are lost.
    assert_eq!(receive(103, 102, 3), Verdict::Deliver { lost: 2 });
    assert_eq!(receive(104, 103, 4), Verdict::Deliver { lost: 0 });
    assert_eq!(receive(103, 102, 3), Verdict::Duplicate);
    let mark = Mark { topic: topic(0), number: 206, count: 2 };
    assert_eq!(positions.mark(ORIGIN, mark), Some(2));
}

/// Two topics of one origin, to which it publishes each event.
fn two_topics() -> (Positions, [TopicId; 2]) {
    let topics = [topic(0), topic(1)];
    let mut positions = Positions::default();
    for topic in topics {
        positions.subscribe(topic);
    }
    positions.begin(ORIGIN);
    (positions, topics)
}

#[test]
fn copies_are_dropped_however_far_apart_two_topics_are() {
    for count in [1_000, MAX_SEEN as u64 + 1_000] {
        let (mut positions, topics) = two_topics();
        let position =
            |topic, number| Position { topic, number, previous: number - 1, count: number };
        for number in 1..=count {
            let verdict = positions.receive(ORIGIN, position(topics[0], number), &topics);
            assert_eq!(verdict, Verdict::Deliver { lost: 0 });
        }
        for number in 1..=count {
            let verdict = positions.receive(ORIGIN, position(topics[1], number), &topics);
            assert_eq!(verdict, Verdict::Copy { lost: 0 }, "{number}");
        }
    }
}

#[test]
fn event_on_other_topics_hides_no_loss_of_this_one() {
    let (mut positions, topics) = two_topics();
    positions.subscribe(topic(2));
    positions.begin(ORIGIN);
    for number in 1..=5 {
        let position = Position { topic: topics[0], number, previous: number - 1, count: number };
        positions.receive(ORIGIN, position, &topics);
    }
    // Number 6, the first on this topic, is lost.
    let position = Position { topic: topic(2), number: 7, previous: 6, count: 2 };
    assert_eq!(positions.receive(ORIGIN, position, &[]), Verdict::Deliver { lost: 1 });
}

/// Rooms that are joined after an event was emitted to them and to another one, whose copy has arrived.
#[test]
fn copy_on_a_topic_that_is_subscribed_to_after_the_first_copy_is_dropped() {
    let (mut positions, _) = two_topics();
    let topics = [topic(0), topic(3)];
    let [first, second] = topics.map(|topic| Position { topic, number: 7, previous: 0, count: 1 });
    assert_eq!(positions.receive(ORIGIN, first, &topics), Verdict::Deliver { lost: 0 });
    positions.subscribe(topic(3));
    assert_eq!(positions.receive(ORIGIN, second, &topics), Verdict::Copy { lost: 0 });
    let next = Position { topic: topic(3), number: 8, previous: 7, count: 2 };
    assert_eq!(positions.receive(ORIGIN, next, &[]), Verdict::Deliver { lost: 0 });
}

#[test]
fn parcel_that_arrives_again_after_a_topic_is_subscribed_to_again_is_dropped() {
    let (mut positions, topics) = two_topics();
    let position = Position { topic: topics[0], number: 1, previous: 0, count: 1 };
    assert_eq!(positions.receive(ORIGIN, position, &[]), Verdict::Deliver { lost: 0 });
    positions.unsubscribe(topics[0]);
    positions.subscribe(topics[0]);
    assert_eq!(positions.receive(ORIGIN, position, &[]), Verdict::Copy { lost: 0 });
    // A node that ends takes no memory any more.
    positions.forget(ORIGIN);
    assert!(positions.highest.is_empty());
}
