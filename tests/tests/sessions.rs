//! Sessions: order of events, calls, limits, and how they end.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use parlor::server::{Heartbeat, Limits, RateLimit, Timeouts};
use parlor::session::Denied;
use parlor::wire::CloseCode;
use parlor::{DisconnectReason, Router};
use parlor_tests::{
    ProbeFixture, ProbeServer, ProbeSession, RawClient, TestServer, broadcast_until_end,
    probe_fixture, recovery_off, serve_probe, within_timeout,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Turns recovery off, so that sessions end with their connections.
fn without_recovery(server: ProbeServer<ProbeSession>) -> ProbeServer<ProbeSession> {
    server.recovery(recovery_off())
}

#[tokio::test]
async fn call_is_answered_with_value_or_typed_error() {
    let (running, _io, _reports) = serve_probe(|server| server).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 0).await, json!(["$ok", 3, 0]));
    assert_eq!(client.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 1, 1]));
    let refused = client.call("enter", json!({"room": "private"}), 2).await;
    assert_eq!(refused[1]["code"], "refused");
    assert_eq!(refused[1]["details"], "Private");
    // An event without a return type that is sent as a call is answered, too.
    let event = client.call("leave", json!({"room": "a"}), 3).await;
    assert_eq!(event, json!(["$ok", null, 3]));
}

#[tokio::test]
async fn call_in_plain_mode_runs_as_event() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let mut client = RawClient::plain(running.addr, "/probe").await;
    client.emit("enter", json!({"room": "a"})).await;
    client.send(r#"["add",{"a":1,"b":2},7]"#).await;
    client.emit("shout", json!({"room": "a", "text": "hi"})).await;
    let message = client.receive().await;
    assert_eq!(message.as_array().map(Vec::len), Some(2));
    assert_eq!((&message[0], &message[1]["text"]), (&json!("said"), &json!("hi")));
    drop(client);
    assert!(matches!(reports.end().await, DisconnectReason::ConnectionLost { .. }));
}

