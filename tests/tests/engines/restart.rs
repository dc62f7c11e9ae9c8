//! Brokers that end and start again.

use futures::FutureExt;
use parlor_tests::within_timeout;

use crate::setup::{Setup, TestLink, assert_names, connect_error, parcel};

pub(crate) async fn ended_broker_is_named_by_lost_links_and_failed_calls(mut setup: Setup) {
    let links = [setup.link().await, setup.link().await];
    links[0].subscribe(&["a"]).await;
    let mut early = links[0].link.lost();
    assert!(early.as_mut().now_or_never().is_none(), "lost without a reason");
    setup.kill();
    let name = setup.name();
    assert_names(&within_timeout("the loss", early).await, &name);
    for link in &links {
        // Each time, and for as many as wait.
        let (one, other) = tokio::join!(link.lost(), link.lost());
        assert_names(&one, &name);
        assert_names(&other, &name);
        assert_names(&link.lost().await, &name);
        assert_names(&link.try_subscribe(&["b"]).await.expect_err("no broker"), &name);
        let parcels = [parcel("a", "lost")];
        assert_names(&link.try_publish(&parcels).await.expect_err("no broker"), &name);
    }
}

pub(crate) async fn broker_that_is_not_there_is_named(mut setup: Setup) {
    setup.kill();
    for _ in 0..3 {
        assert_names(&connect_error(&setup.backplane).await, setup.name());
    }
    setup.restart().await;
    setup.link().await;
}

pub(crate) async fn restarted_broker_has_another_incarnation_and_works(mut setup: Setup) {
    let mut incarnations = Vec::new();
    let mut old = Vec::new();
    for round in 0..3 {
        let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
        subscriber.subscribe(&["news"]).await;
        publisher.publish("news", format!("round {round}")).await;
        assert_eq!(subscriber.receive_text().await, format!("round {round}"));
        assert_eq!(subscriber.link.incarnation(), publisher.link.incarnation());
        incarnations.push(subscriber.link.incarnation());
        setup.restart().await;
        subscriber.lost().await;
        publisher.lost().await;
        old.extend([subscriber, publisher]);
    }
    incarnations.push(setup.link().await.link.incarnation());
    incarnations.sort_unstable();
    incarnations.dedup();
    assert_eq!(incarnations.len(), 4, "{incarnations:?}");

    // Lost links stay lost.
    for link in &old {
        link.try_subscribe(&["news"]).await.expect_err("a lost link is used again");
    }
    let publisher = setup.link().await;
    publisher.publish("news", "for no lost link").await;
    for TestLink { link, mut deliveries, .. } in old {
        drop(link);
        let mut parcels = Vec::new();
        let more = within_timeout("the end", deliveries.receive(&mut parcels, 1)).await;
        assert!(!more, "{parcels:?}");
    }
}

pub(crate) async fn links_of_one_broker_have_one_incarnation(setup: Setup) {
    let first = setup.link().await;
    for _ in 0..3 {
        assert_eq!(setup.link().await.link.incarnation(), first.link.incarnation());
    }
}
