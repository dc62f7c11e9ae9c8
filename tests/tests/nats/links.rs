use futures::FutureExt;
use parlor::backplane::{Backplane, Inbox, Nats, Topic};
use parlor_tests::{Broker, within_timeout};

use super::node::{Monitor, Node, parcel};

#[tokio::test]
async fn subscriptions_are_confirmed() {
    let Some(server) = Broker::nats(&[]).await else { return };
    let nats = Nats::connect(&server.url()).await.expect("a server");
    let (publisher, mut receiver) = (Node::connect(&nats).await, Node::connect(&nats).await);
    let topics: Vec<_> =
        (0..1_000).map(|room| Topic::new(format!("parlor:r:/chat:{room}"))).collect();
    let parcels: Vec<_> =
        topics.iter().map(|topic| parcel(topic, topic.name().to_owned())).collect();
    for _ in 0..3 {
        receiver.subscribe(&topics).await;
        // A topic that is subscribed to already is delivered once.
        receiver.subscribe(&topics[..10]).await;
        for batch in parcels.chunks(128) {
            publisher.publish(batch).await;
        }
        let mut names = std::collections::HashSet::new();
        for _ in 0..topics.len() {
            assert!(names.insert(receiver.receive().await));
        }
        receiver.link.unsubscribe(&topics).await.expect("unsubscribed");
    }
    receiver.subscribe(&topics[..1]).await;
    publisher.publish(&parcels[1..2]).await;
    publisher.publish(&parcels[..1]).await;
    assert_eq!(receiver.receive().await, topics[0].name(), "only this topic is subscribed to");
}

#[tokio::test]
async fn topics_with_unusual_names_are_delivered() {
    let Some(server) = Broker::nats(&[]).await else { return };
    let nats = Nats::connect(&server.url()).await.expect("a server");
    let mut node = Node::connect(&nats).await;
    let names = [
        "parlor:r:/v1.0:a b",
        "parlor:r:/v1.0:*",
        "parlor:r:>",
        "parlor::",
        "$SYS",
        "é\r\n",
        ".",
        "",
    ];
    let topics = names.map(Topic::new);
    node.subscribe(&topics).await;
    for topic in &topics {
        node.publish(&[parcel(topic, topic.name().to_owned())]).await;
        assert_eq!(node.receive().await, topic.name());
    }
}

#[tokio::test]
async fn a_parcel_that_is_too_large_is_lost_and_the_link_is_not() {
    let Some(server) = Broker::nats(&[]).await else { return };
    let nats = Nats::connect(&server.url()).await.expect("a server");
    let mut node = Node::connect(&nats).await;
    let max = nats.max_parcel_size();
    assert_eq!(max, 1 << 20);
    for topic in [Topic::new("parlor:b:1"), Topic::control("parlor:all:/chat")] {
        node.subscribe(std::slice::from_ref(&topic)).await;
        let parcels = [max, max + 1, 3].map(|size| parcel(&topic, vec![7; size]));
        node.publish(&parcels).await;
        assert_eq!(node.receive().await, parcels[0].bytes);
        assert_eq!(node.receive().await, parcels[2].bytes);
    }
}

#[tokio::test]
async fn the_largest_parcel_is_that_of_the_server() {
    let Some(server) = Broker::nats(&["max_payload: 1000"]).await else { return };
    let nats = Nats::connect(&server.url()).await.expect("a server");
    assert_eq!(nats.max_parcel_size(), 1_000);
}

#[tokio::test]
async fn a_killed_server_ends_the_link() {
    let monitor = Monitor::new();
    let Some(mut server) = Broker::nats(&[&monitor.option()]).await else { return };
    let nats = Nats::connect(&server.url()).await.expect("a server");
    let node = Node::connect(&nats).await;
    let topic = Topic::new("parlor:b:1");
    node.subscribe(std::slice::from_ref(&topic)).await;
    let before = node.link.incarnation();
    server.kill();
    let reason = within_timeout("the loss", node.link.lost()).await.to_string();
    assert!(reason.contains(&server.addr().to_string()), "{reason}");
    let error = within_timeout("an error", nats.connect(Inbox::channel().0)).await;
    let error = error.err().expect("there is no server").to_string();
    assert!(error.contains(&server.addr().to_string()), "{error}");

    server.restart().await;
    let parcels = [parcel(&topic, "x")];
    assert!(within_timeout("an error", node.link.publish(&parcels)).await.is_err());
    assert!(within_timeout("an error", node.link.subscribe(&[topic])).await.is_err());
    let next = Node::connect(&nats).await;
    next.subscribe(&[Topic::new("parlor:b:2")]).await;
    assert_ne!(next.link.incarnation(), before);
    // The lost link does not connect.
    monitor.wait_for_connections(1).await;
    assert_eq!(monitor.number("/varz", "in_msgs").await, 1, "only the round trip of the new link");
}

#[tokio::test]
async fn a_stopped_server_does_not_end_the_link() {
    let Some(server) = Broker::nats(&[]).await else { return };
    let nats = Nats::connect(&server.url()).await.expect("a server");
    let mut node = Node::connect(&nats).await;
    let topic = Topic::new("parlor:b:1");
    node.subscribe(std::slice::from_ref(&topic)).await;
    server.stop();
    node.publish(&[parcel(&topic, "x")]).await;
    server.cont();
    assert_eq!(node.receive().await, "x");
    assert!(node.link.lost().now_or_never().is_none());
}

#[tokio::test]
async fn a_dropped_link_closes_its_connection() {
    let monitor = Monitor::new();
    let Some(server) = Broker::nats(&[&monitor.option()]).await else { return };
    let nats = Nats::connect(&server.url()).await.expect("a server");
    let (publisher, receiver) = (Node::connect(&nats).await, Node::connect(&nats).await);
    let topics: Vec<_> =
        (0..1_000).map(|bucket| Topic::new(format!("parlor:b:{bucket}"))).collect();
    receiver.subscribe(&topics).await;
    publisher.subscribe(&topics[..1]).await;
    monitor.wait_for_connections(2).await;
    assert_eq!(receiver.end().await, 0);
    monitor.wait_for_connections(1).await;
    let error = publisher.link.publish(&[parcel(&topics[0], "x")]).await;
    error.expect("the other link is not affected");
}
