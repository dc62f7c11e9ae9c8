use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;
use tokio::time::sleep;

use super::fixture::{TestNode, runtime, timed, two_nodes, two_nodes_with};
use crate::backplane::asks::Asks;
use crate::backplane::parcel::{Answer, Bad, Content, Received, Shown};
use crate::backplane::{ClusterOptions, Memory, NodeId};
use crate::rooms::{Audience, MAX_PRESENCE_SIZE, Presence};
use crate::session::PushPolicy;
use crate::socket_id::SocketId;
use crate::wire::Frame;

const MOMENT: Duration = Duration::from_millis(5);

#[test]
fn node_that_dies_while_asked_is_missing_after_1_s() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let (members, _others) = (one.join("a", 2), other.join("a", 2));
        let id = other.id();
        let ((answer, time), ()) = tokio::join!(timed(one.io.ask().members("a")), async {
            drop(other.cluster);
        });
        assert_eq!(time, Duration::from_secs(1));
        assert_eq!((answer.missing, answer.complete), (vec![id], false));
        assert_eq!(answer.value.len(), members.len());
    });
}

#[test]
fn node_that_says_that_it_ends_while_asked_is_missing_at_once() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let id = other.id();
        other.engine.stall();
        let ask = one.io.ask().within(Duration::from_secs(30)).count("a");
        let ((answer, time), ()) = tokio::join!(timed(ask), other.cluster.stop());
        assert!(time < MOMENT, "{time:?}");
        assert_eq!((answer.value, answer.missing, answer.complete), (0, vec![id], false));
    });
}

#[test]
fn ask_without_a_link_is_answered_at_once_and_is_not_complete() {
    runtime().block_on(async {
        let broker = Memory::new();
        let [one, _other] = two_nodes(&broker).await;
        let _members = one.join("a", 2);
        broker.stop();
        sleep(MOMENT).await;
        let (answer, time) = timed(one.io.ask().count("a")).await;
        assert_eq!((answer.value, answer.complete, time), (2, false, Duration::ZERO));
    });
}

#[test]
fn ten_thousand_callers_that_go_away_leave_nothing() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let entries = (one.entries(), other.entries());
        other.engine.partition();
        let mut asks: Vec<_> = (0..10_000).map(|_| one.io.ask().members("a").boxed()).collect();
        for ask in &mut asks {
            assert!(ask.now_or_never().is_none());
        }
        assert_eq!(one.entries(), entries.0 + 10_000);
        drop(asks);
        assert_eq!(one.entries(), entries.0);
        other.engine.heal();
        sleep(Duration::from_secs(20)).await;
        assert_eq!((one.entries(), other.entries()), entries);
    });
}

#[test]
fn ten_thousand_callers_at_once_get_all_answers_and_the_link_stays() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let _members = other.join("a", 1);
        let answers = join_all((0..10_000).map(|_| one.io.ask().count("a"))).await;
        for answer in answers {
            assert_eq!((answer.value, answer.complete), (1, true));
        }
        sleep(Duration::from_secs(5)).await;
        assert_eq!((one.health().counters.links_lost, one.health().nodes.len()), (0, 1));
    });
}

#[test]
fn room_with_3000_members_on_another_node_is_read_in_pages() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let members = other.join("a", 3000);
        for (value, member) in members.iter().enumerate() {
            member.member().set_presence(Presence::new(&value).expect("small")).expect("set");
        }
        let mut expected: Vec<_> = members.iter().map(|it| it.member().id()).collect();
        expected.sort();
        let mut answer = one.io.ask().members("a").await;
        answer.value.sort();
        assert!(answer.complete && answer.value == expected);
        let answer = one.io.ask().presence::<usize>("a").await.expect("numbers");
        let mut values: Vec<_> = answer.value.iter().map(|it| it.presence).collect();
        values.sort_unstable();
        assert!(answer.complete && values.into_iter().eq(0..3000));
    });
}

#[test]
fn node_whose_answer_does_not_fit_into_half_of_its_queue_is_missing() {
    runtime().block_on(async {
        let options = ClusterOptions { max_queue_size: 64 << 10, ..ClusterOptions::default() };
        let [one, other] = two_nodes_with(&Memory::new(), options).await;
        let _members = other.join("a", 3000);
        let answer = one.io.ask().members("a").await;
        assert_eq!((answer.missing, answer.complete), (vec![other.id()], false));
        let answer = one.io.ask().count("a").await;
        assert_eq!((answer.value, answer.complete), (3000, true));
        assert_eq!(other.health().counters.overflowed, 0);
    });
}

#[test]
fn node_whose_page_is_lost_is_missing_and_a_page_that_arrives_again_counts_once() {
    let asks = Asks::default();
    let (lossy, node) = (NodeId(1), NodeId(2));
    let waiting = asks.add(7, vec![lossy, node]).expect("few");
    let page = Bytes::from_static(b"page");
    asks.answer(7, lossy, 0, &page, false);
    asks.answer(7, lossy, 2, &page, true);
    asks.answer(7, node, 0, &page, false);
    asks.answer(7, node, 0, &page, false);
    asks.answer(7, node, 1, &page, true);
    let outcome = runtime().block_on(waiting.outcome(Duration::ZERO));
    assert_eq!((outcome.missing, outcome.answers.len(), asks.len()), (vec![lossy], 3, 0));
}

