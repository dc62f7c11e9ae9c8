//! The life of a session: order, calls, limits, and how it ends.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parlor::{CloseCode, Denied, DisconnectReason, Router};
use parlor_tests::{ProbeServer, Prober, Probing, Running, Wire, probing, serve_probe, soon};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Sessions end with their connections.
fn unkept(server: ProbeServer<Prober>) -> ProbeServer<Prober> {
    server.recovery_window(Duration::ZERO)
}

#[tokio::test]
async fn calls_are_answered_and_refused_with_types() {
    let (running, _io, _probing) = serve_probe(|server| server).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 0).await, json!(["$ok", 3, 0]));
    assert_eq!(wire.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 1, 1]));
    let refused = wire.call("enter", json!({"room": "private"}), 2).await;
    assert_eq!(refused[1]["code"], "refused");
    assert_eq!(refused[1]["details"], "Private");
    // An event that is sent as a call is answered, too.
    let event = wire.call("leave", json!({"room": "a"}), 3).await;
    assert_eq!(event, json!(["$ok", null, 3]));
}

#[tokio::test]
async fn in_plain_mode_a_call_runs_as_an_event() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let mut wire = Wire::plain(running.addr, "/probe").await;
    wire.emit("enter", json!({"room": "a"})).await;
    wire.send(r#"["add",{"a":1,"b":2},7]"#).await;
    wire.emit("shout", json!({"room": "a", "text": "hi"})).await;
    let message = wire.receive().await;
    assert_eq!(message.as_array().map(Vec::len), Some(2));
    assert_eq!((&message[0], &message[1]["text"]), (&json!("said"), &json!("hi")));
    drop(wire);
    assert!(matches!(probing.end().await, DisconnectReason::ConnectionLost { .. }));
}

#[tokio::test]
async fn handlers_run_one_at_a_time_in_order_while_the_socket_lives_on() {
    let (running, _io, probing) = serve_probe(|server| server).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["wait",{},1]"#).await;
    for id in 2..50 {
        wire.send(format!(r#"["add",{{"a":{id},"b":0}},{id}]"#)).await;
    }
    // Pings are answered while the first handler waits.
    wire.send(r#"["ping",9]"#).await;
    assert_eq!(wire.receive().await, json!(["pong", 9]));
    wire.send_message(Message::Ping(vec![1, 2, 3].into())).await;
    let pong = soon("a pong", wire.0.next()).await.expect("open").expect("open");
    assert_eq!(pong, Message::Pong(vec![1, 2, 3].into()));
    probing.gate.add_permits(1);
    assert_eq!(wire.receive().await, json!(["$ok", 0, 1]));
    for id in 2..50 {
        assert_eq!(wire.receive().await, json!(["$ok", id, id]));
    }
}

#[tokio::test]
async fn more_than_is_read_ahead_waits_and_nothing_is_lost() {
    let (running, _io, probing) = serve_probe(|server| server).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["wait",{},0]"#).await;
    for id in 1..1000 {
        wire.send(format!(r#"["add",{{"a":{id},"b":0}},{id}]"#)).await;
    }
    probing.gate.add_permits(1);
    for id in 0..1000 {
        assert_eq!(wire.receive_more_than_pongs().await, json!(["$ok", id, id]));
    }
}

#[tokio::test]
async fn a_flood_of_control_frames_is_answered_as_it_comes() {
    let Probing { server, .. } = probing();
    let server = server.max_outbox_size(10_000);
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let wire = Wire::parlor(running.addr, "/probe").await;
    let (mut writer, mut reader) = wire.0.split();
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
    soon("all pongs", async { tokio::join!(flood, answers) }).await;
}

#[tokio::test]
async fn guards_see_the_session_name_and_size() {
    let (running, _io, _probing) = serve_probe(|server| {
        server.guard(|_session, event| match event.name() {
            "crash" => Err(Denied::new("no crashes here")),
            _ if event.size() > 100 => Err(Denied::new("too long for me")),
            _ => Ok(()),
        })
    })
    .await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    let denied = wire.call("crash", json!({}), 1).await;
    assert_eq!(denied[1], json!({"code": "denied", "message": "no crashes here"}));
    let long = json!({"a": 1, "b": 2, "c": "x".repeat(100)});
    assert_eq!(wire.call("add", long, 2).await[1]["message"], "too long for me");
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 3).await[1], 3);
}

#[tokio::test]
async fn more_events_than_the_rate_are_limited() {
    let (running, _io, _probing) = serve_probe(|server| server.rate_limit(0.001, 3)).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    for id in 0..3 {
        assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), id).await[1], 3);
    }
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 3).await[1]["code"], "limited");
    // Another connection has its own bucket.
    let mut other = Wire::parlor(running.addr, "/probe").await;
    assert_eq!(other.call("add", json!({"a": 1, "b": 2}), 0).await[1], 3);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_cancelled() {
    let timeout = Duration::from_millis(20);
    let (running, _io, _probing) = serve_probe(|server| server.handler_timeout(timeout)).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    assert_eq!(wire.call("wait", json!({}), 1).await[1]["code"], "timedOut");
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 2).await[1], 3);
}

