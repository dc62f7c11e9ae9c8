use parlor::backplane::{ClusterOptions, Memory};

use super::parcels::{control, hello, marks};
use super::{Attacker, FENCE, NODES_TOPIC, Node, ROOM};

#[tokio::test]
async fn nodes_of_2000_ids_are_1024_and_the_rest_is_dropped() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, ClusterOptions::default()).await;
    let other = Node::start(&broker, ClusterOptions::default()).await;
    node.knows(1).await;
    let mut attacker = Attacker::connect(&broker, &other).await;
    assert_eq!(node.said().await, "captured");
    attacker.fence(&mut node).await;
    for id in 0..2000 {
        attacker.publish(NODES_TOPIC, marks(0x1000 + id, &[])).await;
    }
    attacker.fence(&mut node).await;
    let health = node.router.health().expect("it has started");
    // With the other node and that of the fences.
    assert_eq!(health.nodes.len(), 1024);
    assert_eq!(health.counters.too_many_nodes, 2000 - 1022);
    assert!(health.nodes.contains(&other.id()));
    other.io.to(ROOM).said("still there");
    assert_eq!(node.said().await, "still there");
}

/// Otherwise each would be greeted and forgotten, with work for all topics and peers.
#[tokio::test]
async fn nodes_that_appear_and_end_are_not_greeted_without_end() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, ClusterOptions::default()).await;
    let mut attacker = Attacker::connect(&broker, &node).await;
    assert_eq!(node.said().await, "captured");
    attacker.fence(&mut node).await;
    for id in 0..2000 {
        attacker.publish(NODES_TOPIC, marks(0x1000 + id, &[])).await;
        attacker.publish(NODES_TOPIC, control(7, 0x1000 + id, &[])).await;
    }
    attacker.fence(&mut node).await;
    assert_eq!(node.router.health().expect("it has started").nodes.len(), 1);
    assert_eq!(node.counters().too_many_nodes, 2000 - 1023);
}

#[tokio::test]
async fn hello_with_65535_procedures_changes_nothing() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, ClusterOptions::default()).await;
    let mut attacker = Attacker::connect(&broker, &node).await;
    assert_eq!(node.said().await, "captured");
    let paths = (0..65_535).map(|path| format!("/{path}"));
    attacker
        .publish(NODES_TOPIC, hello(FENCE, paths.collect::<Vec<_>>().into_iter(), ("a", 7)))
        .await;
    attacker.fence(&mut node).await;
    let counters = node.counters();
    assert_eq!((counters.bad_format, counters.received), (0, 1));
}

/// It is of no cluster that this node knows: nothing waits for it.
#[tokio::test]
async fn peer_of_another_version_is_counted_and_not_asked() {
    let broker = Memory::new();
    let node = Node::start(&broker, ClusterOptions::default()).await;
    let other = Node::start(&broker, ClusterOptions::default()).await;
    node.knows(1).await;
    let attacker = Attacker::connect(&broker, &other).await;
    for parcel in [hello(0x77, ["/chat".to_owned()].into_iter(), ("said", 7)), marks(0x77, &[])] {
        let mut parcel = parcel;
        parcel[0] = 2;
        attacker.publish(NODES_TOPIC, parcel).await;
    }
    node.wait_for("the count", |counters| counters.bad_version == 2).await;
    assert_eq!(node.router.health().expect("it has started").nodes, [other.id()]);
    let count = node.io.ask().count(ROOM).await;
    assert_eq!((count.value, count.complete), (2, true));
}
