use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fixture::{
    ModelContract, PATH, TestNode, hub, runtime, take, two_nodes, two_nodes_with,
};
use crate::backplane::node::Node;
use crate::backplane::topic::TopicId;
use crate::backplane::watching::RoomKey;
use crate::backplane::{ClusterOptions, Memory, NodeId};
use crate::handle::Io;
use crate::rooms::Presence;

const MOMENT: Duration = Duration::from_millis(5);

#[test]
fn watch_started_before_the_router_is_served_shows_members_of_other_nodes() {
    runtime().block_on(async {
        let broker = Memory::new();
        let one = TestNode::new(&broker);
        let member = one.show("a", 1);
        sleep(Duration::from_secs(3)).await;
        let hub = hub();
        let mut watch = Io::<ModelContract>::new(hub.clone()).watch::<u64>("a");
        let cluster = crate::backplane::Cluster::new(
            std::sync::Arc::new(broker.node()),
            ClusterOptions::default(),
        );
        cluster.start([(PATH, &hub)].into_iter());
        sleep(Duration::from_secs(3)).await;
        let mut members = BTreeMap::new();
        take(&mut watch, &mut members);
        assert_eq!(members, BTreeMap::from([(member.member().id(), 1)]));
    });
}

#[test]
fn watcher_shows_members_of_other_nodes_once_the_broker_is_there() {
    runtime().block_on(async {
        let broker = Memory::new();
        broker.stop();
        let [one, other] = two_nodes(&broker).await;
        let mut watch = one.io.watch::<u64>("a");
        let member = other.show("a", 1);
        sleep(Duration::from_secs(60)).await;
        let mut members = BTreeMap::new();
        take(&mut watch, &mut members);
        assert_eq!(members, BTreeMap::new());
        broker.start();
        sleep(Duration::from_secs(5)).await;
        take(&mut watch, &mut members);
        assert_eq!(members, BTreeMap::from([(member.member().id(), 1)]));
    });
}

#[test]
fn members_of_a_node_that_says_that_it_ends_leave_at_once() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let mut watch = one.io.watch::<u64>("a");
        let member = other.show("a", 1);
        sleep(MOMENT).await;
        let mut members = BTreeMap::new();
        take(&mut watch, &mut members);
        assert_eq!(members.len(), 1);
        other.cluster.stop().await;
        sleep(MOMENT).await;
        take(&mut watch, &mut members);
        assert_eq!(members, BTreeMap::new());
        drop(member);
    });
}

#[test]
fn members_of_a_node_that_was_cut_off_are_shown_again_as_they_are() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let (mut watch, mut watch_there) = (one.io.watch::<u64>("a"), other.io.watch::<u64>("a"));
        let (stays, goes, here) = (other.show("a", 1), other.show("a", 2), one.show("a", 3));
        sleep(MOMENT).await;
        let (mut members, mut members_there) = (BTreeMap::new(), BTreeMap::new());
        take(&mut watch, &mut members);
        assert_eq!(members.len(), 3);
        other.engine.partition();
        sleep(Duration::from_secs(30)).await;
        take(&mut watch, &mut members);
        assert_eq!(members, BTreeMap::from([(here.member().id(), 3)]));
        // The node without a link shows those that it knew, and its own as they change.
        take(&mut watch_there, &mut members_there);
        let (stays_id, goes_id, here_id) =
            (stays.member().id(), goes.member().id(), here.member().id());
        assert_eq!(members_there, BTreeMap::from([(stays_id, 1), (goes_id, 2), (here_id, 3)]));
        drop(goes);
        stays.member().set_presence(Presence::new(&4).expect("small")).expect("set");
        here.member().set_presence(Presence::new(&5).expect("small")).expect("set");
        take(&mut watch_there, &mut members_there);
        assert_eq!(members_there, BTreeMap::from([(stays_id, 4), (here_id, 3)]));
        other.engine.heal();
        sleep(Duration::from_secs(10)).await;
        take(&mut watch, &mut members);
        take(&mut watch_there, &mut members_there);
        let expected = BTreeMap::from([(stays_id, 4), (here_id, 5)]);
        assert_eq!((&members, &members_there), (&expected, &expected));
    });
}

