//! Nodes and procedures that start later than others.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::sleep;

use super::fixture::{ModelContract, PATH, TestNode, hub, member, runtime, take, two_nodes};
use crate::backplane::{Gap, Memory};
use crate::handle::Io;
use crate::rooms::{Audience, Presence};
use crate::session::PushPolicy;
use crate::wire::Frame;

fn emit(node: &TestNode, room: &'static str) {
    let event = node.hub.outgoing_events.get(0).expect("an event");
    let frame = Frame::event("event", &1).expect("JSON");
    node.hub.emit(&Audience::new(&room), event, &frame, PushPolicy::Reliable, None).expect("small");
}

#[test]
fn events_that_a_node_drops_before_its_first_link_are_reported() {
    runtime().block_on(async {
        let broker = Memory::new();
        let one = TestNode::new(&broker);
        let (_a, _b) = (one.join("a", 1), one.join("b", 1));
        sleep(Duration::from_secs(3)).await;
        let mut gaps = one.hub.gaps.receiver();
        let late = TestNode::new(&broker);
        late.engine.partition();
        (0..5).for_each(|_| emit(&late, "a"));
        sleep(Duration::from_secs(5)).await;
        (0..2).for_each(|_| emit(&late, "b"));
        late.engine.heal();
        // A room that is joined after its first link has no part in what was before.
        sleep(Duration::from_secs(3)).await;
        let _c = one.join("c", 1);
        sleep(Duration::from_secs(5)).await;
        let counters = one.health().counters;
        assert_eq!((counters.lost, counters.received), (5, 2));
        let Some(Gap::Lost { topic, origin, lost }) = gaps.try_next() else { panic!("a gap") };
        assert!(topic.ends_with(":a"), "{topic}");
        assert_eq!((origin, lost), (late.id(), 5));
        assert!(gaps.try_next().is_none());
    });
}

#[test]
fn watcher_shows_members_of_a_procedure_that_another_node_adds_later() {
    const LATE: &str = "/late";
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let (here, there) = (hub(), hub());
        one.cluster.start([(PATH, &one.hub), (LATE, &here)].into_iter());
        let mut watch = Io::<ModelContract>::new(here.clone()).watch::<u64>("a");
        sleep(Duration::from_secs(3)).await;
        other.cluster.start([(PATH, &other.hub), (LATE, &there)].into_iter());
        let member = member(&there);
        member.member().join("a").expect("joined");
        member.member().set_presence(Presence::new(&1).expect("small")).expect("set");
        sleep(Duration::from_secs(3)).await;
        let mut members = BTreeMap::new();
        take(&mut watch, &mut members);
        assert_eq!(members, BTreeMap::from([(member.member().id(), 1)]));
    });
}
