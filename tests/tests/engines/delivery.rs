//! What is published is delivered to each link that is subscribed.

use futures::FutureExt;
use parlor::backplane::Parcel;
use parlor_tests::within_timeout;

use crate::setup::{Setup, bytes, parcel};

pub(crate) async fn links_receive_each_others_parcels_and_their_own(setup: Setup) {
    let mut links = [setup.link().await, setup.link().await];
    for link in &links {
        link.subscribe(&["both"]).await;
    }
    links[0].publish("both", "first").await;
    for link in &mut links {
        assert_eq!(link.receive_text().await, "first");
    }
    links[1].publish("both", "second").await;
    for link in &mut links {
        assert_eq!(link.receive_text().await, "second");
    }
}

pub(crate) async fn parcels_of_1_byte_and_of_the_largest_size_are_delivered(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    subscriber.subscribe(&["sizes"]).await;
    let max = setup.backplane.max_parcel_size();
    for size in [1, 2, 3, max / 2, max - 1, max, 1] {
        let sent = bytes(size);
        publisher.publish("sizes", sent.clone()).await;
        let received = subscriber.receive().await;
        // Not `assert_eq`, which prints all of them.
        assert!(received == sent, "{} bytes instead of {size}", received.len());
    }
    // Eight of the largest size in one call, which an inbox takes.
    let parcels: Vec<_> = (0..8).map(|_| parcel("sizes", bytes(max))).collect();
    publisher.publish_all(&parcels).await;
    for _ in parcels {
        assert!(subscriber.receive().await == bytes(max), "other bytes");
    }
}

pub(crate) async fn parcels_of_one_call_are_delivered_in_their_order(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    subscriber.subscribe(&["batch"]).await;
    for round in 0..20 {
        let texts: Vec<_> = (0..128).map(|number| format!("{round} {number}")).collect();
        let parcels: Vec<_> = texts.iter().map(|text| parcel("batch", text.as_str())).collect();
        publisher.try_publish(&parcels).await.expect("published");
        for text in texts {
            assert_eq!(subscriber.receive_text().await, text);
        }
    }
}

pub(crate) async fn nothing_is_delivered_from_topics_without_subscription(setup: Setup) {
    let (mut subscriber, mut publisher) = (setup.link().await, setup.link().await);
    subscriber.subscribe(&["wanted", "last"]).await;
    publisher.subscribe(&["other"]).await;
    for topic in ["other", "wanted", "none", "last"] {
        publisher.publish(topic, topic).await;
    }
    assert_eq!(subscriber.receive_text().await, "wanted");
    assert_eq!(subscriber.receive_text().await, "last");
    assert_eq!(publisher.receive_text().await, "other");
}

pub(crate) async fn subscriptions_are_made_while_parcels_are_published(setup: Setup) {
    let mut link = setup.link().await;
    link.subscribe(&["numbers"]).await;
    let numbers: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let publishing = async {
        for number in &numbers {
            link.publish("numbers", number.as_str()).await;
        }
    };
    let subscribing = async {
        for number in &numbers {
            link.subscribe(&[number]).await;
            link.unsubscribe(&[number]).await;
        }
    };
    tokio::join!(publishing, subscribing);
    for number in numbers {
        assert_eq!(link.receive_text().await, number);
    }
}

pub(crate) async fn full_inbox_stops_no_link(setup: Setup) {
    const COUNT: usize = 96;
    // More than 16 MiB in all.
    let size = setup.backplane.max_parcel_size().min(256 << 10);
    let [mut full, mut other, publisher] =
        [setup.link().await, setup.link().await, setup.link().await];
    for link in [&full, &other] {
        link.subscribe(&["large"]).await;
    }
    for number in 0..COUNT {
        let mut sent = vec![0; size];
        sent[0] = u8::try_from(number).expect("less than 256");
        publisher.publish("large", sent.clone()).await;
        assert!(other.receive().await == sent, "parcel {number}");
    }
    // `full` also publishes and subscribes while its inbox is full.
    full.subscribe(&["ready"]).await;
    full.publish("large", "from full").await;
    assert_eq!(other.receive_text().await, "from full");

    let mut last = None;
    loop {
        publisher.publish("ready", "ready").await;
        let received = full.receive().await;
        if received == b"ready" {
            break;
        }
        assert!(last < Some(received[0]), "{} after {last:?}", received[0]);
        last = Some(received[0]);
    }
}

pub(crate) async fn dropped_link_delivers_nothing_more(setup: Setup) {
    let (mut dropped, publisher) = (setup.link().await, setup.link().await);
    let mut other = setup.link().await;
    dropped.subscribe(&["news"]).await;
    other.subscribe(&["news"]).await;
    let parcels: Vec<Parcel> = (0..128).map(|_| parcel("news", "before")).collect();
    publisher.publish_all(&parcels).await;
    assert_eq!(dropped.receive_text().await, "before");
    drop(dropped.link);
    // What was delivered before the drop. Nothing runs meanwhile.
    let mut delivered = Vec::new();
    while dropped.deliveries.receive(&mut delivered, 1_000).now_or_never() == Some(true) {}
    let count = delivered.len();
    publisher.publish("news", "after").await;
    for _ in parcels {
        assert_eq!(other.receive_text().await, "before");
    }
    assert_eq!(other.receive_text().await, "after");
    // The inbox is dropped, too.
    let rest = async { while dropped.deliveries.receive(&mut delivered, 1_000).await {} };
    within_timeout("the end of the inbox", rest).await;
    assert_eq!(delivered.len(), count, "{:?}", delivered.last());
}