#[test]
fn end_of_a_watch_that_is_lost_is_repeated() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let entries = (one.entries(), other.entries());
        let watch = one.io.watch::<u64>("a");
        sleep(Duration::from_secs(1)).await;
        assert!(other.entries() > entries.1);
        other.engine.drop_next(1);
        drop(watch);
        sleep(Duration::from_secs(5)).await;
        assert_eq!((one.entries(), other.entries()), entries);
        assert_eq!(other.health().counters.links_lost, 0);
    });
}

#[test]
fn watch_of_a_room_that_is_too_large_drops_no_events() {
    runtime().block_on(async {
        let options = ClusterOptions { max_queue_size: 64 << 10, ..ClusterOptions::default() };
        let [one, other] = two_nodes_with(&Memory::new(), options).await;
        let mut watch = one.io.watch::<u64>("a");
        let many: Vec<_> = (0..3000).map(|value| other.show("large", value)).collect();
        let mut large = one.io.watch::<u64>("large");
        let member = other.show("a", 1);
        sleep(Duration::from_secs(10)).await;
        let mut members = BTreeMap::new();
        take(&mut watch, &mut members);
        assert_eq!(members, BTreeMap::from([(member.member().id(), 1)]));
        let counters = other.health().counters;
        assert_eq!(counters.overflowed, 0);
        assert!(counters.too_large > 0);
        // A room that fits is shown after all.
        drop(many);
        let member = other.show("large", 7);
        sleep(Duration::from_secs(5)).await;
        take(&mut large, &mut members);
        assert_eq!(members, BTreeMap::from([(member.member().id(), 7)]));
    });
}

#[test]
fn joins_and_watches_without_a_link_leave_nothing() {
    runtime().block_on(async {
        let broker = Memory::new();
        let [one, _other] = two_nodes(&broker).await;
        let (entries, topics) = (one.entries(), one.health().topics);
        let _kept = one.join("kept", 1);
        sleep(Duration::from_secs(1)).await;
        broker.stop();
        sleep(MOMENT).await;
        for number in 0..1000 {
            let room = format!("room {number}");
            drop(one.join(&room, 1));
            drop(one.io.watch::<u64>(&room));
        }
        assert_eq!(one.health().topics, topics + 1);
        assert_eq!(one.entries(), entries + 2);
    });
}

#[test]
fn each_watch_asks_for_its_own_room_only() {
    runtime().block_on(async {
        let broker = Memory::with_layout(crate::backplane::Layout::Buckets(1));
        let [one, other] = two_nodes(&broker).await;
        let _member = other.show("a", 1);
        let watches: Vec<_> = (0..100).map(|it| one.io.watch::<u64>(format!("{it}"))).collect();
        sleep(Duration::from_secs(1)).await;
        let before = other.health().counters.published;
        let more: Vec<_> = (100..110).map(|it| one.io.watch::<u64>(format!("{it}"))).collect();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(other.health().counters.published - before, 10);
        drop((watches, more));
    });
}

#[test]
fn asks_that_are_repeated_displace_no_other_parcels() {
    runtime().block_on(async {
        let node = Node::new(&Memory::new().node(), ClusterOptions::default());
        let other = NodeId(1);
        node.receiving.lock().peers.seen(other, Instant::now());
        for number in 0..5000 {
            let room: RoomKey = (PATH.into(), number.to_string().into());
            let mut watching = node.watching.lock();
            watching.begin(room.clone(), TopicId([0; 16]), Instant::now());
            watching.ask(room, number, vec![other], Instant::now());
        }
        sleep(Duration::from_secs(2)).await;
        node.publish_first(node.own_topic.clone(), vec![7]);
        node.repeat_presence_asks();
        let batch = node.with_outgoing(|outgoing| outgoing.take(9999, Instant::now()));
        assert_eq!(&*batch.parcels[0].bytes, [7]);
        assert!(batch.parcels.len() > 1000);
    });
}
