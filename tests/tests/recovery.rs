//! Sessions that outlive their connections, with a raw WebSocket client.

use std::time::Duration;

use parlor::DisconnectReason;
use parlor::server::{Limits, Recovery};
use parlor::wire::CloseCode;
use parlor_tests::{
    Closed, RawClient, TestServer, Welcomed, recovery_off, secret, serve_probe,
    wait_for_connections,
};
use serde_json::{Value, json};

fn said(text: &str, from: &Value) -> Value {
    json!(["said", {"room": "a", "text": text, "from": from}])
}

/// Another client in the room `a`.
async fn other_member(running: &TestServer) -> RawClient {
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.call("enter", json!({"room": "a"}), 0).await;
    client
}

#[tokio::test]
async fn resume_continues_same_session_and_replays_missed_events() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let mut bob = other_member(&running).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    assert_eq!((&welcome["recovered"], &welcome["received"]), (&json!(false), &json!(0)));
    assert_eq!(client.call("enter", json!({"room": "a"}), 0).await, json!(["$ok", 2, 0]));
    client.call("add", json!({"a": 1, "b": 1}), 1).await;
    bob.emit("say", json!({"room": "a", "text": "one"})).await;
    let one = client.receive().await;
    let from = &one[1]["from"];
    assert_eq!(one, said("one", from));
    drop(client);

    for text in ["two", "three"] {
        bob.emit("say", json!({"room": "a", "text": text})).await;
    }
    bob.assert_nothing_received().await;
    let secret = secret(&welcome);
    let resumed = RawClient::resumed(running.addr, "/probe", secret, 3).await;
    let Welcomed { mut client, welcome } = resumed;
    assert_eq!((&welcome["recovered"], &welcome["received"]), (&json!(true), &json!(2)));
    assert_ne!(welcome["resume"].as_str(), Some(secret));
    assert_eq!(client.receive().await, said("two", from));
    assert_eq!(client.receive().await, said("three", from));
    client.assert_nothing_received().await;
    // It is the same session value, whose `resumed` ran once, in the same room.
    reports.gate.add_permits(1);
    assert_eq!(client.call("wait", json!({}), 2).await, json!(["$ok", 2, 2]));
    bob.emit("say", json!({"room": "a", "text": "four"})).await;
    assert_eq!(client.receive().await, said("four", from));
    client.close(1000).await;
    let reason = reports.end().await;
    assert!(matches!(reason, DisconnectReason::ClientClosed { code: CloseCode::NORMAL, .. }));
}

#[tokio::test]
async fn resume_replays_only_frames_that_were_not_received() {
    let (running, _io, _reports) = serve_probe(|server| server).await;
    let mut bob = other_member(&running).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.call("enter", json!({"room": "a"}), 0).await;
    for number in 0..10 {
        bob.emit("say", json!({"room": "a", "text": number.to_string()})).await;
    }
    for _ in 0..10 {
        client.receive().await;
    }
    // The client has received the answer and four of the ten events.
    let Welcomed { mut client, welcome } =
        RawClient::resumed(running.addr, "/probe", secret(&welcome), 5).await;
    assert_eq!(welcome["recovered"], json!(true));
    for number in 4..10 {
        assert_eq!(client.receive().await[1]["text"], json!(number.to_string()));
    }
    client.assert_nothing_received().await;
}

#[tokio::test]
async fn call_in_flight_is_answered_after_resume() {
    let (running, io, reports) = serve_probe(|server| server).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.send(r#"["wait",{},7]"#).await;
    client.assert_nothing_received().await;
    drop(client);
    reports.gate.add_permits(1);
    let Welcomed { mut client, welcome } =
        RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!((&welcome["recovered"], &welcome["received"]), (&json!(true), &json!(1)));
    assert_eq!(client.receive().await, json!(["$ok", 0, 7]));
    // A call that ends while the session is detached is answered, too.
    client.send(r#"["wait",{},8]"#).await;
    client.assert_nothing_received().await;
    drop(client);
    wait_for_connections(&io, 0).await;
    reports.gate.add_permits(1);
    let mut resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 1).await;
    assert_eq!(resumed.client.receive().await, json!(["$ok", 1, 8]));
}

#[tokio::test]
async fn resume_closes_old_connection_and_voids_old_secret() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.call("enter", json!({"room": "a"}), 0).await;
    let secret = secret(&welcome);
    let mut resumed = RawClient::resumed(running.addr, "/probe", secret, 1).await;
    assert_eq!(resumed.welcome["recovered"], json!(true));
    assert_eq!(client.closed().await, Closed { code: 1006, reason: String::new() });
    resumed.client.assert_nothing_received().await;
    assert!(reports.ended.try_recv().is_err(), "the session has not ended");
    // A frame over the new connection shows that its secret has arrived: the old secret is void.
    let late = RawClient::resumed(running.addr, "/probe", secret, 1).await;
    assert_eq!(late.welcome["recovered"], json!(false));
    assert_eq!(late.welcome["reason"], json!("unknown"));
    resumed.client.assert_nothing_received().await;
}

