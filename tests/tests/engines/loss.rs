//! Connections to a broker that are reset, refused or closed.

use futures::FutureExt;
use parlor::backplane::{Inbox, Topic};
use parlor_tests::{BrokerProxy, Direction, within_timeout};

use crate::setup::{Setup, TestLink, assert_names, bytes, connect_error, parcel};

pub(crate) async fn connection_that_is_refused_or_closed_at_once_is_named(mut setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    proxy.refuse().await;
    assert_names(&connect_error(&backplane).await, proxy.addr);
    proxy.heal().await;
    setup.kill();
    // The proxy resets what it accepts.
    assert_names(&connect_error(&backplane).await, proxy.addr);
    setup.restart().await;
    TestLink::connect(&*backplane).await.expect("connected");
}

pub(crate) async fn links_behind_a_proxy_have_the_same_incarnation(setup: Setup) {
    let (backplane, _proxy) = setup.through_proxy().await;
    let first = setup.link().await.link.incarnation();
    for _ in 0..3 {
        assert_eq!(setup.link().await.link.incarnation(), first);
        let other = TestLink::connect(&*backplane).await.expect("connected");
        assert_eq!(other.link.incarnation(), first);
    }
}

pub(crate) async fn reset_connections_are_lost_links(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    for _ in 0..3 {
        let link = TestLink::connect(&*backplane).await.expect("connected");
        link.subscribe(&["a"]).await;
        proxy.reset_all().await;
        assert_names(&link.lost().await, proxy.addr);
    }
    let mut link = TestLink::connect(&*backplane).await.expect("connected");
    link.subscribe(&["a"]).await;
    link.publish("a", "works").await;
    assert_eq!(link.receive_text().await, "works");
}

pub(crate) async fn parcel_cut_on_its_way_from_the_broker_is_not_delivered(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    let (mut other, publisher) = (setup.link().await, setup.link().await);
    other.subscribe(&["large"]).await;
    // At the start of a parcel, within, and close to its end.
    for cut in [10, 50_000, 199_990, 200_000] {
        let mut subscriber = TestLink::connect(&*backplane).await.expect("connected");
        subscriber.subscribe(&["large"]).await;
        publisher.publish("large", "whole").await;
        assert_eq!(subscriber.receive_text().await, "whole");
        proxy.reset_mid_frame(Direction::FromBroker, cut);
        publisher.publish("large", bytes(200_000)).await;
        assert_names(&subscriber.lost().await, proxy.addr);
        assert_eq!(other.receive_text().await, "whole");
        assert!(other.receive().await == bytes(200_000), "other bytes");
        let TestLink { link, mut deliveries, .. } = subscriber;
        drop(link);
        let mut parcels = Vec::new();
        let more = within_timeout("the end", deliveries.receive(&mut parcels, 1)).await;
        assert!(!more, "a parcel of {} bytes, cut at {cut}", parcels[0].len());
    }
}

pub(crate) async fn parcel_cut_on_its_way_to_the_broker_is_not_delivered(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    let mut subscriber = setup.link().await;
    subscriber.subscribe(&["large"]).await;
    for cut in [10, 50_000, 199_990] {
        let publisher = TestLink::connect(&*backplane).await.expect("connected");
        publisher.publish("large", "whole").await;
        assert_eq!(subscriber.receive_text().await, "whole");
        proxy.reset_mid_frame(Direction::ToBroker, cut);
        // Whether this fails depends on what the engine waits for.
        let _ = publisher.try_publish(&[parcel("large", bytes(200_000))]).await;
        assert_names(&publisher.lost().await, proxy.addr);
        setup.link().await.publish("large", "next").await;
        assert_eq!(subscriber.receive_text().await, "next");
    }
}

pub(crate) async fn subscription_of_a_connection_that_is_reset_fails(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    let link = TestLink::connect(&*backplane).await.expect("connected");
    proxy.blackhole();
    let subscribing = link.try_subscribe(&["a"]);
    let reset = async {
        tokio::task::yield_now().await;
        proxy.reset_all().await;
    };
    let (subscribed, ()) = tokio::join!(subscribing, reset);
    assert_names(&subscribed.expect_err("not confirmed"), proxy.addr);
    link.lost().await;
}

pub(crate) async fn publication_of_a_connection_that_is_reset_ends(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    let link = TestLink::connect(&*backplane).await.expect("connected");
    proxy.blackhole();
    // More than the buffers of the system take.
    let parcels: Vec<_> = (0..64).map(|_| parcel("a", bytes(1 << 20))).collect();
    let publishing = link.try_publish(&parcels);
    let reset = async {
        tokio::task::yield_now().await;
        proxy.reset_all().await;
    };
    let (published, ()) = tokio::join!(publishing, reset);
    if let Err(error) = published {
        assert_names(&error, proxy.addr);
    }
    assert_names(&link.lost().await, proxy.addr);
    let error = link.try_publish(&[parcel("a", "lost")]).await.expect_err("no connection");
    assert_names(&error, proxy.addr);
}

pub(crate) async fn dropped_link_closes_its_connections(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    // What the engine has used to check its broker.
    proxy.wait_for_open_connections(0).await;
    let link = TestLink::connect(&*backplane).await.expect("connected");
    link.subscribe(&["a"]).await;
    link.publish("a", "parcel").await;
    assert!(proxy.open_connections() > 0, "the proxy is not used");
    drop(link);
    proxy.wait_for_open_connections(0).await;

    // While nothing is passed, with a call that waits.
    let link = TestLink::connect(&*backplane).await.expect("connected");
    proxy.blackhole_all();
    let names = [Topic::new("a")];
    let mut waiting = link.link.subscribe(&names);
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(waiting);
    drop(link);
    assert_closes(&proxy).await;
}

pub(crate) async fn dropped_attempt_to_connect_closes_its_connections(setup: Setup) {
    let (backplane, proxy) = setup.through_proxy().await;
    proxy.wait_for_open_connections(0).await;
    let before = proxy.connections();
    proxy.blackhole_all();
    let (inbox, mut deliveries) = Inbox::channel();
    let mut attempt = backplane.connect(inbox);
    tokio::select! {
        _ = &mut attempt => panic!("connected without an answer"),
        () = proxy.wait_for_connections(before + 1) => {}
    }
    drop(attempt);
    assert_closes(&proxy).await;
    let more = within_timeout("the end", deliveries.receive(&mut Vec::new(), 1)).await;
    assert!(!more, "delivered without a link");
}

/// Waits until no connection is left of a proxy that passes nothing, and that gets no new ones.
async fn assert_closes(proxy: &BrokerProxy) {
    let before = proxy.connections();
    proxy.heal().await;
    proxy.wait_for_open_connections(0).await;
    assert_eq!(proxy.connections(), before, "it connects again");
}

pub(crate) async fn stopped_broker_that_continues_delivers(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    subscriber.subscribe(&["a", "b"]).await;
    setup.broker().stop();
    let parcels = [parcel("a", "first"), parcel("b", "second")];
    let publishing = publisher.try_publish(&parcels);
    let continuing = async {
        tokio::task::yield_now().await;
        setup.broker().cont();
    };
    let (outcome, ()) = tokio::join!(publishing, continuing);
    outcome.expect("not lost");
    let mut received = [subscriber.receive_text().await, subscriber.receive_text().await];
    received.sort();
    assert_eq!(received, ["first", "second"]);
}
