//! Sessions that outlive their connections, seen by a bare WebSocket.

use std::time::Duration;

use parlor::{CloseCode, DisconnectReason};
use parlor_tests::{Closed, Running, Welcomed, Wire, secret, serve_probe, until_connected};
use serde_json::{Value, json};

fn said(text: &str, from: &Value) -> Value {
    json!(["said", {"room": "a", "text": text, "from": from}])
}

/// Somebody else in the room `a`, who speaks to the one that is away.
async fn bystander(running: &Running) -> Wire {
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.call("enter", json!({"room": "a"}), 0).await;
    wire
}

#[tokio::test]
async fn a_client_that_comes_back_finds_its_session_and_what_it_missed() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let mut bob = bystander(&running).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    assert_eq!((&welcome["recovered"], &welcome["received"]), (&json!(false), &json!(0)));
    assert_eq!(wire.call("enter", json!({"room": "a"}), 0).await, json!(["$ok", 2, 0]));
    wire.call("add", json!({"a": 1, "b": 1}), 1).await;
    bob.emit("say", json!({"room": "a", "text": "one"})).await;
    let one = wire.receive().await;
    let from = &one[1]["from"];
    assert_eq!(one, said("one", from));
    drop(wire);

    for text in ["two", "three"] {
        bob.emit("say", json!({"room": "a", "text": text})).await;
    }
    bob.nothing_came().await;
    let secret = secret(&welcome);
    let resumed = Wire::resumed(running.addr, "/probe", secret, 3).await;
    let Welcomed { mut wire, welcome } = resumed;
    assert_eq!((&welcome["recovered"], &welcome["received"]), (&json!(true), &json!(2)));
    assert_ne!(welcome["resume"].as_str(), Some(secret));
    assert_eq!(wire.receive().await, said("two", from));
    assert_eq!(wire.receive().await, said("three", from));
    wire.nothing_came().await;
    // The same value, whose `resumed` has run once, in the same room.
    probing.gate.add_permits(1);
    assert_eq!(wire.call("wait", json!({}), 2).await, json!(["$ok", 2, 2]));
    bob.emit("say", json!({"room": "a", "text": "four"})).await;
    assert_eq!(wire.receive().await, said("four", from));
    wire.close(1000).await;
    let reason = probing.end().await;
    assert!(matches!(reason, DisconnectReason::ClientClosed { code: CloseCode::NORMAL, .. }));
}

#[tokio::test]
async fn what_was_lost_on_the_way_is_sent_again_and_nothing_twice() {
    let (running, _io, _probing) = serve_probe(|server| server).await;
    let mut bob = bystander(&running).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.call("enter", json!({"room": "a"}), 0).await;
    for number in 0..10 {
        bob.emit("say", json!({"room": "a", "text": number.to_string()})).await;
    }
    for _ in 0..10 {
        wire.receive().await;
    }
    // Of the ten, this client says, four have come.
    let Welcomed { mut wire, welcome } =
        Wire::resumed(running.addr, "/probe", secret(&welcome), 5).await;
    assert_eq!(welcome["recovered"], json!(true));
    for number in 4..10 {
        assert_eq!(wire.receive().await[1]["text"], json!(number.to_string()));
    }
    wire.nothing_came().await;
}

