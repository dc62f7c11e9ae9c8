//! How a link ends.

use std::time::Duration;

use super::*;

/// Waits until the broker has no connection but the one that asks.
async fn wait_until_closed(broker: &Broker) {
    within_timeout("closed connections", async {
        while ask(broker, "CLIENT LIST").lines().filter(|line| line.starts_with("id=")).count() > 1
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn killed_server_is_reported_and_differs_after_restart() {
    let Some(mut broker) = Broker::redis(&[]).await else { return };
    let redis = Redis::connect(broker.url()).await.expect("a usable server");
    let (node, other) = tokio::join!(Node::link(&redis), Node::link(&redis));
    assert_eq!(node.link.incarnation(), other.link.incarnation());

    broker.kill();
    let error = within_timeout("the loss", node.link.lost()).await.to_string();
    assert!(error.contains(&broker.addr().port().to_string()), "{error}");
    // It stays lost, for each call.
    within_timeout("the loss", node.link.lost()).await;
    within_timeout("the loss", other.link.lost()).await;
    let topic = Topic::new("parlor:r:a");
    let published = within_timeout("an error", node.link.publish(&[parcel(&topic, "a")])).await;
    assert!(published.is_err());
    let subscribed = within_timeout("an error", node.link.subscribe(&[topic])).await;
    assert!(subscribed.is_err());

    let (inbox, _deliveries) = Inbox::channel();
    let refused = within_timeout("an error", redis.connect(inbox)).await.err();
    let refused = refused.expect("no server").to_string();
    assert!(
        refused.contains(&format!("127.0.0.1:{} cannot be reached", broker.addr().port())),
        "{refused}"
    );

    broker.restart().await;
    let again = Node::link(&redis).await;
    assert_ne!(again.link.incarnation(), node.link.incarnation());
}

#[tokio::test]
async fn each_of_both_connections_is_watched() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let topic = Topic::new("parlor:r:a");
    for (kind, what) in [("pubsub", "is subscribed"), ("normal", "publishes")] {
        let node = Node::connect(&broker.url()).await;
        node.subscribe(std::slice::from_ref(&topic)).await;
        ask(&broker, &format!("CLIENT KILL TYPE {kind} SKIPME yes"));
        let error = within_timeout("the loss", node.link.lost()).await.to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[tokio::test]
async fn slow_server_cuts_no_batch() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let topic = Topic::new("parlor:r:a");
    let node = Node::connect(&broker.url()).await;
    broker.stop();
    let parcels = [parcel(&topic, "a")];
    let mut published = node.link.publish(&parcels);
    let waits = async {
        tokio::select! {
            outcome = &mut published => panic!("{outcome:?}"),
            error = node.link.lost() => panic!("{error}"),
        }
    };
    // Longer than the usual timeout of the crate. To detect this is not the task of a link.
    let waited = tokio::time::timeout(Duration::from_secs(1), waits).await;
    broker.cont();
    assert!(waited.is_err());
    within_timeout("the reply", published).await.expect("published");
}

#[tokio::test]
async fn dropped_link_closes_both_connections_and_delivers_nothing_more() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let topic = Topic::new("parlor:r:a");
    let Node { link, mut deliveries } = Node::connect(&broker.url()).await;
    within_timeout("the confirmation", link.subscribe(&[topic])).await.expect("subscribed");
    drop(link);
    let mut parcels = Vec::new();
    assert!(!within_timeout("the end", deliveries.receive(&mut parcels, 1)).await);
    wait_until_closed(&broker).await;
}

#[tokio::test]
async fn dropped_link_waits_for_no_reply() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let topics = [Topic::new("parlor:r:a")];
    let Node { link, mut deliveries } = Node::connect(&broker.url()).await;
    broker.stop();
    let sent = tokio::time::timeout(Duration::from_millis(100), link.subscribe(&topics)).await;
    assert!(sent.is_err(), "it waits for the reply");
    drop(link);
    let mut parcels = Vec::new();
    assert!(!within_timeout("the end", deliveries.receive(&mut parcels, 1)).await);
}

#[tokio::test]
async fn check_leaves_no_connection() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let _redis = Redis::connect(broker.url()).await.expect("a usable server");
    wait_until_closed(&broker).await;
}
