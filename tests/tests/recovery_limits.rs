//! The limits of frames, bytes and time for slow and detached clients.

use std::time::Duration;

use futures::StreamExt;
use parlor::DisconnectReason;
use parlor::rooms::DeliveryPolicy;
use parlor::server::{Heartbeat, Limits, Recovery, Timeouts};
use parlor_tests::{
    ProbeIo, ProbeServer, ProbeSession, RawClient, Welcomed, recovery_off, secret, serve_probe,
    wait_for_connections, within_timeout,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

const LONG: Duration = Duration::from_secs(60);

/// Emits `count` numbered events of `size` bytes to the only client, and waits until it is closed as too slow.
/// The client acknowledges nothing. `count` events must exceed what may be in flight and pending, and must fit
/// into what the session keeps: the server may close the connection only after the last one.
async fn emit_until_closed(io: &ProbeIo, count: u64, size: usize) {
    let text = "x".repeat(size);
    for number in 0..count {
        io.broadcast().said("a", &text, number.to_string());
    }
    wait_for_connections(io, 0).await;
}

#[tokio::test]
async fn exceeded_replay_limit_ends_session_with_overflow() {
    // A limit of frames, and a limit of bytes with frames that each fit.
    for (outbox, frames, size) in [(100_000, 1025, 1), (1000, 230, 900)] {
        let with_limits = |server: ProbeServer<ProbeSession>| {
            let recovery =
                Recovery { max_replay_frames: 1024, max_replay_size: 0, ..Recovery::default() };
            let limits = Limits { max_outbox_size: outbox, ..Limits::default() };
            server.limits(limits).recovery(recovery)
        };
        let (running, io, mut reports) = serve_probe(with_limits).await;
        let Welcomed { client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
        drop(client);
        wait_for_connections(&io, 0).await;
        let text = "x".repeat(size);
        for _ in 0..frames {
            io.broadcast().said("a", &text, "");
        }
        assert!(matches!(reports.end().await, DisconnectReason::ConnectionLost { .. }));
        let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
        assert_eq!(resumed.welcome["reason"], json!("overflow"));
    }
}

#[tokio::test]
async fn oldest_detached_session_is_evicted_when_a_limit_is_exceeded() {
    let recovery =
        Recovery { max_detached_sessions: 2, max_detached_bytes: 10_000, ..Recovery::default() };
    let (running, io, mut reports) = serve_probe(|server| server.recovery(recovery)).await;
    let mut secrets = Vec::new();
    for id in 0..3 {
        let Welcomed { mut client, welcome } =
            RawClient::welcomed(running.addr, "/probe", &[]).await;
        client.call("add", json!({"a": 1, "b": 1}), id).await;
        secrets.push(secret(&welcome).to_owned());
        drop(client);
        wait_for_connections(&io, 0).await;
    }
    reports.end().await;
    let resumed = RawClient::resumed(running.addr, "/probe", &secrets[0], 1).await;
    assert_eq!(resumed.welcome["reason"], json!("evicted"));
    // Now by bytes: 4 000 for each of the two sessions, then 8 000.
    io.broadcast().said("a", "x".repeat(4_000), "");
    assert!(reports.ended.try_recv().is_err());
    io.broadcast().said("a", "x".repeat(4_000), "");
    reports.end().await;
    let resumed = RawClient::resumed(running.addr, "/probe", &secrets[1], 1).await;
    assert_eq!(resumed.welcome["reason"], json!("evicted"));
    let mut resumed = RawClient::resumed(running.addr, "/probe", &secrets[2], 1).await;
    assert_eq!(resumed.welcome["recovered"], json!(true));
    for _ in 0..2 {
        assert_eq!(resumed.client.receive().await[0], "said");
    }
}

#[tokio::test]
async fn client_closed_as_too_slow_resumes_without_loss() {
    let limits = Limits { max_outbox_size: 100_000, ..Limits::default() };
    let (running, io, mut reports) = serve_probe(|server| server.limits(limits)).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    // Over 256 KiB / 2 in flight and 100 000 pending, within 256 KiB and 100 000 kept.
    let sent = 30;
    emit_until_closed(&io, sent, 10_000).await;
    let mut received = 0;
    while let Ok(frame) = client.next().await {
        assert_eq!(frame[1]["from"], json!(received.to_string()));
        received += 1;
    }
    assert!(received < sent, "{received} of {sent}");
    let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), received).await;
    assert_eq!(resumed.welcome["recovered"], json!(true));
    client = resumed.client;
    while received < sent {
        assert_eq!(client.receive().await[1]["from"], json!(received.to_string()));
        received += 1;
        client.send(json!(["$ack", received]).to_string()).await;
    }
    assert!(reports.ended.try_recv().is_err(), "the session has not ended");
    client.assert_nothing_received().await;
}

