use parlor::backplane::{ClusterOptions, Memory};

use super::{Attacker, Node, ROOM, ROOM_TOPIC};

/// The length of a signature.
const SIGNATURE: usize = 16;

fn options(key: u8) -> ClusterOptions {
    ClusterOptions { key: Some([key; 32]), ..ClusterOptions::default() }
}

#[tokio::test]
async fn parcel_without_the_right_signature_is_dropped_and_a_replayed_one_is_a_duplicate() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, options(1)).await;
    let other = Node::start(&broker, options(1)).await;
    node.knows(1).await;
    let mut attacker = Attacker::connect(&broker, &other).await;
    assert_eq!(node.said().await, "captured");
    other.io.to(ROOM).said("signed");
    assert_eq!(node.said().await, "signed");
    let signed = attacker.capture().await;
    assert_eq!(node.counters().bad_signature, 0);

    let forged = attacker.event(0x1, 1).encode();
    let mut changed = signed.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    let moved = [&signed[..SIGNATURE], &forged].concat();
    let bad = [
        forged,
        signed[SIGNATURE..].to_vec(),
        changed,
        moved,
        signed[..SIGNATURE].to_vec(),
        signed[..5].to_vec(),
        Vec::new(),
    ];
    let count = bad.len() as u64;
    for parcel in bad {
        attacker.publish(ROOM_TOPIC, parcel).await;
    }
    for _ in 0..3 {
        attacker.publish(ROOM_TOPIC, signed.clone()).await;
    }
    other.io.to(ROOM).said("the next event");
    // None of the others has arrived.
    assert_eq!(node.said().await, "the next event");
    let counters = node.counters();
    assert_eq!((counters.bad_signature, counters.duplicates), (count, 3));
    assert_eq!((counters.received, counters.lost), (3, 0));
}

#[tokio::test]
async fn node_with_another_key_is_not_in_the_cluster() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, options(1)).await;
    let stranger = Node::start(&broker, options(2)).await;
    let unsigned = Node::start(&broker, ClusterOptions::default()).await;
    let other = Node::start(&broker, options(1)).await;
    node.knows(1).await;
    let before = node.counters().bad_signature;
    stranger.io.to(ROOM).said("signed for another key");
    unsigned.io.to(ROOM).said("not signed");
    node.wait_for("the count", |counters| counters.bad_signature >= before + 2).await;
    other.io.to(ROOM).said("signed");
    assert_eq!(node.said().await, "signed");
    assert_eq!(node.router.health().expect("it has started").nodes, [other.id()]);
}
