//! What is published arrives, whole and in order.

use super::*;

#[tokio::test]
async fn parcels_of_all_topics_arrive_in_order() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let mut topics: Vec<Topic> = (0..9).map(|n| Topic::new(format!("parlor:r:{n}"))).collect();
    topics.push(Topic::control("parlor:all"));
    let url = broker.url();
    let (mut a, mut b) = tokio::join!(Node::connect(&url), Node::connect(&url));
    a.subscribe(&topics).await;
    b.subscribe(&topics).await;

    let texts: Vec<String> = (0..1280).map(|n: usize| n.to_string()).collect();
    let parcels: Vec<Parcel> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| parcel(&topics[n % topics.len()], text.as_str()))
        .collect();
    for batch in parcels.chunks(128) {
        a.publish(batch).await;
    }
    let expected: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    assert!(b.receive(1280).await == expected, "another node");
    assert!(a.receive(1280).await == expected, "the node itself");
}

#[tokio::test]
async fn thousand_topics_are_subscribed_at_once() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let topics: Vec<Topic> = (0..1000).map(|n| Topic::new(format!("parlor:r:{n}"))).collect();
    let mut node = Node::connect(&broker.url()).await;
    node.subscribe(&topics).await;
    // All are confirmed: none of these is too early.
    node.publish(&[parcel(&topics[0], "first"), parcel(&topics[999], "last")]).await;
    assert_eq!(node.receive(2).await, [b"first".to_vec(), b"last".to_vec()]);

    let unsubscribed = node.link.unsubscribe(&topics[..999]);
    within_timeout("the confirmation", unsubscribed).await.expect("unsubscribed");
    node.publish(&[parcel(&topics[0], "no more"), parcel(&topics[999], "still")]).await;
    assert_eq!(node.receive(1).await, [b"still".to_vec()]);
}

#[tokio::test]
async fn no_topics_change_nothing() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let topic = Topic::new("parlor:r:a");
    let mut node = Node::connect(&broker.url()).await;
    node.subscribe(std::slice::from_ref(&topic)).await;
    node.subscribe(&[]).await;
    within_timeout("nothing", node.link.unsubscribe(&[])).await.expect("nothing to do");
    node.publish(&[]).await;
    node.publish(&[parcel(&topic, "a")]).await;
    assert_eq!(node.receive(1).await, [b"a".to_vec()]);
}

#[tokio::test]
async fn names_and_bytes_are_any() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let topics = ["", " ", "a b\r\n*1\r\n", "\0", "Küche 🍳", "*", "[a]?"].map(Topic::new);
    let mut node = Node::connect(&broker.url()).await;
    node.subscribe(&topics).await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let large = all_bytes.repeat(1 << 12);
    assert_eq!(large.len(), 1 << 20);
    let parcels: Vec<Parcel> = topics
        .iter()
        .map(|topic| parcel(topic, topic.name()))
        .chain([parcel(&topics[3], all_bytes.clone()), parcel(&topics[4], large.clone())])
        .chain([parcel(&topics[5], "")])
        .collect();
    node.publish(&parcels).await;
    let received = node.receive(parcels.len()).await;
    let expected: Vec<Vec<u8>> = parcels.iter().map(|parcel| parcel.bytes.to_vec()).collect();
    assert!(received == expected);
}

#[cfg(unix)]
#[tokio::test]
async fn unix_socket_works() {
    let path = std::env::temp_dir().join(format!("parlor-redis-{}.sock", std::process::id()));
    let option = format!("unixsocket {}", path.display());
    let Some(_broker) = Broker::redis(&[&option]).await else { return };
    let topic = Topic::new("parlor:r:a");
    let mut node = Node::connect(&format!("unix://{}", path.display())).await;
    node.subscribe(std::slice::from_ref(&topic)).await;
    node.publish(&[parcel(&topic, "a")]).await;
    assert_eq!(node.receive(1).await, [b"a".to_vec()]);
}
