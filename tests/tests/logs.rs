//! What is logged, and what must not be.

use std::future::Ready;

use parlor::Router;
use parlor::server::RateLimit;
use parlor_tests::{Log, ProbeServer, RawClient, TestServer, Welcomed, probe_fixture, secret};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tracing_subscriber::filter::LevelFilter;

#[tokio::test]
async fn rejected_origin_or_host_is_logged_with_setting_to_add() {
    let (log, _guard) = Log::start();
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    let foreign_origin = [("origin", "https://foreign_origin.example")];
    assert!(RawClient::open(running.addr, "/probe", &foreign_origin).await.is_err());
    let foreign_host = [("host", "foreign_host.example:80")];
    assert!(RawClient::open(running.addr, "/probe", &foreign_host).await.is_err());
    let text = log.text();
    assert!(text.contains(r#"`.allow_origins(["https://foreign_origin.example"])`"#), "{text}");
    assert!(text.contains(r#"`.allow_hosts(["foreign_host.example"])`"#), "{text}");
}

#[tokio::test]
async fn invented_hosts_and_origins_are_logged_once_at_warn_level() {
    let (log, _guard) = Log::start_at(LevelFilter::WARN);
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    for number in 0..20 {
        for (name, value) in [
            ("host", format!("h{number}.example")),
            ("origin", format!("https://o{number}.example")),
        ] {
            let headers = [(name, value.as_str())];
            assert!(RawClient::open(running.addr, "/probe", &headers).await.is_err());
        }
    }
    let text = log.text();
    for cause in ["this Host is not allowed: h0.example", "this Origin is not allowed: https://o0."]
    {
        assert_eq!(text.lines().filter(|line| line.contains(cause)).count(), 1, "{text}");
    }
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[tokio::test]
async fn client_that_breaks_the_protocol_is_not_logged_at_warn_level() {
    let (log, _guard) = Log::start_at(LevelFilter::WARN);
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    let reserved = Frame::message(Vec::new(), OpCode::Data(Data::Reserved(3)), true);
    let not_utf8 = Frame::message(vec![0xff], OpCode::Data(Data::Text), true);
    let fragment = Frame::message(Vec::new(), OpCode::Data(Data::Continue), true);
    for frame in [reserved, not_utf8, fragment] {
        let mut client = RawClient::parlor(running.addr, "/probe").await;
        client.send_message(Message::Frame(frame)).await;
        assert!(matches!(client.closed().await.code, 1002 | 1007));
    }
    running.stop().await;
    assert_eq!(log.text(), "");
}

#[tokio::test]
async fn log_of_rejected_null_or_file_origin_recommends_no_setting() {
    for (origin, text) in [
        ("null", "any page can send `null`, from a sandboxed frame"),
        ("file://", "any local file sends it"),
        ("nonsense", "it has no scheme"),
    ] {
        let (log, _guard) = Log::start();
        let running =
            TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
        let headers = [("origin", origin)];
        assert!(RawClient::open(running.addr, "/probe", &headers).await.is_err());
        assert!(log.text().contains(text), "{origin}: {}", log.text());
        assert!(!log.text().contains("allow_origins"), "{origin}: {}", log.text());
    }
}

#[tokio::test]
async fn panic_is_logged_with_its_session_at_info_level() {
    let (log, _guard) = Log::start_at(LevelFilter::INFO);
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.call("crash", json!({}), 1).await;
    assert_eq!(client.closed().await.code, 1011);
    drop(client);
    running.stop().await;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("a handler panicked")).expect("logged");
    assert!(line.contains("session{procedure=\"Probe\" id="), "{line}");
}

#[tokio::test]
async fn panic_is_logged_without_secrets_or_payloads() {
    let (log, _guard) = Log::start();
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    let headers = [
        (
            "sec-websocket-protocol",
            "parlor.v1.json, parlor.bearer.c2VjcmV0LTE, parlor.resume.secret-2.0",
        ),
        ("authorization", "Basic secret-3"),
        ("cookie", "secret-4"),
    ];
    let contradiction = [headers[0], ("authorization", "Bearer secret-3")];
    assert!(RawClient::open(running.addr, "/probe", &contradiction).await.is_err());
    let mut client =
        RawClient::open(running.addr, "/probe?token=secret-5", &headers).await.expect("open");
    client.receive().await;
    let Welcomed { client: first, welcome: issued } =
        RawClient::welcomed(running.addr, "/probe", &[]).await;
    drop(first);
    let Welcomed { client: again, welcome: issued_again } =
        RawClient::resumed(running.addr, "/probe", secret(&issued), 0).await;
    assert_eq!(issued_again["recovered"], true);
    drop(again);
    client.emit("shout", json!({"room": "secret-6", "text": "secret-7"})).await;
    client.emit("say", json!({"room": "secret-6", "text": "secret-8 is too long"})).await;
    client.receive().await;
    client.send(r#"["secret-9", 1"#).await;
    client.receive().await;
    client.call("crash", json!({}), 1).await;
    assert_eq!(client.closed().await.code, 1011);
    drop(client);
    running.stop().await;
    let text = log.text();
    assert!(text.contains("a handler panicked") && text.contains("ERROR"), "{text}");
    assert!(text.contains("procedure=\"Probe\""), "the span contains the procedure: {text}");
    for secret in ["secret-", "c2VjcmV0LTE", secret(&issued), secret(&issued_again)] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn panics<T>() -> T {
    panic!("on purpose")
}

#[tokio::test]
async fn panic_before_session_is_logged_with_its_name_and_rejects_for_now() {
    let rate = RateLimit { events_per_second: 1.0, burst: 1 };
    let probe = || probe_fixture().server;
    let servers = [
        ("the key of `rate_limit_by`", probe().rate_limit_by(|_| panics::<u8>(), rate)),
        ("a middleware", probe().middleware(|_| panics::<Ready<_>>())),
        ("a middleware", probe().middleware(|_| async { panics() })),
        ("the factory", ProbeServer::new(|_| panics::<Ready<_>>())),
        ("the factory", ProbeServer::new(|_| async { panics() })),
    ];
    for (name, server) in servers {
        let (log, _guard) = Log::start_at(LevelFilter::INFO);
        let running = TestServer::start(Router::new().procedure("/probe", server)).await;
        let mut client = RawClient::connect_before_welcome(running.addr, "/probe").await;
        assert_eq!(client.closed().await.code, 4003, "{name}");
        let plain = RawClient::open(running.addr, "/probe", &[]).await.err();
        assert_eq!(plain.map(|status| status.as_u16()), Some(500), "{name}");
        let expected = format!("{name} panicked: the connection is rejected procedure=\"Probe\"");
        assert_eq!(log.text().matches(&expected).count(), 2, "{name}: {}", log.text());
    }
}

#[tokio::test]
async fn panic_in_identity_is_logged_with_its_name_and_rejects_for_now() {
    let (log, _guard) = Log::start_at(LevelFilter::INFO);
    let server = probe_fixture().server.identity(|_| panics::<u8>());
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let Welcomed { client: _client, welcome } =
        RawClient::welcomed(running.addr, "/probe", &[]).await;
    let protocols = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    let headers = [("sec-websocket-protocol", protocols.as_str())];
    let mut resumed = RawClient::open(running.addr, "/probe", &headers).await.expect("accepted");
    assert_eq!(resumed.closed().await.code, 4003);
    let text = log.text();
    assert!(text.contains("`identity` panicked: the connection is rejected"), "{text}");
}