#[test]
fn presence_of_1024_bytes_is_answered_and_a_larger_one_is_a_bad_parcel() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let members = other.join("a", 1);
        let text = "x".repeat(MAX_PRESENCE_SIZE - 2);
        let presence = Presence::new(&text).expect("small");
        members[0].member().set_presence(presence).expect("set");
        let answer = one.io.ask().presence::<String>("a").await.expect("a text");
        assert!(answer.complete && answer.value[0].presence == text);
    });
    for (size, is_good) in [(MAX_PRESENCE_SIZE, true), (MAX_PRESENCE_SIZE + 1, false)] {
        let json = vec![b'1'; size];
        let member = (SocketId::random().expect("bits"), Shown { json: &json, detached: false });
        let content = Content::Presence(vec![member]);
        let answer = Answer { id: 1, page: 0, is_last: true, content };
        let bytes = answer.encode(NodeId(1)).expect("short");
        match Received::decode(&bytes) {
            Ok(_) => assert!(is_good),
            Err(bad) => assert!(!is_good && bad == Bad::Malformed),
        }
    }
}

#[test]
fn only_nodes_that_serve_the_procedure_are_asked() {
    runtime().block_on(async {
        let broker = Memory::new();
        let [one, other] = two_nodes(&broker).await;
        let unrelated = TestNode::with(&broker, "/unrelated", ClusterOptions::default());
        sleep(Duration::from_secs(3)).await;
        assert_eq!(unrelated.health().nodes.len(), 2);
        let _members = other.join("a", 2);
        let (answer, time) = timed(one.io.ask().count("a")).await;
        assert_eq!((answer.value, answer.complete), (2, true));
        assert!(time < MOMENT, "{time:?}");
    });
}

#[test]
fn node_whose_hello_is_lost_is_asked_for_its_own_procedures_only() {
    runtime().block_on(async {
        let broker = Memory::new();
        let one = TestNode::new(&broker);
        sleep(Duration::from_secs(3)).await;
        // Its hello, and its answers to that of `one`.
        let unrelated = TestNode::with(&broker, "/unrelated", ClusterOptions::default());
        one.engine.drop_next(1);
        sleep(MOMENT).await;
        sleep(Duration::from_secs(3)).await;
        let (answer, time) = timed(one.io.ask().count("a")).await;
        assert!(answer.complete && time < MOMENT, "{answer:?} {time:?}");
        drop(unrelated);
    });
}

#[test]
fn disconnect_ends_sessions_of_other_nodes_after_earlier_events_and_counts_them() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let (here, there) = (one.join("a", 2), other.join("a", 3));
        let spared = other.join("b", 1);
        sleep(MOMENT).await;
        let event = one.hub.outgoing_events.get(0).expect("an event");
        let frame = Frame::event("event", &1).expect("JSON");
        let policy = PushPolicy::Reliable;
        one.hub.emit(&Audience::new(&"a"), event, &frame, policy, None).expect("small");
        let answer = one.io.ask().disconnect("a").await;
        assert_eq!((answer.value, answer.complete), (5, true));
        for member in &there {
            let mut bytes = Vec::new();
            member.member().outbox().take(&mut bytes);
            assert!(!bytes.is_empty() && member.member().signals().ending().is_some());
        }
        assert!(here.iter().all(|it| it.member().signals().ending().is_some()));
        assert!(spared[0].member().signals().ending().is_none());
    });
}

#[test]
fn disconnect_does_not_overtake_events_that_wait() {
    runtime().block_on(async {
        let broker = Memory::new();
        let [one, other] = two_nodes(&broker).await;
        let members = other.join("a", 1);
        sleep(Duration::from_secs(1)).await;
        let event = one.hub.outgoing_events.get(0).expect("an event");
        let frame = Frame::event("event", &1).expect("JSON");
        // More than one batch.
        for _ in 0..300 {
            let policy = PushPolicy::Reliable;
            one.hub.emit(&Audience::new(&"a"), event, &frame, policy, None).expect("small");
        }
        let ask = one.io.ask().disconnect("a");
        let ended = async {
            while members[0].member().signals().ending().is_none() {
                tokio::task::yield_now().await;
            }
            let mut bytes = Vec::new();
            members[0].member().outbox().take(&mut bytes);
            bytes.len() / frame.as_bytes().len()
        };
        let (_, events) = tokio::join!(ask, ended);
        assert_eq!(events, 300);
    });
}

#[test]
fn disconnect_that_is_too_large_is_missing_and_drops_no_events() {
    runtime().block_on(async {
        let options = ClusterOptions { max_queue_size: 1 << 20, ..ClusterOptions::default() };
        let [one, other] = two_nodes_with(&Memory::new(), options).await;
        let _members = one.join("a", 1);
        sleep(Duration::from_secs(1)).await;
        for (count, size) in [(256, 60_000), (16, 60_000)] {
            let rooms: Vec<_> = (0..count).map(|it| format!("{it}{}", "x".repeat(size))).collect();
            let event = other.hub.outgoing_events.get(0).expect("an event");
            let frame = Frame::event("event", &1).expect("JSON");
            let policy = PushPolicy::Reliable;
            other.hub.emit(&Audience::new(&"a"), event, &frame, policy, None).expect("small");
            let answer = other.io.ask().disconnect(&rooms).await;
            assert_eq!((answer.missing, answer.complete), (vec![one.id()], false));
        }
        sleep(Duration::from_secs(5)).await;
        let counters = other.health().counters;
        assert_eq!((counters.overflowed, counters.published), (0, 2));
        assert_eq!((one.health().counters.received, one.health().counters.lost), (2, 0));
    });
}