#[tokio::test]
async fn frames_over_max_replay_frames_wait_for_acknowledgement() {
    let recovery = Recovery { max_replay_frames: 1024, ..Recovery::default() };
    let (running, io, _reports) = serve_probe(|server| server.recovery(recovery)).await;
    let Welcomed { mut client, .. } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    for number in 0..1100 {
        io.broadcast().said("a", number.to_string(), "");
    }
    for number in 0..1024 {
        assert_eq!(client.receive().await[1]["text"], json!(number.to_string()));
    }
    // Uncounted frames are sent nevertheless.
    client.assert_nothing_received().await;
    client.send(r#"["$ack",10]"#).await;
    for number in 1024..1034 {
        assert_eq!(client.receive().await[1]["text"], json!(number.to_string()));
    }
    client.assert_nothing_received().await;
    // Invalid acknowledgements are ignored.
    for invalid in [r#"["$ack",9]"#, r#"["$ack",9000]"#, r#"["$ack",-1]"#, r#"["$ack","x"]"#] {
        client.send(invalid).await;
    }
    client.assert_nothing_received().await;
    client.send(r#"["$ack",1034]"#).await;
    assert_eq!(client.receive().await[1]["text"], json!("1034"));
}

#[tokio::test]
async fn server_acknowledges_by_count_bytes_and_heartbeat() {
    let heartbeat = Heartbeat { interval: Duration::from_millis(50), ..Heartbeat::default() };
    let (running, _io, _reports) = serve_probe(|server| server.heartbeat(heartbeat)).await;
    let Welcomed { mut client, .. } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    // After 128 frames, including malformed ones.
    for number in 0..128 {
        let text = if number % 2 == 0 { r#"["leave",{"room":"a"}]"# } else { "[]" };
        client.send(text).await;
    }
    let acknowledged = async {
        loop {
            let frame = client.next().await.expect("a frame");
            if frame[0] == "$ack" {
                break frame[1].clone();
            }
        }
    };
    assert_eq!(acknowledged.await, json!(128));
    // After 32 KiB.
    let text = "x".repeat(20_000);
    for _ in 0..2 {
        client.emit("say", json!({"room": "a", "text": text})).await;
    }
    while client.next().await.expect("a frame") != json!(["$ack", 130]) {}
    // With the ping to a silent client.
    client.emit("leave", json!({"room": "a"})).await;
    while client.next().await.expect("a frame") != json!(["$ack", 131]) {}
}

#[tokio::test]
async fn client_that_reads_nothing_is_closed_after_write_timeout_even_if_it_sends() {
    let (running, io, mut reports) = serve_probe(|server| {
        server
            .recovery(recovery_off())
            .limits(Limits { max_outbox_size: 100 << 20, ..Limits::default() })
            .timeouts(Timeouts { write: Duration::from_millis(300), ..Timeouts::default() })
    })
    .await;
    let Welcomed { mut client, .. } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    let text = "x".repeat(100_000);
    // More than the socket buffers hold.
    for _ in 0..200 {
        io.broadcast().said("a", &text, "");
    }
    let sending = async {
        loop {
            client.send(r#"["pong",null]"#).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        reason = reports.end() => assert_eq!(reason, DisconnectReason::TooSlow),
        () = sending => {}
    }
}

#[tokio::test]
async fn latest_event_keeps_newest_frame_and_delivery_stats_count_all() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let Welcomed { client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    drop(client);
    wait_for_connections(&io, 0).await;
    let before: Vec<_> = io.deliveries().iter().map(|now| (now.event, now.queued)).collect();
    assert_eq!(before, [("said", 0), ("moved", 0), ("priced", 0)]);
    for price in 0..1000 {
        io.broadcast().priced("tea", price);
        io.broadcast().priced("coffee", price);
    }
    io.broadcast().moved("volatile");
    io.broadcast().said("a", "reliable", "");
    let mut resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    for item in ["tea", "coffee"] {
        assert_eq!(resumed.client.receive().await, json!(["priced", {"item": item, "price": 999}]));
    }
    assert_eq!(resumed.client.receive().await[1]["text"], json!("reliable"));
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
async fn missed_heartbeat_closes_connection_and_keeps_session() {
    let heartbeat =
        Heartbeat { interval: Duration::from_millis(50), timeout: Duration::from_millis(1500) };
    let (running, io, mut reports) = serve_probe(|server| server.heartbeat(heartbeat)).await;
    // It does not read, so it does not answer pings.
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    wait_for_connections(&io, 0).await;
    assert_eq!(client.closed().await.code, 4001);
    let mut resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["recovered"], json!(true));
    assert!(reports.ended.try_recv().is_err());
    let pinged =
        within_timeout("a ping", resumed.client.0.next()).await.expect("open").expect("open");
    assert!(matches!(pinged, Message::Ping(_)), "{pinged}");
}

#[tokio::test]
async fn unlimited_max_detached_sessions_evicts_no_session() {
    let recovery = Recovery {
        max_detached_sessions: usize::MAX,
        max_detached_bytes: usize::MAX,
        ..Recovery::default()
    };
    let (running, io, mut reports) = serve_probe(|server| server.recovery(recovery)).await;
    let Welcomed { client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    drop(client);
    wait_for_connections(&io, 0).await;
    io.broadcast().said("a", "kept", "");
    let mut resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["recovered"], json!(true));
    assert_eq!(resumed.client.receive().await[1]["text"], "kept");
    assert!(reports.ended.try_recv().is_err());
}

#[tokio::test]
async fn byte_limit_evicts_session_that_exceeds_it_after_older_ones() {
    let recovery =
        Recovery { max_detached_sessions: 100, max_detached_bytes: 10_000, ..Recovery::default() };
    let (running, io, mut reports) = serve_probe(|server| server.recovery(recovery)).await;
    // Two sessions without frames, and one that is emitted to.
    for _ in 0..2 {
        drop(RawClient::parlor(running.addr, "/probe").await);
        wait_for_connections(&io, 0).await;
    }
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.call("enter", json!({"room": "a"}), 0).await;
    drop(client);
    wait_for_connections(&io, 0).await;
    for _ in 0..2 {
        io.to("a").said("a", "x".repeat(6_000), "");
    }
    for _ in 0..3 {
        reports.end().await;
    }
}

/// The close frame of the old connection is not written before its client reads. By then the
/// session has a new connection.
#[tokio::test]
async fn old_connection_that_closes_late_does_not_affect_new_one() {
    let with_large_outbox = |server: ProbeServer<ProbeSession>| {
        server
            .limits(Limits { max_outbox_size: 1 << 20, ..Limits::default() })
            .recovery(Recovery { max_replay_size: 32 << 20, ..Recovery::default() })
            .timeouts(Timeouts { close: LONG, ..Timeouts::default() })
    };
    let (running, io, _reports) = serve_probe(with_large_outbox).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    // Over 16 MiB in flight and 1 MiB pending, within 33 MiB kept.
    let sent = 200;
    emit_until_closed(&io, sent, 100_000).await;
    let mut resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["recovered"], json!(true));
    wait_for_connections(&io, 1).await;
    assert_eq!(client.closed().await.code, 4000);
    drop(client);
    io.broadcast().said("a", "last", sent.to_string());
    for number in 0..=sent {
        assert_eq!(resumed.client.receive().await[1]["from"], json!(number.to_string()));
        resumed.client.send(json!(["$ack", number + 1]).to_string()).await;
    }
    resumed.client.assert_nothing_received().await;
}
