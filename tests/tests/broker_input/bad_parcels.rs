use parlor::backplane::{ClusterOptions, Counters, Memory};

use super::parcels::{Event, audience, control, count, frame, marks, raw_frame, room, text};
use super::{Attacker, NODES_TOPIC, Node, ROOM, ROOM_TOPIC};

/// What is dropped, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Version,
    Format,
    Procedure,
    Event,
    Digest,
    TooLarge,
    /// Not counted: a node gets its own parcels from most brokers.
    OwnParcel,
    /// Nothing is wrong with it, and it has no effect.
    Ignored,
}

fn dropped(counters: &Counters) -> [u64; 6] {
    let Counters {
        bad_version,
        bad_format,
        unknown_procedure,
        unknown_event,
        different_event,
        too_large,
        ..
    } = *counters;
    [bad_version, bad_format, unknown_procedure, unknown_event, different_event, too_large]
}

/// Makes one wrong event of a right one.
type Change = fn(&mut Event);
/// Makes a part of a parcel.
type Bytes = fn() -> Vec<u8>;

const JSON: &[u8] = br#"["said",{"text":"forged"}]"#;

const EVENTS: [(&str, Cause, Change); 22] = [
    ("version 0", Cause::Version, |it| it.version = 0),
    ("version 2", Cause::Version, |it| it.version = 2),
    ("unknown kind", Cause::Format, |it| it.kind = 99),
    ("other kind", Cause::Format, |it| it.kind = 2),
    ("foreign procedure", Cause::Procedure, |it| it.procedure = "/shop".into()),
    ("unknown event", Cause::Event, |it| it.name = "shouted".into()),
    ("control event", Cause::Event, |it| it.name = "$welcome".into()),
    ("other digest", Cause::Digest, |it| it.digest ^= 1),
    ("number 0", Cause::Format, |it| (it.number, it.previous) = (0, 0)),
    ("count 0", Cause::Format, |it| it.count = 0),
    ("previous above number", Cause::Format, |it| it.previous = u64::MAX),
    ("count above number", Cause::Format, |it| it.count = u64::MAX),
    ("masked", Cause::Format, |it| {
        it.frame = raw_frame(0x81, JSON);
        it.frame[1] |= 0x80;
        it.frame.splice(2..2, [0; 4]);
    }),
    ("fragment", Cause::Format, |it| it.frame = raw_frame(0x01, JSON)),
    ("binary", Cause::Format, |it| it.frame = raw_frame(0x82, JSON)),
    ("close", Cause::Format, |it| it.frame = raw_frame(0x88, JSON)),
    ("length", Cause::Format, |it| it.frame[1] += 1),
    ("long form of a length", Cause::Format, |it| {
        it.frame = raw_frame(0x81, JSON);
        it.frame.splice(1..1, [126, 0]);
    }),
    ("UTF-8", Cause::Format, |it| it.frame = raw_frame(0x81, b"[\"said\",{\"text\":\"\xff\"}]")),
    ("frame of another event", Cause::Format, |it| {
        it.frame = raw_frame(0x81, br#"["moved",{"x":1}]"#);
    }),
    ("two frames", Cause::Format, |it| it.frame = [frame("one"), frame("two")].concat()),
    ("larger than an outbox", Cause::TooLarge, |it| {
        it.frame = frame(&"x".repeat(2 << 20));
    }),
];

const AUDIENCES: [(&str, Bytes); 6] = [
    ("257 parts", || audience(&vec![room(); 257])),
    ("65 535 parts", || audience(&vec![vec![0]; 65_535])),
    ("all twice", || audience(&[vec![0], vec![0]])),
    ("unknown part", || audience(&[vec![9]])),
    ("name that is no UTF-8", || audience(&[vec![1, 0, 1, 0xff]])),
    ("exception from a part that is not there", || {
        [&count(1)[..], &room(), &count(1), &room(), &count(0), &count(2)].concat()
    }),
];

fn controls(own: u64) -> Vec<(&'static str, Cause, Vec<u8>)> {
    let id = 0xbad;
    let unknown = [9; 16];
    let ask = |content: &[u8]| [&7_u64.to_be_bytes()[..], content].concat();
    vec![
        ("empty", Cause::Version, Vec::new()),
        ("only a version", Cause::Format, vec![1]),
        ("bytes after the end", Cause::Format, control(7, id, b"x")),
        ("marks of unknown topics", Cause::Ignored, marks(id, &vec![(unknown, 7, 3); 1000])),
        ("1 001 marks", Cause::Format, marks(id, &vec![(unknown, 7, 3); 1001])),
        ("a mark that contradicts itself", Cause::Format, marks(id, &[(unknown, 3, u64::MAX)])),
        ("an ask for 1 001 marks", Cause::Format, {
            control(5, id, &ask(&[&[0][..], &count(1001), &vec![7; 16 * 1001]].concat()))
        }),
        ("an ask about a foreign procedure", Cause::Ignored, {
            control(5, id, &ask(&[&[1][..], &text("/shop"), &text("a")].concat()))
        }),
        ("an unknown ask", Cause::Format, {
            control(5, id, &ask(&[&[77][..], &text("/chat"), &text("a")].concat()))
        }),
        ("an answer to nothing", Cause::Ignored, {
            control(6, id, &ask(&[&[0, 0, 0, 0, 1, 2][..], &5_u64.to_be_bytes()].concat()))
        }),
        ("marks without an ask", Cause::Ignored, {
            control(6, id, &ask(&[&[0, 0, 0, 0, 1, 0][..], &count(0)].concat()))
        }),
        ("the end of an unknown node", Cause::Ignored, control(7, 0xdead, &[])),
        ("a probe of this node", Cause::Ignored, control(8, own, &u64::MAX.to_be_bytes())),
        ("the end of this node", Cause::OwnParcel, control(7, own, &[])),
        ("marks of this node", Cause::OwnParcel, marks(own, &[(unknown, u64::MAX, 7)])),
    ]
}

#[tokio::test]
async fn each_bad_parcel_is_counted_and_delivers_nothing() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, ClusterOptions::default()).await;
    let mut other = Node::start(&broker, ClusterOptions::default()).await;
    node.knows(1).await;
    other.knows(1).await;
    let mut attacker = Attacker::connect(&broker, &other).await;
    assert_eq!((node.said().await, other.said().await), ("captured".into(), "captured".into()));
    attacker.fence(&mut node).await;

    let own = u64::from_str_radix(&node.id().to_string(), 16).expect("an id");
    let own_topic = format!("parlor:n:{}", node.id());
    let right = attacker.event(0x1, 1);
    let mut cases = controls(own);
    // Each of another node, so that its numbers begin.
    for (index, (what, cause, change)) in EVENTS.into_iter().enumerate() {
        let mut event = Event { node: 0x100 + index as u64, ..right.clone() };
        change(&mut event);
        cases.push((what, cause, event.encode()));
    }
    for (index, (what, audience)) in AUDIENCES.into_iter().enumerate() {
        let node = 0x200 + index as u64;
        cases.push((
            what,
            Cause::Format,
            Event { node, audience: audience(), ..right.clone() }.encode(),
        ));
    }
    cases.push(("own event", Cause::OwnParcel, Event { node: own, ..right.clone() }.encode()));
    let bytes = right.encode();
    for length in 1..bytes.len() {
        cases.push(("truncated", Cause::Format, bytes[..length].to_vec()));
    }

    for (what, cause, bytes) in cases {
        let before = dropped(&node.counters());
        // The other node would take it for one of this node.
        let topics = if cause == Cause::OwnParcel {
            [own_topic.as_str(); 2]
        } else {
            [ROOM_TOPIC, NODES_TOPIC]
        };
        for topic in topics {
            attacker.publish(topic, bytes.clone()).await;
        }
        attacker.fence(&mut node).await;
        let more: Vec<_> = dropped(&node.counters())
            .iter()
            .zip(before)
            .map(|(now, before)| now - before)
            .collect();
        let mut expected = [0; 6];
        match cause {
            Cause::Version => expected[0] = 2,
            Cause::Format => expected[1] = 2,
            // The second one is a duplicate.
            Cause::Procedure => expected[2] = 1,
            Cause::Event => expected[3] = 1,
            Cause::Digest => expected[4] = 1,
            Cause::TooLarge => expected[5] = 1,
            Cause::OwnParcel | Cause::Ignored => {}
        }
        if cause == Cause::Format && more[1] == 1 {
            // Its numbers are right: the second one is a duplicate.
            expected[1] = 1;
        }
        assert_eq!(more, expected, "{what}");
    }
    assert_eq!(node.counters().lost, 0);

    // The rest works as before, in both directions.
    other.io.to(ROOM).said("from the other node");
    assert_eq!(node.said().await, "from the other node");
    let mut next = other.said().await;
    while next.starts_with("fence") {
        next = other.said().await;
    }
    assert_eq!(next, "from the other node");
    node.io.to(ROOM).said("from this node");
    assert_eq!(other.said().await, "from this node");
    assert_eq!(node.said().await, "from this node");
    assert!(node.io.ask().count(ROOM).await.value >= 2);
}

#[tokio::test]
async fn parcel_that_is_larger_than_the_inbox_is_dropped() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, ClusterOptions::default()).await;
    let mut attacker = Attacker::connect(&broker, &node).await;
    assert_eq!(node.said().await, "captured");
    attacker.publish(ROOM_TOPIC, vec![1; 17 << 20]).await;
    attacker.fence(&mut node).await;
    node.wait_for("the count", |counters| counters.inbox_overflowed == 1).await;
    assert_eq!(node.counters().bad_format, 0);
}
