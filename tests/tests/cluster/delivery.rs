//! Members of a room get each message once, on whatever node they are.

#[cfg(feature = "nats")]
use parlor::backplane::Nats;
#[cfg(feature = "redis")]
use parlor::backplane::Redis;
use parlor::backplane::{Backplane, ClusterOptions, Layout, Memory};
#[cfg(any(feature = "nats", feature = "redis"))]
use parlor_tests::Broker;

use parlor_tests::TEST_TIMEOUT;

use crate::nodes::TestCluster;

/// A broker that a test ends and starts again.
trait TestBroker {
    fn end(&mut self);
    async fn start_again(&mut self);
}

impl TestBroker for Memory {
    fn end(&mut self) {
        self.stop();
    }

    async fn start_again(&mut self) {
        self.start();
    }
}

#[cfg(any(feature = "nats", feature = "redis"))]
impl TestBroker for Broker {
    fn end(&mut self) {
        self.kill();
    }

    async fn start_again(&mut self) {
        self.restart().await;
    }
}

async fn assert_each_message_arrives_once(engines: Vec<impl Backplane>) {
    let cluster = TestCluster::start(engines, ClusterOptions::default()).await;
    let mut members = cluster.members(2, &["general", "random", "a:b.c*"]).await;
    for _ in 0..3 {
        members.send(50).await;
        members.receive_all().await;
    }
    for node in 0..cluster.len() {
        assert_eq!(cluster.counters(node).lost, 0, "node {node}");
    }
    drop(members);
    cluster.stop().await;
}

/// Each outage is longer than the queues of the nodes.
async fn assert_lost_messages_are_counted(
    engines: Vec<impl Backplane>,
    broker: &mut impl TestBroker,
) {
    let options = ClusterOptions { max_queue_size: 64 << 10, ..ClusterOptions::default() };
    let cluster = TestCluster::start(engines, options).await;
    let mut members = cluster.members(1, &["general"]).await;
    let mut lost_before = vec![0; cluster.len()];
    for outage in 0..3 {
        members.send(20).await;
        broker.end();
        members.send(1_000).await;
        // The nodes have emitted them.
        members.receive_own().await;
        broker.start_again().await;
        cluster.wait_until_linked().await;
        members.send_until_last_is_received().await;
        members.assert_order();
        for (node, lost_before) in lost_before.iter_mut().enumerate() {
            let lost = members.missing_from_other_nodes(node);
            assert!(lost > *lost_before, "node {node} has lost no messages");
            *lost_before = lost;
            let counted = usize::try_from(cluster.counters(node).lost).expect("small");
            assert_eq!(counted, lost, "node {node} after outage {outage}");
        }
    }
}

/// The queues of the nodes keep what is sent in an outage.
async fn assert_messages_of_a_short_outage_arrive(
    engines: Vec<impl Backplane>,
    broker: &mut impl TestBroker,
) {
    let options = ClusterOptions { max_queue_age: TEST_TIMEOUT, ..ClusterOptions::default() };
    let cluster = TestCluster::start(engines, options).await;
    let mut members = cluster.members(1, &["general"]).await;
    members.send(20).await;
    // Otherwise the broker may have some that it has not delivered.
    members.receive_all().await;
    // One outage: in a second one the waits between two attempts to connect are longer, so a node may publish before
    // the others are linked.
    broker.end();
    cluster.wait_until_down().await;
    members.send(20).await;
    members.receive_own().await;
    broker.start_again().await;
    members.receive_all().await;
}

#[tokio::test]
async fn each_message_arrives_once_and_in_order() {
    for layout in [Layout::PerRoom, Layout::Buckets(2)] {
        let broker = Memory::with_layout(layout);
        let engines = (0..3).map(|_| broker.node()).collect();
        assert_each_message_arrives_once(engines).await;
        assert_eq!(broker.links(), 0);
    }
}

#[tokio::test]
async fn messages_that_are_lost_in_an_outage_are_counted() {
    let mut broker = Memory::new();
    let engines = (0..3).map(|_| broker.node()).collect();
    assert_lost_messages_are_counted(engines, &mut broker).await;
}

#[tokio::test]
async fn messages_of_a_short_outage_arrive() {
    let mut broker = Memory::new();
    let engines = (0..3).map(|_| broker.node()).collect();
    assert_messages_of_a_short_outage_arrive(engines, &mut broker).await;
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn each_message_arrives_once_and_in_order_with_redis() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let redis = Redis::connect(broker.url()).await.expect("usable");
    assert_each_message_arrives_once(vec![redis; 3]).await;
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn messages_that_are_lost_in_an_outage_are_counted_with_redis() {
    let Some(mut broker) = Broker::redis(&[]).await else { return };
    let redis = Redis::connect(broker.url()).await.expect("usable");
    assert_lost_messages_are_counted(vec![redis; 3], &mut broker).await;
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn messages_of_a_short_outage_arrive_with_redis() {
    let Some(mut broker) = Broker::redis(&[]).await else { return };
    let redis = Redis::connect(broker.url()).await.expect("usable");
    assert_messages_of_a_short_outage_arrive(vec![redis; 3], &mut broker).await;
}

#[cfg(feature = "nats")]
#[tokio::test]
async fn each_message_arrives_once_and_in_order_with_nats() {
    let Some(broker) = Broker::nats(&[]).await else { return };
    let nats = Nats::connect(&broker.url()).await.expect("usable");
    assert_each_message_arrives_once(vec![nats; 3]).await;
}

#[cfg(feature = "nats")]
#[tokio::test]
async fn messages_that_are_lost_in_an_outage_are_counted_with_nats() {
    let Some(mut broker) = Broker::nats(&[]).await else { return };
    let nats = Nats::connect(&broker.url()).await.expect("usable");
    assert_lost_messages_are_counted(vec![nats; 3], &mut broker).await;
}

#[cfg(feature = "nats")]
#[tokio::test]
async fn messages_of_a_short_outage_arrive_with_nats() {
    let Some(mut broker) = Broker::nats(&[]).await else { return };
    let nats = Nats::connect(&broker.url()).await.expect("usable");
    assert_messages_of_a_short_outage_arrive(vec![nats; 3], &mut broker).await;
}