#[tokio::test]
async fn a_call_in_flight_is_answered_after_the_return() {
    let (running, io, probing) = serve_probe(|server| server).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.send(r#"["wait",{},7]"#).await;
    wire.nothing_came().await;
    drop(wire);
    probing.gate.add_permits(1);
    let Welcomed { mut wire, welcome } =
        Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!((&welcome["recovered"], &welcome["received"]), (&json!(true), &json!(1)));
    assert_eq!(wire.receive().await, json!(["$ok", 0, 7]));
    // So is one that was answered while nobody was there.
    wire.send(r#"["wait",{},8]"#).await;
    wire.nothing_came().await;
    drop(wire);
    until_connected(&io, 0).await;
    probing.gate.add_permits(1);
    let mut back = Wire::resumed(running.addr, "/probe", secret(&welcome), 1).await;
    assert_eq!(back.wire.receive().await, json!(["$ok", 1, 8]));
}

#[tokio::test]
async fn a_half_dead_connection_is_cut_when_its_client_is_back() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.call("enter", json!({"room": "a"}), 0).await;
    let secret = secret(&welcome);
    let mut back = Wire::resumed(running.addr, "/probe", secret, 1).await;
    assert_eq!(back.welcome["recovered"], json!(true));
    assert_eq!(wire.closed().await, Closed { code: 1006, reason: String::new() });
    back.wire.nothing_came().await;
    assert!(probing.ended.try_recv().is_err(), "the session goes on");
    // What was sent over the new connection is proof that its secret has arrived: the old one is void.
    let late = Wire::resumed(running.addr, "/probe", secret, 1).await;
    assert_eq!(late.welcome["recovered"], json!(false));
    assert_eq!(late.welcome["reason"], json!("unknown"));
    back.wire.nothing_came().await;
}

#[tokio::test]
async fn a_welcome_that_never_arrived_does_not_shut_its_client_out() {
    let (running, _io, _probing) = serve_probe(|server| server).await;
    let Welcomed { wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    drop(wire);
    // Not once, and not many times in a row.
    for _ in 0..8 {
        let back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
        assert_eq!(back.welcome["recovered"], json!(true));
    }
}

#[tokio::test]
async fn who_stays_away_for_too_long_has_a_fresh_session_and_hears_why() {
    let window = Duration::from_millis(50);
    let (running, _io, mut probing) = serve_probe(|server| server.recovery_window(window)).await;
    let Welcomed { wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    drop(wire);
    assert!(matches!(probing.end().await, DisconnectReason::ConnectionLost { .. }));
    let back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(back.welcome["recovered"], json!(false));
    assert_eq!(back.welcome["reason"], json!("expired"));
    assert_eq!(back.welcome["received"], json!(0));
}

#[tokio::test]
async fn without_recovery_sessions_end_with_their_connections() {
    let (running, _io, mut probing) =
        serve_probe(|server| server.recovery_window(Duration::ZERO)).await;
    let Welcomed { wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    assert_eq!(welcome["resume"], Value::Null);
    drop(wire);
    assert!(matches!(probing.end().await, DisconnectReason::ConnectionLost { .. }));
}

#[tokio::test]
async fn a_client_that_closes_has_no_session_to_come_back_to() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.close(1000).await;
    probing.end().await;
    let back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(back.welcome["reason"], json!("ended"));
}

#[tokio::test]
async fn events_that_were_received_are_handled_while_nobody_is_there() {
    let (running, io, probing) = serve_probe(|server| server).await;
    let mut bob = bystander(&running).await;
    let Welcomed { mut wire, .. } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.send(r#"["wait",{},1]"#).await;
    wire.emit("say", json!({"room": "a", "text": "hi"})).await;
    wire.nothing_came().await;
    drop(wire);
    until_connected(&io, 1).await;
    probing.gate.add_permits(1);
    assert_eq!(bob.receive().await[1]["text"], "hi");
}

#[tokio::test]
async fn who_is_somebody_else_gets_a_session_of_its_own() {
    let identity = |request: &parlor::Request| request.headers().get("x-user").cloned();
    let (running, _io, mut probing) = serve_probe(|server| server.identity(identity)).await;
    let ada = [("x-user", "ada")];
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &ada).await;
    let secret = secret(&welcome);
    let protocols = format!("parlor.v1.json, parlor.resume.{secret}.0");
    for (user, recovered, reason) in
        [("eve", json!(false), json!("identity")), ("ada", json!(true), Value::Null)]
    {
        let headers = [("sec-websocket-protocol", protocols.as_str()), ("x-user", user)];
        let back = Wire::open(running.addr, "/probe", &headers).await.expect("accepted");
        let back = back.take_welcome().await;
        assert_eq!((&back.welcome["recovered"], &back.welcome["reason"]), (&recovered, &reason));
        if user == "eve" {
            wire.nothing_came().await;
        }
    }
    assert!(probing.ended.try_recv().is_err(), "of the first session");
}

#[tokio::test]
async fn a_session_may_refuse_its_client_and_stays_as_it_was() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    let secret = secret(&welcome);
    let protocols = format!("parlor.v1.json, parlor.resume.{secret}.0");
    let headers = [("sec-websocket-protocol", protocols.as_str())];
    let mut refused = Wire::open(running.addr, "/probe?refuse", &headers).await.expect("accepted");
    assert_eq!(refused.closed().await.code, 4501);
    wire.nothing_came().await;
    let mut crashed = Wire::open(running.addr, "/probe?crash", &headers).await.expect("accepted");
    let welcome = crashed.receive().await;
    assert_eq!(welcome[1]["reason"], "ended");
    assert_eq!(wire.closed().await.code, 1011);
    assert_eq!(probing.end().await, DisconnectReason::HandlerPanicked);
}

#[tokio::test]
async fn a_poisoned_message_does_not_come_round_again() {
    let (running, _io, mut probing) = serve_probe(|server| server.max_message_size(100)).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.emit("say", json!({"room": "a", "text": "x".repeat(200)})).await;
    assert_eq!(wire.closed().await.code, 1009);
    let reason = probing.end().await;
    assert!(matches!(reason, DisconnectReason::ProtocolViolation { .. }), "{reason}");
    let back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(back.welcome["reason"], json!("ended"));
}

#[tokio::test]
async fn nobody_has_received_what_was_never_sent() {
    let (running, _io, _probing) = serve_probe(|server| server).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.call("add", json!({"a": 1, "b": 2}), 1).await;
    let secret = secret(&welcome);
    let back = Wire::resumed(running.addr, "/probe", secret, 2).await;
    assert_eq!(back.welcome["reason"], json!("mismatch"));
    // Neither has it forgotten what it had: that was confirmed, and is gone.
    wire.send(r#"["$ack",1]"#).await;
    wire.nothing_came().await;
    let back = Wire::resumed(running.addr, "/probe", secret, 0).await;
    assert_eq!(back.welcome["reason"], json!("mismatch"));
    wire.nothing_came().await;
}

#[tokio::test]
async fn resume_parameters_that_are_none_begin_a_fresh_session() {
    let (running, _io, _probing) = serve_probe(|server| server).await;
    for resume in [
        "",
        "x",
        ".",
        "AAAA.0",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAA.",
        "AAAAAAAAAAAAAAAAAAAAAA.+1",
        "AAAAAAAAAAAAAAAAAAAAAA.99999999999999999999",
    ] {
        let protocols = format!("parlor.v1.json, parlor.resume.{resume}");
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let wire = Wire::open(running.addr, "/probe", &headers).await.expect("accepted");
        let welcomed = wire.take_welcome().await;
        assert_eq!(welcomed.welcome["recovered"], json!(false), "{resume}");
        assert_eq!(welcomed.welcome.get("reason"), None, "{resume}");
    }
    let unknown = Wire::resumed(running.addr, "/probe", "AAAAAAAAAAAAAAAAAAAAAA", 0).await;
    assert_eq!(unknown.welcome["reason"], json!("unknown"));
}