#[tokio::test]
async fn secret_stays_valid_until_next_welcome_is_received() {
    let (running, _io, _reports) = serve_probe(|server| server).await;
    let Welcomed { client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    drop(client);
    // The first secret stays valid over many attempts.
    for _ in 0..8 {
        let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
        assert_eq!(resumed.welcome["recovered"], json!(true));
    }
}

#[tokio::test]
async fn resume_after_recovery_window_starts_fresh_session_with_reason() {
    let window = Duration::from_millis(50);
    let recovery = Recovery { window, ..Recovery::default() };
    let (running, _io, mut reports) = serve_probe(|server| server.recovery(recovery)).await;
    let Welcomed { client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    drop(client);
    assert!(matches!(reports.end().await, DisconnectReason::ConnectionLost { .. }));
    let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["recovered"], json!(false));
    assert_eq!(resumed.welcome["reason"], json!("expired"));
    assert_eq!(resumed.welcome["received"], json!(0));
}

#[tokio::test]
async fn session_ends_with_connection_when_recovery_is_off() {
    let (running, _io, mut reports) = serve_probe(|server| server.recovery(recovery_off())).await;
    let Welcomed { client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    assert_eq!(welcome["resume"], Value::Null);
    drop(client);
    assert!(matches!(reports.end().await, DisconnectReason::ConnectionLost { .. }));
}

#[tokio::test]
async fn resume_after_client_close_starts_fresh_session() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.close(1000).await;
    reports.end().await;
    let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["reason"], json!("ended"));
}

#[tokio::test]
async fn received_events_are_handled_while_session_is_detached() {
    let (running, io, reports) = serve_probe(|server| server).await;
    let mut bob = other_member(&running).await;
    let Welcomed { mut client, .. } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.send(r#"["wait",{},1]"#).await;
    client.emit("say", json!({"room": "a", "text": "hi"})).await;
    client.assert_nothing_received().await;
    drop(client);
    wait_for_connections(&io, 1).await;
    reports.gate.add_permits(1);
    assert_eq!(bob.receive().await[1]["text"], "hi");
}

#[tokio::test]
async fn resume_with_other_identity_starts_fresh_session() {
    let identity = |request: &parlor::Request| request.headers().get("x-user").cloned();
    let (running, _io, mut reports) = serve_probe(|server| server.identity(identity)).await;
    let ada = [("x-user", "ada")];
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &ada).await;
    let secret = secret(&welcome);
    let protocols = format!("parlor.v1.json, parlor.resume.{secret}.0");
    for (user, recovered, reason) in
        [("eve", json!(false), json!("identity")), ("ada", json!(true), Value::Null)]
    {
        let headers = [("sec-websocket-protocol", protocols.as_str()), ("x-user", user)];
        let resumed = RawClient::open(running.addr, "/probe", &headers).await.expect("accepted");
        let resumed = resumed.take_welcome().await;
        assert_eq!(
            (&resumed.welcome["recovered"], &resumed.welcome["reason"]),
            (&recovered, &reason)
        );
        if user == "eve" {
            client.assert_nothing_received().await;
        }
    }
    assert!(reports.ended.try_recv().is_err(), "the first session has not ended");
}

#[tokio::test]
async fn resumed_that_rejects_keeps_session_and_resumed_that_panics_ends_it() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    let secret = secret(&welcome);
    let protocols = format!("parlor.v1.json, parlor.resume.{secret}.0");
    let headers = [("sec-websocket-protocol", protocols.as_str())];
    let mut refused =
        RawClient::open(running.addr, "/probe?refuse", &headers).await.expect("accepted");
    assert_eq!(refused.closed().await.code, 4501);
    client.assert_nothing_received().await;
    let mut crashed =
        RawClient::open(running.addr, "/probe?crash", &headers).await.expect("accepted");
    let welcome = crashed.receive().await;
    assert_eq!(welcome[1]["reason"], "ended");
    assert_eq!(client.closed().await.code, 1011);
    assert_eq!(reports.end().await, DisconnectReason::HandlerPanicked);
}

#[tokio::test]
async fn protocol_violation_ends_session_and_replays_nothing() {
    let limits = Limits { max_message_size: 100, ..Limits::default() };
    let (running, _io, mut reports) = serve_probe(|server| server.limits(limits)).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.emit("say", json!({"room": "a", "text": "x".repeat(200)})).await;
    assert_eq!(client.closed().await.code, 1009);
    let reason = reports.end().await;
    assert!(matches!(reason, DisconnectReason::ProtocolViolation { .. }), "{reason}");
    let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["reason"], json!("ended"));
}

#[tokio::test]
async fn resume_with_impossible_count_starts_fresh_session() {
    let (running, _io, _reports) = serve_probe(|server| server).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.call("add", json!({"a": 1, "b": 2}), 1).await;
    let secret = secret(&welcome);
    let resumed = RawClient::resumed(running.addr, "/probe", secret, 2).await;
    assert_eq!(resumed.welcome["reason"], json!("mismatch"));
    // A count below the acknowledged one is impossible: the acknowledged frame is dropped.
    client.send(r#"["$ack",1]"#).await;
    client.assert_nothing_received().await;
    let resumed = RawClient::resumed(running.addr, "/probe", secret, 0).await;
    assert_eq!(resumed.welcome["reason"], json!("mismatch"));
    client.assert_nothing_received().await;
}

#[tokio::test]
async fn invalid_resume_parameter_starts_fresh_session() {
    let (running, _io, _reports) = serve_probe(|server| server).await;
    for resume in [
        "",
        "x",
        ".",
        "AAAA.0",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA.",
        "AAAAAAAAAAAAAAAAAAAAAA.+1",
        "AAAAAAAAAAAAAAAAAAAAAA.99999999999999999999",
        // Its last four bits are unused, and not 0.
        "AAAAAAAAAAAAAAAAAAAAAB.0",
    ] {
        let protocols = format!("parlor.v1.json, parlor.resume.{resume}");
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let client = RawClient::open(running.addr, "/probe", &headers).await.expect("accepted");
        let welcomed = client.take_welcome().await;
        assert_eq!(welcomed.welcome["recovered"], json!(false), "{resume}");
        assert_eq!(welcomed.welcome["reason"], json!("unknown"), "{resume}");
    }
    let unknown = RawClient::resumed(running.addr, "/probe", "AAAAAAAAAAAAAAAAAAAAAA", 0).await;
    assert_eq!(unknown.welcome["reason"], json!("unknown"));
}