#[tokio::test]
async fn handlers_run_one_at_a_time_while_pings_are_answered() {
    let (running, _io, reports) = serve_probe(|server| server).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["wait",{},1]"#).await;
    for id in 2..50 {
        client.send(format!(r#"["add",{{"a":{id},"b":0}},{id}]"#)).await;
    }
    // Pings are answered while the first handler waits.
    client.send(r#"["ping",9]"#).await;
    assert_eq!(client.receive().await, json!(["pong", 9]));
    client.send_message(Message::Ping(vec![1, 2, 3].into())).await;
    let pong = within_timeout("a pong", client.0.next()).await.expect("open").expect("open");
    assert_eq!(pong, Message::Pong(vec![1, 2, 3].into()));
    reports.gate.add_permits(1);
    assert_eq!(client.receive().await, json!(["$ok", 0, 1]));
    for id in 2..50 {
        assert_eq!(client.receive().await, json!(["$ok", id, id]));
    }
}

#[tokio::test]
async fn messages_over_read_ahead_limit_are_handled_later() {
    let (running, _io, reports) = serve_probe(|server| server).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["wait",{},0]"#).await;
    for id in 1..1000 {
        client.send(format!(r#"["add",{{"a":{id},"b":0}},{id}]"#)).await;
    }
    reports.gate.add_permits(1);
    for id in 0..1000 {
        assert_eq!(client.receive_except_pongs().await, json!(["$ok", id, id]));
    }
}

#[tokio::test]
async fn many_pings_are_answered_while_being_read() {
    let ProbeFixture { server, .. } = probe_fixture();
    let server = server.limits(Limits { max_outbox_size: 10_000, ..Limits::default() });
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let client = RawClient::parlor(running.addr, "/probe").await;
    let (mut writer, mut reader) = client.0.split();
    let flood = async {
        for number in 0..20_000 {
            let ping = Message::text(format!(r#"["ping",{number}]"#));
            writer.feed(ping).await.expect("sent");
        }
        writer.flush().await.expect("sent");
    };
    let answers = async {
        for number in 0..20_000 {
            let pong = reader.next().await.expect("open").expect("open");
            assert_eq!(pong, Message::text(format!(r#"["pong",{number}]"#)));
        }
    };
    within_timeout("all pongs", async { tokio::join!(flood, answers) }).await;
}

#[tokio::test]
async fn guard_receives_session_event_name_and_size() {
    let (running, _io, _reports) = serve_probe(|server| {
        server.guard(|_session, event| match event.name() {
            "crash" => Err(Denied::new("no crashes here")),
            _ if event.size() > 100 => Err(Denied::new("too long")),
            _ => Ok(()),
        })
    })
    .await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    let denied = client.call("crash", json!({}), 1).await;
    assert_eq!(denied[1], json!({"code": "denied", "message": "no crashes here"}));
    let long = json!({"a": 1, "b": 2, "c": "x".repeat(100)});
    assert_eq!(client.call("add", long, 2).await[1]["message"], "too long");
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 3).await[1], 3);
}

#[tokio::test]
async fn event_over_rate_limit_is_rejected_as_limited() {
    let rate = Some(RateLimit { events_per_second: 0.001, burst: 3 });
    let limits = Limits { rate, ..Limits::default() };
    let (running, _io, _reports) = serve_probe(|server| server.limits(limits)).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for id in 0..3 {
        assert_eq!(client.call("add", json!({"a": 1, "b": 2}), id).await[1], 3);
    }
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 3).await[1]["code"], "limited");
    // Another connection has its own bucket.
    let mut other = RawClient::parlor(running.addr, "/probe").await;
    assert_eq!(other.call("add", json!({"a": 1, "b": 2}), 0).await[1], 3);
}

#[tokio::test]
async fn handler_is_cancelled_after_handler_timeout() {
    let timeouts = Timeouts { handler: Some(Duration::from_millis(20)), ..Timeouts::default() };
    let (running, _io, _reports) = serve_probe(|server| server.timeouts(timeouts)).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    assert_eq!(client.call("wait", json!({}), 1).await[1]["code"], "timedOut");
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 2).await[1], 3);
}

#[tokio::test]
async fn disconnect_reason_matches_cause_and_is_reported_once() {
    let (running, _io, mut reports) = serve_probe(without_recovery).await;

    let mut client = RawClient::parlor(running.addr, "/probe").await;
    let frame = CloseFrame { code: 4321.into(), reason: "bye".into() };
    client.send_message(Message::Close(Some(frame))).await;
    assert_eq!(
        reports.end().await,
        DisconnectReason::ClientClosed { code: CloseCode(4321), reason: "bye".to_owned() }
    );

    drop(RawClient::parlor(running.addr, "/probe").await);
    assert!(matches!(reports.end().await, DisconnectReason::ConnectionLost { .. }));

    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.emit("quit", json!({"code": 4200})).await;
    client.emit("crash", json!({})).await;
    let closed = client.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (4200, "as requested"));
    assert_eq!(
        reports.end().await,
        DisconnectReason::Closed { code: CloseCode(4200), reason: "as requested".to_owned() }
    );
    drop(client);
    running.stop().await;
    assert!(reports.ended.recv().await.is_none(), "no reason comes twice");
}

#[tokio::test]
async fn messages_before_close_frame_are_handled() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let mut other = RawClient::parlor(running.addr, "/probe").await;
    other.call("enter", json!({"room": "a"}), 1).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for text in ["1", "2", "3"] {
        client.emit("say", json!({"room": "a", "text": text})).await;
    }
    client.send_message(Message::Close(None)).await;
    for text in ["1", "2", "3"] {
        assert_eq!(other.receive().await[1]["text"], text);
    }
    let reason = reports.end().await;
    let reason_expected =
        DisconnectReason::ClientClosed { code: CloseCode::NO_CODE, reason: String::new() };
    assert_eq!(reason, reason_expected);
}

#[tokio::test]
async fn client_that_answers_no_ping_is_closed_with_4001() {
    let (running, _io, mut reports) = serve_probe(|server| {
        server.recovery(recovery_off()).heartbeat(Heartbeat {
            interval: Duration::from_millis(50),
            timeout: Duration::from_millis(1500),
        })
    })
    .await;
    // It answers pings because it is read.
    let mut responsive = RawClient::parlor(running.addr, "/probe").await;
    // This one does not read, so it does not answer.
    let mut silent = RawClient::parlor(running.addr, "/probe").await;
    tokio::select! {
        reason = reports.end() => assert_eq!(reason, DisconnectReason::HeartbeatMissed),
        message = responsive.next() => panic!("the client that answers is closed: {message:?}"),
    }
    assert_eq!(silent.closed().await.code, 4001);
    assert_eq!(responsive.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn paused_session_sends_pings_and_skips_heartbeat_timeout() {
    let (running, _io, mut reports) = serve_probe(|server| {
        server
            .heartbeat(Heartbeat {
                interval: Duration::from_millis(20),
                timeout: Duration::from_millis(40),
            })
            .limits(Limits { read_ahead_messages: 1, read_ahead_bytes: 1000, ..Limits::default() })
    })
    .await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["wait",{},1]"#).await;
    for id in 2..10 {
        client.send(format!(r#"["add",{{"a":1,"b":2}},{id}]"#)).await;
    }
    // Pings alternate with pongs, for clients that cannot see pings.
    for _ in 0..10 {
        let message = within_timeout("a ping", client.0.next()).await.expect("open").expect("open");
        assert!(message.is_ping(), "{message}");
        assert_eq!(client.receive().await, json!(["pong", null]));
    }
    assert!(reports.ended.try_recv().is_err(), "it has not ended");
    reports.gate.add_permits(1);
    assert_eq!(client.receive_except_pongs().await, json!(["$ok", 0, 1]));
    for id in 2..10 {
        assert_eq!(client.receive().await, json!(["$ok", 3, id]));
    }
}

#[tokio::test]
async fn client_that_does_not_read_is_closed_as_too_slow() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let server = server
        .recovery(recovery_off())
        .limits(Limits { max_outbox_size: 100_000, ..Limits::default() });
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let mut slow = RawClient::parlor(running.addr, "/probe").await;
    let mut quick = RawClient::parlor(running.addr, "/probe").await;
    quick.call("enter", json!({"room": "a"}), 1).await;
    let reason = broadcast_until_end(&io, &mut quick, &mut ended).await;
    assert_eq!(reason, DisconnectReason::TooSlow);
    // The close code is received when it reads again.
    assert_eq!(slow.closed().await.code, 4000);
    assert_eq!(quick.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn slow_client_misses_volatile_events_and_stays_connected() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let server = server.recovery(recovery_off()).limits(Limits {
        max_outbox_size: 10_000_000,
        volatile_outbox_size: 100_000,
        ..Limits::default()
    });
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let mut slow = RawClient::parlor(running.addr, "/probe").await;
    let mut quick = RawClient::parlor(running.addr, "/probe").await;
    quick.call("enter", json!({"room": "a"}), 1).await;
    let text = "x".repeat(10_000);
    // More than the socket buffers and the outbox hold together.
    for _ in 0..5_000 {
        io.broadcast().moved(&text);
        assert_eq!(quick.receive().await[0], "moved");
    }
    io.broadcast().said("a", "the end", "");
    assert_eq!(quick.receive().await[0], "said");
    let mut moved = 0;
    while slow.receive_except_pongs().await[0] == "moved" {
        moved += 1;
    }
    assert!((1..5_000).contains(&moved), "{moved} of 5 000");
    assert_eq!(slow.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
    assert!(ended.try_recv().is_err(), "no session has ended");
}

#[tokio::test]
async fn disconnected_client_receives_close_frame_though_outbox_overflows() {
    let ProbeFixture { server, mut ended, gate } = probe_fixture();
    let server = server.limits(Limits { max_outbox_size: 10_000, ..Limits::default() });
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.call("enter", json!({"room": "a"}), 1).await;
    client.send(r#"["wait",{},2]"#).await;
    client.assert_nothing_received().await;
    assert_eq!(io.disconnect("a").await, 1);
    // The handler still runs, and the outbox overflows. The close frame is sent nevertheless.
    let text = "x".repeat(1000);
    for _ in 0..1000 {
        io.broadcast().said("a", &text, "");
    }
    gate.add_permits(1);
    assert_eq!(client.closed().await.code, 4500);
    assert_eq!(within_timeout("the end", ended.recv()).await, Some(DisconnectReason::Disconnected));
}

#[tokio::test]
async fn calls_before_close_frame_are_answered_and_nothing_follows_it() {
    let (running, _io, reports) = serve_probe(|server| server).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["wait",{},1]"#).await;
    client.send(r#"["add",{"a":1,"b":2},2]"#).await;
    client.send_message(Message::Close(None)).await;
    reports.gate.add_permits(1);
    // Calls before the close frame are answered first.
    assert_eq!(client.receive().await, json!(["$ok", 0, 1]));
    assert_eq!(client.receive().await, json!(["$ok", 3, 2]));
    client.closed().await;
    let after = within_timeout("the end", client.0.next()).await;
    assert!(matches!(after, None | Some(Err(_))), "{after:?}");
}

#[tokio::test]
async fn event_larger_than_outbox_is_not_sent_and_closes_no_connection() {
    let ProbeFixture { server, .. } = probe_fixture();
    let server = server.limits(Limits { max_outbox_size: 10_000, ..Limits::default() });
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    io.broadcast().said("a", "x".repeat(10_001), "");
    let refused = client.call("fill", json!({"size": 10_001}), 1).await;
    assert_eq!(refused[0], "$err", "{refused}");
    assert_eq!(client.call("fill", json!({"size": 3}), 2).await, json!(["$ok", "xxx", 2]));
}

#[tokio::test]
async fn reading_pauses_at_the_read_ahead_limit() {
    let ProbeFixture { server, gate, .. } = probe_fixture();
    let server = server.limits(Limits {
        read_ahead_messages: 2,
        read_ahead_bytes: 1_000_000,
        max_message_size: 1 << 20,
        ..Limits::default()
    });
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["wait",{},0]"#).await;
    // More than the socket buffers hold, so sending must stop.
    let large = json!(["add", {"a": 1, "b": 2, "c": "x".repeat(1_000_000)}]).to_string();
    let mut sent = 0;
    let stopped = async {
        loop {
            client.send(large.clone()).await;
            sent += 1;
        }
    };
    let waited = tokio::time::timeout(Duration::from_millis(500), stopped).await;
    assert!(waited.is_err());
    assert!(sent < 100, "{sent} MB were read while a handler waited");
    gate.add_permits(1);
}

/// An end signal that arrives while the task runs must not be lost when the task sleeps.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn disconnect_ends_busy_session() {
    const ROUNDS: usize = 300;
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    for round in 0..ROUNDS {
        let mut client = RawClient::parlor(running.addr, "/probe").await;
        client.call("enter", json!({"room": "a"}), 1).await;
        // Some calls, then silence: only the end signal can wake the session.
        for _ in 0..20 {
            client.send(r#"["add",{"a":1,"b":2},1]"#).await;
        }
        for _ in 0..round % 20 {
            client.receive().await;
        }
        io.disconnect("a").await;
        assert_eq!(client.closed().await.code, 4500);
        assert_eq!(
            within_timeout("an end", ended.recv()).await,
            Some(DisconnectReason::Disconnected)
        );
    }
}
