//! A primary that becomes a replica while its connections stay open.

use std::time::Duration;

use parlor::Router;
use parlor::backplane::Status;
use parlor_tests::{wait_for_health, without_deadlock_async};
use tokio::time::{Instant, pause, timeout};

use super::refused::fake;
use super::*;

const HELLO: &str = "%0\r\n";
/// The answers to `INFO server` and `INFO replication`.
const PRIMARY: &str = "$10\r\nrun_id:1\r\n\r\n$13\r\nrole:master\r\n\r\n";
const REPLICA: &str = "$12\r\nrole:slave\r\n\r\n";

/// A link, and when it was begun. The clock is paused when it is open.
async fn link_to_fake(answers: &[&str]) -> (Node, Instant) {
    let redis = Redis::connect(fake(answers).await).await.expect("a usable server");
    let begun = Instant::now();
    let node = Node::link(&redis).await;
    pause();
    (node, begun)
}

#[tokio::test]
async fn demoted_server_ends_the_link_until_it_is_primary_again() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let Some(next) = Broker::redis(&[]).await else { return };
    let redis = Redis::connect(broker.url()).await.expect("a usable server");
    let node = Node::link(&redis).await;
    let router = Router::new().backplane(redis);
    router.start();
    wait_for_health(&router, "the link", |health| matches!(health.status, Status::Up)).await;

    let next = next.addr();
    let answer = ask(&broker, &format!("REPLICAOF {} {}", next.ip(), next.port()));
    assert!(answer.starts_with("+OK"), "{answer}");
    let error = within_timeout("the loss", node.link.lost()).await.to_string();
    assert!(error.contains("it is a replica"), "{error}");
    assert!(error.contains(&broker.addr().to_string()), "{error}");
    // It stays lost, for each call.
    assert_eq!(within_timeout("the loss", node.link.lost()).await.to_string(), error);
    wait_for_health(&router, "the loss", |health| {
        matches!(&health.status, Status::Down { reason, .. } if **reason == *error)
            && health.counters.links_lost == 1
    })
    .await;

    ask(&broker, "REPLICAOF NO ONE");
    wait_for_health(&router, "the link", |health| matches!(health.status, Status::Up)).await;
}

// Not `within_timeout`: the paused clock would advance to its end while an answer is on its way.

#[test]
fn demoted_server_is_detected_after_2_s() {
    without_deadlock_async(async || {
        let (node, begun) = link_to_fake(&[HELLO, PRIMARY, REPLICA]).await;
        let opened = Instant::now();
        let error = node.link.lost().await.to_string();
        assert!(error.contains("it is a replica"), "{error}");
        // Most of it is that of the paused clock.
        assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(opened.elapsed() < Duration::from_millis(2100), "{:?}", opened.elapsed());
    });
}

#[test]
fn answer_that_says_nothing_of_the_role_ends_no_link() {
    without_deadlock_async(async || {
        let denied = "-NOPERM this user has no permissions to run the 'info' command\r\n";
        let (node, _) = link_to_fake(&[HELLO, PRIMARY, denied, denied, REPLICA]).await;
        let error = node.link.lost().await.to_string();
        assert!(error.contains("it is a replica"), "{error}");
    });
}

#[tokio::test]
async fn late_answer_ends_no_link() {
    let (node, _) = link_to_fake(&[HELLO, PRIMARY]).await;
    assert!(timeout(Duration::from_secs(60), node.link.lost()).await.is_err());
}
