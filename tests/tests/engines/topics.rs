//! Subscriptions and the names of topics.

use crate::setup::{Setup, TestLink, parcel};

pub(crate) async fn parcel_published_after_a_subscription_is_delivered(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    for round in 0..200 {
        let topic = format!("new {round}");
        subscriber.subscribe(&[&topic]).await;
        publisher.publish(&topic, topic.as_str()).await;
        assert_eq!(subscriber.receive_text().await, topic);
    }
}

pub(crate) async fn each_of_1000_topics_of_one_call_is_subscribed(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    for round in 0..5 {
        let names: Vec<_> = (0..1_000).map(|topic| format!("many {round} {topic}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        subscriber.subscribe(&names).await;
        assert_each_is_received(&mut subscriber, &publisher, &names).await;
        subscriber.unsubscribe(&names).await;
        subscriber.subscribe(&["end"]).await;
        wait_for_silence(&mut subscriber, &publisher, &names, "end").await;
    }
}

/// Publishes to `silent` topics, then to `other`, until only the parcels of `other` are received.
async fn wait_for_silence(
    subscriber: &mut TestLink,
    publisher: &TestLink,
    silent: &[&str],
    other: &str,
) {
    let mut silent_rounds = 0;
    for round in 0.. {
        let end = format!("{round}");
        let parcels: Vec<_> = silent.iter().map(|topic| parcel(topic, "late")).collect();
        publisher.publish_all(&parcels).await;
        publisher.publish(other, end.as_str()).await;
        let mut late = 0;
        loop {
            let text = subscriber.receive_text().await;
            if text == end {
                break;
            }
            assert_eq!(text, "late");
            late += 1;
        }
        assert!(silent_rounds == 0 || late == 0, "{late} parcels after silence");
        assert!(round < 1_000, "{late} topics still deliver");
        silent_rounds += u32::from(late == 0);
        if silent_rounds == 3 {
            return;
        }
    }
}

pub(crate) async fn unsubscribed_topics_deliver_no_more_and_others_still_do(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    let mut other = setup.link().await;
    subscriber.subscribe(&["a", "b", "c"]).await;
    other.subscribe(&["a"]).await;
    subscriber.unsubscribe(&["a", "c"]).await;
    wait_for_silence(&mut subscriber, &publisher, &["a", "c"], "b").await;
    assert_eq!(other.receive_text().await, "late");
}

pub(crate) async fn topic_that_is_subscribed_again_delivers_again(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    for round in 0..100 {
        let text = round.to_string();
        subscriber.subscribe(&["again"]).await;
        publisher.publish("again", text.as_str()).await;
        assert_eq!(subscriber.receive_text().await, text);
        subscriber.unsubscribe(&["again"]).await;
    }
}

/// Names that brokers or their protocols read in another way than others.
fn unusual_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "a b",
        "a  b",
        " a",
        "a ",
        "a\tb",
        "a.b",
        "a..b",
        ".a",
        "a.",
        ".",
        "a.*",
        "*",
        "a.>",
        ">",
        "a*",
        "a?",
        "a[bc]",
        "a\\*",
        "$SYS.REQ.SERVER.PING",
        "_INBOX.a",
        "__redis__:invalidate",
        "__keyspace@0__:a",
        "a\n",
        "\na",
        "a\r\nb",
        "\r\nPUB a 0\r\n\r\n",
        "\r\n",
        "a\0b",
        "\0",
        "ä",
        "a\u{308}",
        "A",
        "a",
        "🎉",
        "👩‍👩‍👧",
        "\u{202e}a",
        "%61",
        "a%",
        "+",
        "-",
        "#",
        "/",
        "\"",
        "'",
        "{a}b",
        "{a}c",
        "parlor:r:/chat:general",
        "parlor:r:/chat:general:general",
    ]
    .map(str::to_owned)
    .into();
    // They differ in their last byte only.
    names.extend(["x", "y"].map(|end| "long ".repeat(199) + "name" + end));
    assert!(names.iter().all(|name| name.len() <= 1_000));
    names
}

pub(crate) async fn names_of_topics_have_any_characters(setup: Setup) {
    let (mut subscriber, publisher) = (setup.link().await, setup.link().await);
    let names = unusual_names();
    // Each on its own: it delivers its own parcel, and those of no other name.
    subscriber.subscribe(&["end of round"]).await;
    for name in &names {
        subscriber.subscribe(&[name]).await;
        let parcels: Vec<_> = names.iter().map(|name| parcel(name, name.as_str())).collect();
        publisher.publish_all(&parcels).await;
        // Not after the parcels of this call if the layout has no order over topics.
        assert_eq!(subscriber.receive_text().await, *name);
        subscriber.unsubscribe(&[name]).await;
        wait_for_silence(&mut subscriber, &publisher, &[name], "end of round").await;
    }
    // All at once.
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    subscriber.subscribe(&all).await;
    assert_each_is_received(&mut subscriber, &publisher, &all).await;
}

/// Asserts that a parcel to each of the topics is received.
async fn assert_each_is_received(subscriber: &mut TestLink, publisher: &TestLink, topics: &[&str]) {
    // The last ones first: a broker may confirm the first ones earlier.
    let parcels: Vec<_> = topics.iter().rev().map(|topic| parcel(topic, *topic)).collect();
    publisher.publish_all(&parcels).await;
    let mut received = Vec::new();
    for _ in topics {
        received.push(subscriber.receive_text().await);
    }
    received.sort();
    let mut expected = topics.to_vec();
    expected.sort_unstable();
    assert_eq!(received, expected);
}

pub(crate) async fn calls_without_topics_or_parcels_do_nothing(setup: Setup) {
    let mut link = setup.link().await;
    link.subscribe(&["kept"]).await;
    link.subscribe(&[]).await;
    link.unsubscribe(&[]).await;
    link.try_publish(&[]).await.expect("nothing fails");
    link.publish("kept", "still subscribed").await;
    assert_eq!(link.receive_text().await, "still subscribed");
}
