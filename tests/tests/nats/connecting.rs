use std::time::Duration;

use parlor::backplane::{Backplane, ConnectError, Inbox, Nats, NatsOptions, Topic};
use parlor_tests::{Broker, free_addr, within_timeout};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::node::{Node, parcel, pem, tls_file};

/// Connects, and returns the error.
async fn error(url: &str) -> ConnectError {
    let error = within_timeout("an answer", Nats::connect(url)).await.expect_err("a mistake");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("wrong") && !text.contains("right"), "a secret is in {text}");
    }
    error
}

/// Checks that parcels are delivered.
async fn check(nats: &Nats) {
    let mut node = Node::connect(nats).await;
    let topic = Topic::new("parlor:b:1");
    node.subscribe(std::slice::from_ref(&topic)).await;
    node.publish(&[parcel(&topic, "x")]).await;
    assert_eq!(node.receive().await, "x");
}

#[tokio::test]
async fn a_wrong_password_is_an_error() {
    let Some(server) = Broker::nats(&["authorization { user: me, password: \"right@\" }"]).await
    else {
        return;
    };
    let addr = server.addr();
    for url in [format!("nats://me:wrong@{addr}"), server.url(), format!("nats://wrong@{addr}")] {
        let error = error(&url).await;
        assert!(
            matches!(&error, ConnectError::Credentials { broker, .. } if *broker == addr.to_string()),
            "{error}"
        );
    }
    check(
        &Nats::connect(&format!("nats://me:right%40@{addr}")).await.expect("the password is right"),
    )
    .await;
    let user_and_password = Some(("me".to_owned(), "right@".to_owned()));
    let options = NatsOptions { user_and_password, ..NatsOptions::default() };
    assert!(!format!("{options:?}").contains("right"));
    let nats = Nats::with_options(&server.url(), options).await.expect("the password is right");
    assert!(!format!("{nats:?}").contains("right"));
    check(&nats).await;
}

#[tokio::test]
async fn a_wrong_token_is_an_error() {
    let Some(server) = Broker::nats(&["authorization { token: right }"]).await else { return };
    let error = error(&format!("nats://wrong@{}", server.addr())).await;
    assert!(matches!(error, ConnectError::Credentials { .. }), "{error}");
    check(
        &Nats::connect(&format!("nats://right@{}", server.addr()))
            .await
            .expect("the token is right"),
    )
    .await;
    let options = NatsOptions { token: Some("right".to_owned()), ..NatsOptions::default() };
    check(&Nats::with_options(&server.url(), options).await.expect("the token is right")).await;
}

#[tokio::test]
async fn missing_permissions_are_named() {
    let config = r#"authorization { users = [
        { user: none, password: right, permissions: { publish: "parlor.>", subscribe: "parlor.>" } }
        { user: some, password: right, permissions: {
            publish: ["parlor.b.>", "_INBOX.parlor.>"], subscribe: ["parlor.>", "_INBOX.parlor.>"] } }
    ] }"#;
    let Some(server) = Broker::nats(&[config]).await else { return };
    let error = error(&format!("nats://none:right@{}", server.addr())).await;
    assert!(matches!(error, ConnectError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("_INBOX.parlor."), "{error}");

    let nats = Nats::connect(&format!("nats://some:right@{}", server.addr()))
        .await
        .expect("enough to connect");
    check(&nats).await;
    let node = Node::connect(&nats).await;
    node.publish(&[parcel(&Topic::new("parlor:c:1"), "x")]).await;
    let reason = within_timeout("the refusal", node.link.lost()).await.to_string();
    assert!(reason.contains("parlor.c.1"), "{reason}");
}

#[tokio::test]
async fn a_text_that_is_no_url_is_an_error() {
    for url in ["http://me:wrong@127.0.0.1", "nats://me:wrong@127.0.0.1:x", "nats://"] {
        let error = error(url).await;
        assert!(matches!(error, ConnectError::Url { .. }), "{error}");
        assert!(error.to_string().contains("nats://127.0.0.1:4222"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_server_is_no_error() {
    for url in [format!("nats://{}", free_addr()), "nats://missing.invalid".to_owned()] {
        let nats = within_timeout("an answer", Nats::connect(&url)).await.expect("no mistake");
        let error =
            nats.connect(Inbox::channel().0).await.err().expect("there is no server").to_string();
        assert!(error.contains(url.trim_start_matches("nats://")), "{error}");
    }
}

/// Servers that accept connections and say nothing.
#[tokio::test(start_paused = true)]
async fn silent_servers_are_no_error_after_2_s() {
    let (mut listeners, mut addrs) = (Vec::new(), Vec::new());
    for (count, bound) in [(1, 500), (2, 1_000), (8, 2_000)] {
        while listeners.len() < count {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            addrs.push(listener.local_addr().expect("an address").to_string());
            listeners.push(listener);
        }
        let started = Instant::now();
        Nats::connect(addrs.join(",")).await.expect("no mistake");
        assert_eq!(started.elapsed(), Duration::from_millis(bound), "{count} servers");
    }
}

#[tokio::test]
async fn one_of_several_servers_is_enough() {
    let Some(server) = Broker::nats(&[]).await else { return };
    let url = format!("nats://{},{}", free_addr(), server.addr());
    for _ in 0..4 {
        check(&Nats::connect(&url).await.expect("one server")).await;
    }
}

#[tokio::test]
async fn another_protocol_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
        }
    });
    let error = error(&format!("nats://{addr}")).await;
    assert!(
        matches!(&error, ConnectError::Unusable { broker, .. } if *broker == addr.to_string()),
        "{error}"
    );
    assert!(error.to_string().contains("SSH"), "{error}");
}

#[tokio::test]
async fn tls_is_checked() {
    let certificate = pem("cert.pem", "CERTIFICATE", &tls_file("cert.der"));
    let key = pem("key.pem", "PRIVATE KEY", &tls_file("key.der"));
    let [cert, key] = [&certificate, &key].map(|path| path.to_str().expect("UTF-8"));
    let Some(plain) = Broker::nats(&[]).await else { return };
    let tls = format!("tls {{ cert_file: \"{cert}\", key_file: \"{key}\" }}");
    let Some(server) = Broker::nats(&[&tls]).await else {
        return;
    };
    for (scheme, addr) in [("tls", plain.addr()), ("tls", server.addr()), ("nats", server.addr())] {
        let error = error(&format!("{scheme}://{addr}")).await;
        assert!(
            matches!(&error, ConnectError::Tls { broker, .. } if *broker == addr.to_string()),
            "{error}"
        );
    }
    let options = NatsOptions { root_certificates: Some(certificate), ..NatsOptions::default() };
    for scheme in ["tls", "nats"] {
        let nats =
            Nats::with_options(&format!("{scheme}://{}", server.addr()), options.clone()).await;
        check(&nats.expect("the certificate is trusted")).await;
    }
    let options =
        NatsOptions { root_certificates: Some("/missing.pem".into()), ..NatsOptions::default() };
    let error =
        Nats::with_options(&server.url(), options).await.expect_err("there is no such file");
    assert!(error.to_string().contains("/missing.pem"), "{error}");
}
