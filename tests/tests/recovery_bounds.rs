//! What is kept for clients that are behind or away, and for how long.

use std::time::Duration;

use futures_util::StreamExt;
use parlor::{DeliveryPolicy, DisconnectReason};
use parlor_tests::{
    ProbeIo, ProbeServer, Prober, Welcomed, Wire, secret, serve_probe, soon, until_connected,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

const LONG: Duration = Duration::from_secs(60);

/// Emits numbered events of `size` bytes until the only client is cut, and returns their number. Of a
/// client that confirms nothing only a part is in flight; the rest is pending until it is too much.
async fn emit_until_cut(io: &ProbeIo, size: usize) -> u64 {
    let text = "x".repeat(size);
    let mut sent = 0;
    while io.connections() == 1 {
        io.broadcast().said("a", &text, sent.to_string());
        sent += 1;
        assert!(sent < 1000, "never cut");
        tokio::task::yield_now().await;
    }
    sent
}

#[tokio::test]
async fn more_than_is_kept_ends_a_session_and_its_client_hears_why() {
    // In frames; and in bytes, of frames that each fit.
    for (outbox, frames, size) in [(100_000, 1025, 1), (1000, 230, 900)] {
        let bounded = |server: ProbeServer<Prober>| {
            server.max_outbox_size(outbox).max_replay_frames(1024).max_replay_size(0)
        };
        let (running, io, mut probing) = serve_probe(bounded).await;
        let Welcomed { wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
        drop(wire);
        until_connected(&io, 0).await;
        let text = "x".repeat(size);
        for _ in 0..frames {
            io.broadcast().said("a", &text, "");
        }
        assert!(matches!(probing.end().await, DisconnectReason::ConnectionLost { .. }));
        let back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
        assert_eq!(back.welcome["reason"], json!("overflow"));
    }
}

#[tokio::test]
async fn the_sessions_that_wait_longest_go_first_when_too_many_wait() {
    let (running, io, mut probing) = serve_probe(|server| server.max_detached(2, 10_000)).await;
    let mut secrets = Vec::new();
    for away in 0..3 {
        let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
        wire.call("add", json!({"a": 1, "b": 1}), away).await;
        secrets.push(secret(&welcome).to_owned());
        drop(wire);
        until_connected(&io, 0).await;
    }
    probing.end().await;
    let back = Wire::resumed(running.addr, "/probe", &secrets[0], 1).await;
    assert_eq!(back.welcome["reason"], json!("evicted"));
    // Now by bytes: 4 000 for each of the two.
    io.broadcast().said("a", "x".repeat(4_000), "");
    assert!(probing.ended.try_recv().is_err());
    io.broadcast().said("a", "x".repeat(4_000), "");
    probing.end().await;
    let back = Wire::resumed(running.addr, "/probe", &secrets[1], 1).await;
    assert_eq!(back.welcome["reason"], json!("evicted"));
    let mut back = Wire::resumed(running.addr, "/probe", &secrets[2], 1).await;
    assert_eq!(back.welcome["recovered"], json!(true));
    for _ in 0..2 {
        assert_eq!(back.wire.receive().await[0], "said");
    }
}

#[tokio::test]
async fn a_client_that_was_too_slow_comes_back_and_has_missed_nothing() {
    let (running, io, mut probing) = serve_probe(|server| server.max_outbox_size(100_000)).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    let sent = emit_until_cut(&io, 10_000).await;
    let mut received = 0;
    while let Ok(frame) = wire.next().await {
        assert_eq!(frame[1]["from"], json!(received.to_string()));
        received += 1;
    }
    assert!(received < sent, "{received} of {sent}");
    let back = Wire::resumed(running.addr, "/probe", secret(&welcome), received).await;
    assert_eq!(back.welcome["recovered"], json!(true));
    wire = back.wire;
    while received < sent {
        assert_eq!(wire.receive().await[1]["from"], json!(received.to_string()));
        received += 1;
        wire.send(json!(["$ack", received]).to_string()).await;
    }
    assert!(probing.ended.try_recv().is_err(), "the session goes on");
    wire.nothing_came().await;
}

#[tokio::test]
async fn what_is_under_way_waits_for_the_client_to_confirm_it() {
    let (running, io, _probing) = serve_probe(|server| server.max_replay_frames(1024)).await;
    let Welcomed { mut wire, .. } = Wire::welcomed(running.addr, "/probe", &[]).await;
    for number in 0..1100 {
        io.broadcast().said("a", number.to_string(), "");
    }
    for number in 0..1024 {
        assert_eq!(wire.receive().await[1]["text"], json!(number.to_string()));
    }
    // What is not counted is not held back.
    wire.nothing_came().await;
    wire.send(r#"["$ack",10]"#).await;
    for number in 1024..1034 {
        assert_eq!(wire.receive().await[1]["text"], json!(number.to_string()));
    }
    wire.nothing_came().await;
    // Nonsense changes nothing.
    for nonsense in [r#"["$ack",9]"#, r#"["$ack",9000]"#, r#"["$ack",-1]"#, r#"["$ack","x"]"#] {
        wire.send(nonsense).await;
    }
    wire.nothing_came().await;
    wire.send(r#"["$ack",1034]"#).await;
    assert_eq!(wire.receive().await[1]["text"], json!("1034"));
}

#[tokio::test]
async fn clients_are_told_what_has_come() {
    let (running, _io, _probing) =
        serve_probe(|server| server.heartbeat_interval(Duration::from_millis(50))).await;
    let Welcomed { mut wire, .. } = Wire::welcomed(running.addr, "/probe", &[]).await;
    // After 128 frames, malformed ones too.
    for number in 0..128 {
        let text = if number % 2 == 0 { r#"["leave",{"room":"a"}]"# } else { "[]" };
        wire.send(text).await;
    }
    let acknowledged = async {
        loop {
            let frame = wire.next().await.expect("a frame");
            if frame[0] == "$ack" {
                break frame[1].clone();
            }
        }
    };
    assert_eq!(acknowledged.await, json!(128));
    // After 32 KiB.
    let text = "x".repeat(20_000);
    for _ in 0..2 {
        wire.emit("say", json!({"room": "a", "text": text})).await;
    }
    while wire.next().await.expect("a frame") != json!(["$ack", 130]) {}
    // And when the client has fallen silent, with the ping.
    wire.emit("leave", json!({"room": "a"})).await;
    while wire.next().await.expect("a frame") != json!(["$ack", 131]) {}
}

#[tokio::test]
async fn a_client_that_takes_nothing_for_too_long_is_cut_whatever_it_says() {
    let (running, io, mut probing) = serve_probe(|server| {
        server
            .recovery_window(Duration::ZERO)
            .max_outbox_size(100 << 20)
            .write_timeout(Duration::from_millis(300))
    })
    .await;
    let Welcomed { mut wire, .. } = Wire::welcomed(running.addr, "/probe", &[]).await;
    let text = "x".repeat(100_000);
    // More than the system buffers.
    for _ in 0..200 {
        io.broadcast().said("a", &text, "");
    }
    let talking = async {
        loop {
            wire.send(r#"["pong",null]"#).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        reason = probing.end() => assert_eq!(reason, DisconnectReason::TooSlow),
        () = talking => {}
    }
}

#[tokio::test]
async fn of_what_is_latest_only_the_newest_waits_and_all_is_counted() {
    let (running, io, _probing) = serve_probe(|server| server).await;
    let Welcomed { wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    drop(wire);
    until_connected(&io, 0).await;
    let before: Vec<_> = io.deliveries().iter().map(|now| (now.event, now.queued)).collect();
    assert_eq!(before, [("said", 0), ("moved", 0), ("priced", 0)]);
    for price in 0..1000 {
        io.broadcast().priced("tea", price);
        io.broadcast().priced("coffee", price);
    }
    io.broadcast().moved("volatile");
    io.broadcast().said("a", "reliable", "");
    let mut back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    for item in ["tea", "coffee"] {
        assert_eq!(back.wire.receive().await, json!(["priced", {"item": item, "price": 999}]));
    }
    assert_eq!(back.wire.receive().await[1]["text"], json!("reliable"));
    let of = |event| {
        let deliveries = io.deliveries();
        *deliveries.iter().find(|delivery| delivery.event == event).expect("counted")
    };
    let counts = |event| (of(event).queued, of(event).replaced, of(event).dropped);
    assert_eq!(counts("priced"), (2000, 1998, 0));
    assert_eq!(counts("moved"), (0, 0, 1));
    assert_eq!(counts("said"), (1, 0, 0));
    assert_eq!(of("moved").policy, DeliveryPolicy::Volatile);
}

#[tokio::test]
async fn a_missed_heartbeat_loses_the_connection_and_not_the_session() {
    let (running, io, mut probing) = serve_probe(|server| {
        server
            .heartbeat_interval(Duration::from_millis(50))
            .heartbeat_timeout(Duration::from_millis(1500))
    })
    .await;
    // It does not read, and so does not answer pings.
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    until_connected(&io, 0).await;
    assert_eq!(wire.closed().await.code, 4001);
    let mut back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(back.welcome["recovered"], json!(true));
    assert!(probing.ended.try_recv().is_err());
    let pinged = soon("a ping", back.wire.0.next()).await.expect("open").expect("open");
    assert!(matches!(pinged, Message::Ping(_)), "{pinged}");
}

#[tokio::test]
async fn bounds_that_are_none_evict_nobody() {
    let (running, io, mut probing) =
        serve_probe(|server| server.max_detached(usize::MAX, usize::MAX)).await;
    let Welcomed { wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    drop(wire);
    until_connected(&io, 0).await;
    io.broadcast().said("a", "kept", "");
    let mut back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(back.welcome["recovered"], json!(true));
    assert_eq!(back.wire.receive().await[1]["text"], "kept");
    assert!(probing.ended.try_recv().is_err());
}

#[tokio::test]
async fn the_bound_of_bytes_holds_whoever_waits_longest() {
    let (running, io, mut probing) = serve_probe(|server| server.max_detached(100, 10_000)).await;
    // Two for whom nothing is kept, and one who is emitted to.
    for _ in 0..2 {
        drop(Wire::parlor(running.addr, "/probe").await);
        until_connected(&io, 0).await;
    }
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.call("enter", json!({"room": "a"}), 0).await;
    drop(wire);
    until_connected(&io, 0).await;
    for _ in 0..2 {
        io.to("a").said("a", "x".repeat(6_000), "");
    }
    for _ in 0..3 {
        probing.end().await;
    }
}

/// The old connection cannot take its close frame before its client reads. By then the session has a
/// new one.
#[tokio::test]
async fn old_connection_that_closes_late_leaves_the_new_one_alone() {
    let roomy = |server: ProbeServer<Prober>| {
        server.max_outbox_size(1 << 20).max_replay_size(64 << 20).close_timeout(LONG)
    };
    let (running, io, _probing) = serve_probe(roomy).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    let sent = emit_until_cut(&io, 100_000).await;
    let mut back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(back.welcome["recovered"], json!(true));
    until_connected(&io, 1).await;
    assert_eq!(wire.closed().await.code, 4000);
    drop(wire);
    io.broadcast().said("a", "last", sent.to_string());
    for number in 0..=sent {
        assert_eq!(back.wire.receive().await[1]["from"], json!(number.to_string()));
    }
    back.wire.nothing_came().await;
}