#[tokio::test]
async fn reasons_say_who_and_why_and_come_once() {
    let (running, _io, mut probing) = serve_probe(unkept).await;

    let mut wire = Wire::parlor(running.addr, "/probe").await;
    let frame = CloseFrame { code: 4321.into(), reason: "bye".into() };
    wire.send_message(Message::Close(Some(frame))).await;
    assert_eq!(
        probing.end().await,
        DisconnectReason::ClientClosed { code: CloseCode(4321), reason: "bye".to_owned() }
    );

    drop(Wire::parlor(running.addr, "/probe").await);
    assert!(matches!(probing.end().await, DisconnectReason::ConnectionLost { .. }));

    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.emit("quit", json!({"code": 4200})).await;
    wire.emit("crash", json!({})).await;
    let closed = wire.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (4200, "as you wish"));
    assert_eq!(
        probing.end().await,
        DisconnectReason::Closed { code: CloseCode(4200), reason: "as you wish".to_owned() }
    );
    drop(wire);
    running.stop().await;
    assert!(probing.ended.recv().await.is_none(), "no reason comes twice");
}

#[tokio::test]
async fn messages_before_a_close_are_handled() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let mut other = Wire::parlor(running.addr, "/probe").await;
    other.call("enter", json!({"room": "a"}), 1).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    for text in ["1", "2", "3"] {
        wire.emit("say", json!({"room": "a", "text": text})).await;
    }
    wire.send_message(Message::Close(None)).await;
    for text in ["1", "2", "3"] {
        assert_eq!(other.receive().await[1]["text"], text);
    }
    let reason = probing.end().await;
    let reason_expected =
        DisconnectReason::ClientClosed { code: CloseCode::NO_CODE, reason: String::new() };
    assert_eq!(reason, reason_expected);
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_dead() {
    let (running, _io, mut probing) = serve_probe(|server| {
        server
            .recovery_window(Duration::ZERO)
            .heartbeat_interval(Duration::from_millis(50))
            .heartbeat_timeout(Duration::from_millis(1500))
    })
    .await;
    // It answers pings as long as it reads.
    let mut alive = Wire::parlor(running.addr, "/probe").await;
    // This one does not read, and so does not answer.
    let mut silent = Wire::parlor(running.addr, "/probe").await;
    tokio::select! {
        reason = probing.end() => assert_eq!(reason, DisconnectReason::HeartbeatMissed),
        message = alive.next() => panic!("the client that answers is closed: {message:?}"),
    }
    assert_eq!(silent.closed().await.code, 4001);
    assert_eq!(alive.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn a_client_that_is_not_read_is_not_dead_and_hears_of_the_server() {
    let (running, _io, mut probing) = serve_probe(|server| {
        server
            .heartbeat_interval(Duration::from_millis(20))
            .heartbeat_timeout(Duration::from_millis(40))
            .max_read_ahead(1, 1000)
    })
    .await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["wait",{},1]"#).await;
    for id in 2..10 {
        wire.send(format!(r#"["add",{{"a":1,"b":2}},{id}]"#)).await;
    }
    // In turn, for those who see no pings.
    for _ in 0..10 {
        let message = soon("a ping", wire.0.next()).await.expect("open").expect("open");
        assert!(message.is_ping(), "{message}");
        assert_eq!(wire.receive().await, json!(["pong", null]));
    }
    assert!(probing.ended.try_recv().is_err(), "it has not ended");
    probing.gate.add_permits(1);
    assert_eq!(wire.receive_more_than_pongs().await, json!(["$ok", 0, 1]));
    for id in 2..10 {
        assert_eq!(wire.receive().await, json!(["$ok", 3, id]));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_as_too_slow() {
    let Probing { server, mut ended, .. } = probing();
    let server = server.recovery_window(Duration::ZERO).max_outbox_size(100_000);
    let io = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut slow = Wire::parlor(running.addr, "/probe").await;
    let mut quick = Wire::parlor(running.addr, "/probe").await;
    quick.call("enter", json!({"room": "a"}), 1).await;
    let text = "x".repeat(10_000);
    let mut received = 0;
    // The kernel's buffers take some megabytes before the outbox fills.
    let reason = loop {
        io.broadcast().said("a", &text, "");
        assert_eq!(quick.receive().await[0], "said");
        received += 1;
        assert!(received < 10_000, "never cut");
        if let Ok(reason) = ended.try_recv() {
            break reason;
        }
    };
    assert_eq!(reason, DisconnectReason::TooSlow);
    // When it reads again, it hears why.
    assert_eq!(slow.closed().await.code, 4000);
    assert_eq!(quick.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn a_client_that_is_behind_goes_without_what_is_volatile_and_stays() {
    let Probing { server, mut ended, .. } = probing();
    let server = server
        .recovery_window(Duration::ZERO)
        .max_outbox_size(10_000_000)
        .volatile_outbox_size(100_000);
    let io = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut slow = Wire::parlor(running.addr, "/probe").await;
    let mut quick = Wire::parlor(running.addr, "/probe").await;
    quick.call("enter", json!({"room": "a"}), 1).await;
    let text = "x".repeat(10_000);
    // More than the kernel's buffers and the outbox hold together.
    for _ in 0..5_000 {
        io.broadcast().moved(&text);
        assert_eq!(quick.receive().await[0], "moved");
    }
    io.broadcast().said("a", "the end", "");
    assert_eq!(quick.receive().await[0], "said");
    let mut moved = 0;
    while slow.receive_more_than_pongs().await[0] == "moved" {
        moved += 1;
    }
    assert!((1..5_000).contains(&moved), "{moved} of 5 000");
    assert_eq!(slow.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
    assert!(ended.try_recv().is_err(), "nobody is closed");
}

#[tokio::test]
async fn whoever_is_disconnected_hears_it_behind_all_that_waits_and_nothing_after() {
    let Probing { server, mut ended, gate } = probing();
    let server = server.max_outbox_size(10_000);
    let io = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.call("enter", json!({"room": "a"}), 1).await;
    wire.send(r#"["wait",{},2]"#).await;
    wire.nothing_came().await;
    assert_eq!(io.disconnect("a").await, 1);
    // The handler still runs, and the outbox runs over: none of it may cost the close frame.
    let text = "x".repeat(1000);
    for _ in 0..1000 {
        io.broadcast().said("a", &text, "");
    }
    gate.add_permits(1);
    assert_eq!(wire.closed().await.code, 4500);
    assert_eq!(soon("the end", ended.recv()).await, Some(DisconnectReason::Disconnected));
}

#[tokio::test]
async fn nothing_follows_a_close_frame() {
    let (running, _io, probing) = serve_probe(|server| server).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["wait",{},1]"#).await;
    wire.send(r#"["add",{"a":1,"b":2},2]"#).await;
    wire.send_message(Message::Close(None)).await;
    probing.gate.add_permits(1);
    // The calls before it are answered before it.
    assert_eq!(wire.receive().await, json!(["$ok", 0, 1]));
    assert_eq!(wire.receive().await, json!(["$ok", 3, 2]));
    wire.closed().await;
    let after = soon("the end", wire.0.next()).await;
    assert!(matches!(after, None | Some(Err(_))), "{after:?}");
}

#[tokio::test]
async fn an_event_larger_than_an_outbox_is_not_sent_and_cuts_nobody() {
    let Probing { server, .. } = probing();
    let server = server.max_outbox_size(10_000);
    let io = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    io.broadcast().said("a", "x".repeat(10_001), "");
    let refused = wire.call("fill", json!({"size": 10_001}), 1).await;
    assert_eq!(refused[0], "$err", "{refused}");
    assert_eq!(wire.call("fill", json!({"size": 3}), 2).await, json!(["$ok", "xxx", 2]));
}

#[tokio::test]
async fn reading_stops_at_the_bound() {
    let Probing { server, gate, .. } = probing();
    let server = server.max_read_ahead(2, 1_000_000).max_message_size(1 << 20);
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["wait",{},0]"#).await;
    // More than the buffers of both kernels hold: sending must come to a stop.
    let large = json!(["add", {"a": 1, "b": 2, "c": "x".repeat(1_000_000)}]).to_string();
    let mut sent = 0;
    let stopped = async {
        loop {
            wire.send(large.clone()).await;
            sent += 1;
        }
    };
    let waited = tokio::time::timeout(Duration::from_millis(500), stopped).await;
    assert!(waited.is_err());
    assert!(sent < 100, "{sent} MB were taken while a handler waited");
    gate.add_permits(1);
}

/// A session that is asked to end while it is awake must not fall asleep over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_session_misses_an_end_however_busy_it_is() {
    const ROUNDS: usize = 300;
    let Probing { server, mut ended, .. } = probing();
    let io = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    for round in 0..ROUNDS {
        let mut wire = Wire::parlor(running.addr, "/probe").await;
        wire.call("enter", json!({"room": "a"}), 1).await;
        // A burst of calls, then silence: nothing but the end itself can wake the session.
        for _ in 0..20 {
            wire.send(r#"["add",{"a":1,"b":2},1]"#).await;
        }
        for _ in 0..round % 20 {
            wire.receive().await;
        }
        io.disconnect("a").await;
        assert_eq!(wire.closed().await.code, 4500);
        assert_eq!(soon("an end", ended.recv()).await, Some(DisconnectReason::Disconnected));
    }
}
