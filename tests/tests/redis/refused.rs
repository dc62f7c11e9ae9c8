//! Servers that cannot be used, and servers that are not there.

use std::time::Duration;

use parlor::backplane::ConnectError;
use parlor_tests::free_addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, pause};

use super::*;

pub(crate) async fn refused(url: &str) -> ConnectError {
    let refused = within_timeout("the check", Redis::connect(url)).await.err();
    let refused = refused.unwrap_or_else(|| panic!("{url} is accepted"));
    assert!(!refused.to_string().contains("secret"), "{refused}");
    refused
}

#[tokio::test]
async fn wrong_password_is_refused_without_showing_it() {
    let Some(broker) = Broker::redis(&["requirepass right-secret"]).await else { return };
    let port = broker.addr().port();
    for (url, reason) in [
        (format!("redis://127.0.0.1:{port}"), "it requires a password"),
        (format!("redis://:wrong-secret@127.0.0.1:{port}"), "WRONGPASS"),
        (format!("redis://other:right-secret@127.0.0.1:{port}"), "WRONGPASS"),
        // A password in the place of the user name is not sent.
        (format!("redis://right-secret@127.0.0.1:{port}"), "it requires a password"),
    ] {
        let error = refused(&url).await;
        let ConnectError::Credentials { broker, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*broker, format!("127.0.0.1:{port}"));
        assert!(error.to_string().contains(reason), "{error}");
    }
    Node::connect(&format!("redis://:right-secret@127.0.0.1:{port}")).await;
}

/// The rule of the docs of `Redis`, and of those of several servers.
#[tokio::test]
async fn documented_permissions_are_enough() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let [rule, other] = [
        include_str!("../../../runtime/src/backplane/redis.rs"),
        include_str!("../../../docs/scaling.md"),
    ]
    .map(|docs| {
        let rule = docs.lines().find_map(|line| Some(line.split_once("ACL SETUSER ")?.1));
        rule.expect("the rule").replace(">password", ">secret")
    });
    assert_eq!(rule, other);
    assert!(ask(&broker, &format!("ACL SETUSER {rule}")).starts_with("+OK"));

    let url = format!("redis://parlor:secret@127.0.0.1:{}/5", broker.addr().port());
    let mut node = Node::connect(&url).await;
    let (own, foreign) = (Topic::new("parlor:r:a"), Topic::new("other:r:a"));
    node.subscribe(std::slice::from_ref(&own)).await;
    node.publish(&[parcel(&own, "a")]).await;
    assert_eq!(node.receive(1).await, [b"a".to_vec()]);
    let unsubscribed = node.link.unsubscribe(std::slice::from_ref(&own));
    within_timeout("the confirmation", unsubscribed).await.expect("unsubscribed");

    let subscribed =
        within_timeout("an error", node.link.subscribe(std::slice::from_ref(&foreign))).await;
    let error = subscribed.expect_err("no permission").to_string();
    assert!(error.contains("refuses SUBSCRIBE") && error.contains("NOPERM"), "{error}");
    let parcels = [parcel(&own, "b"), parcel(&foreign, "c")];
    let published = within_timeout("an error", node.link.publish(&parcels)).await;
    let error = published.expect_err("no permission").to_string();
    assert!(error.contains("refuses PUBLISH") && error.contains("NOPERM"), "{error}");

    let error = {
        ask(&broker, "ACL SETUSER parlor -info");
        refused(&url).await
    };
    let ConnectError::Unusable { reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("NOPERM") && reason.contains("info"), "{reason}");
}

#[tokio::test]
async fn missing_server_is_no_error() {
    let refusing = format!("redis://127.0.0.1:{}", free_addr().port());
    for url in [refusing.as_str(), "redis://nowhere.invalid:6379", "unix:///nowhere/redis.sock"] {
        let redis = within_timeout("the check", Redis::connect(url)).await.expect("no error");
        let (inbox, _deliveries) = Inbox::channel();
        let error = within_timeout("an error", redis.connect(inbox)).await.err();
        let error = error.expect("no server").to_string();
        assert!(error.contains("cannot be reached"), "{error}");
    }
}

/// How long the check of a server takes that accepts connections and answers nothing, such as one that is overloaded.
pub(crate) async fn time_of_silent_check(
    connect: impl Future<Output = Result<Redis, ConnectError>>,
    listener: TcpListener,
) -> Duration {
    let check = async {
        let started = Instant::now();
        connect.await.expect("no error");
        started.elapsed()
    };
    let accept = async {
        let connections = [listener.accept().await, listener.accept().await];
        // Not earlier: a connection must be open after 500 ms.
        pause();
        connections
    };
    let (time, _connections) = tokio::join!(check, accept);
    time
}

#[tokio::test]
async fn silent_server_is_no_error_after_2_s() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let connect = Redis::connect(format!("redis://127.0.0.1:{port}"));
    let time = time_of_silent_check(connect, listener).await.as_millis();
    // Most of it is that of the paused clock.
    assert!((2000..2100).contains(&time), "{time} ms");
}

/// A server that answers the first reads of each connection with these bytes, and then nothing.
pub(crate) async fn fake(answers: &[&str]) -> String {
    let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                for answer in answers {
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                // The client closes first.
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    format!("redis://user:secret@127.0.0.1:{port}")
}

#[tokio::test]
async fn other_servers_are_refused() {
    for (answer, reason) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "it does not answer as Redis does"),
        ("INFO {\"server_id\":\"N\"} \r\n", "it does not answer as Redis does"),
        (
            "-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `user`, `secret`, \r\n",
            "Redis 6 or later",
        ),
        (
            "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' \r\n",
            "Redis 6 or later",
        ),
        ("-ERR unknown command 'AUTH', with args beginning with: 'secr' \r\n", "lacks a command"),
        ("-ERR no such thing as secret\r\n", "no such thing as ***"),
        ("-DENIED Redis is running in protected mode\r\n", "protected mode"),
    ] {
        let error = refused(&fake(&[answer, ""]).await).await;
        let ConnectError::Unusable { reason: found, .. } = &error else { panic!("{error:?}") };
        assert!(found.contains(reason), "{found}");
    }
}

#[tokio::test]
async fn server_that_is_full_or_busy_is_no_error() {
    for answer in ["-ERR max number of clients reached\r\n", "-LOADING it loads\r\n"] {
        let redis = Redis::connect(fake(&[answer, ""]).await);
        within_timeout("the check", redis).await.expect("no error");
    }
}

#[tokio::test]
async fn disabled_command_is_named() {
    let Some(broker) = Broker::redis(&["rename-command INFO \"\""]).await else { return };
    let error = refused(&broker.url()).await;
    let ConnectError::Unusable { reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reason, "it has renamed or disabled `INFO`");
}

#[tokio::test]
async fn replica_is_refused() {
    let Some(broker) = Broker::redis(&["replicaof 127.0.0.1 1"]).await else { return };
    let error = refused(&broker.url()).await.to_string();
    assert!(error.contains("it is a replica"), "{error}");
}

#[tokio::test]
async fn sentinel_is_refused() {
    let info = "$21\r\nredis_mode:sentinel\r\n\r\n$0\r\n\r\n";
    let error = refused(&fake(&["%0\r\n", info]).await).await.to_string();
    assert!(error.contains("it is a Sentinel"), "{error}");
}
