//! Delivery policies of events between nodes, and events that other nodes do not get.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::sleep;

use super::fixture::{EVENT, LATEST, PATH, TestNode, VOLATILE, runtime, two_nodes};
use crate::backplane::{
    Backplane, ClusterOptions, Inbox, Layout, Link, LinkError, Memory, MemoryNode, Status,
};
use crate::rooms::DeliveryStats;
use crate::session::Registration;
use crate::wire::Frame;

/// Longer than an event takes to another node.
const MOMENT: Duration = Duration::from_millis(5);
/// Longer than a subscription takes.
const CONFIRMED: Duration = Duration::from_secs(1);

/// What a member is sent.
fn pending(member: &Registration) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut bytes = Vec::new();
        member.member().outbox().take(&mut bytes);
        if bytes.is_empty() {
            return all;
        }
        all.append(&mut bytes);
    }
}

/// The frames of events with these payloads.
fn frames(event: &str, payloads: &[u64]) -> Vec<u8> {
    let frames = payloads.iter().map(|payload| Frame::event(event, payload).expect("JSON"));
    frames.flat_map(|frame| frame.as_bytes().to_vec()).collect()
}

#[test]
fn latest_event_of_another_node_replaces_the_pending_one_of_its_key_only() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let members = other.join("a", 1);
        sleep(CONFIRMED).await;
        let emit = |value: u64, key: &str| {
            one.io.to("a").0.emit_latest(LATEST, &value, Ok(()), key);
        };
        emit(1, "ada");
        emit(2, "ada");
        sleep(MOMENT).await;
        assert_eq!(pending(&members[0]), frames("latest", &[2]));
        emit(3, "ada");
        emit(4, "bob");
        sleep(MOMENT).await;
        assert_eq!(pending(&members[0]), frames("latest", &[3, 4]));
    });
}

#[test]
fn volatile_event_of_another_node_is_dropped_for_a_member_with_too_much_pending() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let members = other.join("a", 1);
        sleep(CONFIRMED).await;
        // More than `Limits::volatile_outbox_size`.
        let text = "x".repeat(65 << 10);
        let emitter = one.io.to("a").0;
        emitter.emit(EVENT, &text, Ok(()));
        emitter.emit(VOLATILE, &1, Ok(()));
        sleep(MOMENT).await;
        let large = Frame::event("event", &text).expect("JSON");
        assert!(pending(&members[0]) == large.as_bytes());
        emitter.emit(VOLATILE, &2, Ok(()));
        sleep(MOMENT).await;
        assert_eq!(pending(&members[0]), frames("volatile", &[2]));
        let DeliveryStats { queued, dropped, .. } = other.io.deliveries()[VOLATILE];
        assert_eq!((queued, dropped, other.health().counters.received), (1, 1, 3));
    });
}

#[test]
fn volatile_event_without_a_link_reaches_members_of_its_own_node_only() {
    runtime().block_on(async {
        let broker = Memory::new();
        let [one, other] = two_nodes(&broker).await;
        let (here, there) = (one.join("a", 1), other.join("a", 1));
        sleep(CONFIRMED).await;
        broker.stop();
        sleep(MOMENT).await;
        let emitter = one.io.to("a").0;
        emitter.emit(VOLATILE, &1, Ok(()));
        emitter.emit(EVENT, &2, Ok(()));
        let expected = [frames("volatile", &[1]), frames("event", &[2])].concat();
        assert_eq!(pending(&here[0]), expected);
        broker.start();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(one.health().status, Status::Up);
        assert_eq!(pending(&there[0]), frames("event", &[2]));
        assert_eq!(one.health().counters.volatile_dropped, 1);
        assert_eq!(other.health().counters.lost, 0);
    });
}

/// An engine whose broker accepts small parcels only.
struct SmallParcels(MemoryNode);

const MAX_PARCEL: usize = 4000;

impl Backplane for SmallParcels {
    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn max_parcel_size(&self) -> usize {
        MAX_PARCEL
    }

    fn connect(&self, inbox: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>> {
        self.0.connect(inbox)
    }
}

#[test]
fn event_that_is_too_large_or_for_more_than_256_rooms_reaches_members_of_its_own_node_only() {
    runtime().block_on(async {
        let broker = Memory::new();
        let engine = broker.node();
        let backplane = Arc::new(SmallParcels(engine.clone()));
        let one = TestNode::with_engine(backplane, engine, PATH, ClusterOptions::default());
        let other = TestNode::new(&broker);
        let (here, there) = (one.join("a", 1), other.join("a", 1));
        sleep(Duration::from_secs(3)).await;
        let too_large = || one.health().counters.too_large;

        let text = "x".repeat(MAX_PARCEL);
        one.io.to("a").0.emit(EVENT, &text, Ok(()));
        assert!(pending(&here[0]) == Frame::event("event", &text).expect("JSON").as_bytes());
        assert_eq!(too_large(), 1);

        let mut rooms: Vec<String> = (0..256).map(|room| room.to_string()).collect();
        rooms.push("a".to_owned());
        one.io.to(&rooms).0.emit(EVENT, &1, Ok(()));
        assert_eq!((pending(&here[0]), too_large()), (frames("event", &[1]), 2));

        // Other nodes have no member of this target.
        let ids = vec![here[0].member().id(); 300];
        one.io.to(&ids).0.emit(EVENT, &2, Ok(()));
        assert_eq!((pending(&here[0]), too_large()), (frames("event", &[2]), 2));

        sleep(CONFIRMED).await;
        assert_eq!(other.health().counters.received, 0);
        one.io.to(&rooms[1..]).0.emit(EVENT, &3, Ok(()));
        sleep(MOMENT).await;
        assert_eq!((pending(&there[0]), too_large()), (frames("event", &[3]), 2));
        assert_eq!(other.health().counters.lost, 0);
    });
}

#[test]
fn disconnect_of_more_than_256_rooms_ends_sessions_of_its_own_node_only_and_says_so() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let (here, there) = (one.join("a", 1), other.join("a", 1));
        let mut rooms: Vec<String> = (0..256).map(|room| room.to_string()).collect();
        rooms.push("a".to_owned());
        let answer = one.io.ask().disconnect(&rooms).await;
        assert_eq!((answer.value, answer.missing, answer.complete), (1, vec![other.id()], false));
        sleep(CONFIRMED).await;
        let is_ending = |member: &Registration| member.member().signals().ending().is_some();
        assert_eq!((is_ending(&here[0]), is_ending(&there[0])), (true, false));
        assert_eq!(one.health().counters.too_large, 1);
        let answer = one.io.ask().disconnect(&rooms[1..]).await;
        assert_eq!((answer.complete, is_ending(&there[0])), (true, true));
    });
}
