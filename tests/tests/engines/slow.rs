//! Subscribers that read less than they get.

use crate::setup::{Setup, TestLink, assert_names, bytes, parcel};

const COUNT: usize = 100;
const SIZE: usize = 40_000;

/// Publishes numbered parcels of [`SIZE`] bytes.
async fn publish_numbers(publisher: &TestLink, topic: &str) {
    for number in 0..COUNT {
        let mut bytes = bytes(SIZE);
        bytes[0] = u8::try_from(number).expect("less than 256");
        publisher.publish(topic, bytes).await;
    }
}

/// Receives what [`publish_numbers`] publishes.
async fn receive_numbers(subscriber: &mut TestLink) {
    for number in 0..COUNT {
        let received = subscriber.receive().await;
        assert_eq!((usize::from(received[0]), received.len()), (number, SIZE));
    }
}

pub(crate) async fn slow_subscriber_delays_no_other(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    let mut slow = TestLink::connect(&*backplane).await.expect("connected");
    let (mut other, publisher) = (setup.link().await, setup.link().await);
    for link in [&slow, &other] {
        link.subscribe(&["news"]).await;
    }
    // Needs 400 s.
    proxy.throttle(10_000);
    tokio::join!(publish_numbers(&publisher, "news"), receive_numbers(&mut other));
    proxy.heal().await;
    receive_numbers(&mut slow).await;
}

pub(crate) async fn subscriber_that_the_broker_closes_as_too_slow_is_lost(setup: Setup) {
    let limit = setup.engine.limit_of_pending_bytes();
    let setup = setup.engine.start(limit).await.expect("it was just started");
    let (backplane, proxy) = setup.through_proxy().await;
    let slow = TestLink::connect(&*backplane).await.expect("connected");
    let (mut other, publisher) = (setup.link().await, setup.link().await);
    for link in [&slow, &other] {
        link.subscribe(&["news"]).await;
    }
    proxy.blackhole();
    // Until the broker closes the connection: also the buffers of the system are full by then.
    let large = [parcel("news", bytes(256 << 10))];
    for _ in 0..160 {
        publisher.try_publish(&large).await.expect("published");
        assert_eq!(other.receive().await.len(), 256 << 10);
    }
    proxy.heal().await;
    assert_names(&slow.lost().await, proxy.addr);
    // The others are not.
    publish_numbers(&publisher, "news").await;
    receive_numbers(&mut other).await;
    let mut again = TestLink::connect(&*backplane).await.expect("connected");
    again.subscribe(&["news"]).await;
    tokio::join!(publish_numbers(&publisher, "news"), receive_numbers(&mut again));
}
