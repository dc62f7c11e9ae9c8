//! What the logs say, and what they must not.

use parlor::Router;
use parlor_tests::{Log, Running, Welcomed, Wire, probing, secret};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

#[tokio::test]
async fn a_refused_origin_or_host_is_logged_with_the_line_to_add() {
    let (log, _guard) = Log::start();
    let running = Running::start(Router::new().procedure("/probe", probing().server)).await;
    let evil = [("origin", "https://evil.example")];
    assert!(Wire::open(running.addr, "/probe", &evil).await.is_err());
    let rebound = [("host", "rebound.example:80")];
    assert!(Wire::open(running.addr, "/probe", &rebound).await.is_err());
    let text = log.text();
    assert!(text.contains(r#"`.allow_origins(["https://evil.example"])`"#), "{text}");
    assert!(text.contains(r#"`.allow_hosts(["rebound.example"])`"#), "{text}");
}

#[tokio::test]
async fn errors_tell_whose_session_it_was_without_its_span() {
    let (log, _guard) = Log::start_at(LevelFilter::INFO);
    let running = Running::start(Router::new().procedure("/probe", probing().server)).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.call("crash", json!({}), 1).await;
    assert_eq!(wire.closed().await.code, 1011);
    drop(wire);
    running.stop().await;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("a handler panicked")).expect("logged");
    assert!(line.contains("session{procedure=\"Probe\" id="), "{line}");
}

#[tokio::test]
async fn panics_are_logged_and_secrets_are_not() {
    let (log, _guard) = Log::start();
    let running = Running::start(Router::new().procedure("/probe", probing().server)).await;
    let headers = [
        (
            "sec-websocket-protocol",
            "parlor.v1.json, parlor.bearer.c2VjcmV0LTE, parlor.resume.secret-2.0",
        ),
        ("authorization", "Bearer secret-3"),
        ("cookie", "secret-4"),
    ];
    let mut wire = Wire::open(running.addr, "/probe?token=secret-5", &headers).await.expect("open");
    wire.receive().await;
    let Welcomed { wire: first, welcome: issued } =
        Wire::welcomed(running.addr, "/probe", &[]).await;
    drop(first);
    let Welcomed { wire: again, welcome: issued_again } =
        Wire::resumed(running.addr, "/probe", secret(&issued), 0).await;
    assert_eq!(issued_again["recovered"], true);
    drop(again);
    wire.emit("shout", json!({"room": "secret-6", "text": "secret-7"})).await;
    wire.emit("say", json!({"room": "secret-6", "text": "secret-8 is too long"})).await;
    wire.receive().await;
    wire.send(r#"["secret-9", 1"#).await;
    wire.receive().await;
    wire.call("crash", json!({}), 1).await;
    assert_eq!(wire.closed().await.code, 1011);
    drop(wire);
    running.stop().await;
    let text = log.text();
    assert!(text.contains("a handler panicked") && text.contains("ERROR"), "{text}");
    assert!(text.contains("procedure=\"Probe\""), "the span tells the procedure: {text}");
    for secret in ["secret-", "c2VjcmV0LTE", secret(&issued), secret(&issued_again)] {
        assert!(!text.contains(secret), "{text}");
    }
}
