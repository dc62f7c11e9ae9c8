//! Waits of a session: for its client, its handlers and its end.

use futures::StreamExt;
use parlor::DisconnectReason;
use parlor::server::{Heartbeat, Timeouts};
use parlor::test::settle;
use parlor_tests::{advance_clock, recovery_off};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::time::{Duration, Instant, interval};
use tokio_tungstenite::tungstenite::Message;

use crate::{Never, RawClient, Report, SECOND, end, network, stuck};

#[tokio::test(start_paused = true)]
async fn silent_client_is_pinged_after_heartbeat_interval_and_lost_after_heartbeat_timeout() {
    let (server, mut reports) = stuck(Never::default());
    let network = network(server.recovery(recovery_off()));
    let line = network.line();
    let (mut client, _) = RawClient::welcomed(&line).await;
    let start = Instant::now();
    let ping = client.0.next().await.expect("open").expect("a frame");
    assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
    assert_eq!(start.elapsed(), 30 * SECOND);
    // The pong is not written: tungstenite writes it with the next read or write.
    assert_eq!(end(&mut reports).await, DisconnectReason::HeartbeatMissed);
    assert_eq!(start.elapsed(), 45 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn client_that_reads_nothing_is_closed_after_write_timeout() {
    let (server, mut reports) = stuck(Never::default());
    let io = server.io();
    let network = network(server.recovery(recovery_off()));
    let line = network.line();
    let (_unread, _) = RawClient::welcomed(&line).await;
    line.buffer(1000);
    let start = Instant::now();
    io.broadcast().said("x".repeat(5000));
    assert_eq!(end(&mut reports).await, DisconnectReason::TooSlow);
    assert_eq!(start.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn reading_a_byte_restarts_write_timeout() {
    let (server, mut reports) = stuck(Never::default());
    let io = server.io();
    let heartbeat = Heartbeat { timeout: 100 * SECOND, ..Heartbeat::default() };
    let server = server.recovery(recovery_off()).heartbeat(heartbeat);
    let line = network(server).line();
    let (mut slow, _) = RawClient::welcomed(&line).await;
    line.buffer(1000);
    io.broadcast().said("x".repeat(5000));
    advance_clock(29 * SECOND).await;
    slow.0.get_mut().read_u8().await.expect("a byte");
    let taken = Instant::now();
    assert_eq!(end(&mut reports).await, DisconnectReason::TooSlow);
    assert_eq!(taken.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn connection_of_kept_session_is_dropped_after_close_timeout_when_client_reads_nothing() {
    let (server, _reports) = stuck(Never::default());
    let io = server.io();
    let timeouts = Timeouts { write: 2 * SECOND, ..Timeouts::default() };
    let network = network(server.timeouts(timeouts));
    let line = network.line();
    let (mut unread, _) = RawClient::welcomed(&line).await;
    line.buffer(1000);
    let start = Instant::now();
    io.broadcast().said("x".repeat(5000));
    // The client sends nothing before the connection is closed, because that would be no valid
    // message.
    let mut seconds = interval(SECOND);
    while network.connections() == 1 {
        seconds.tick().await;
    }
    assert_eq!((network.connections(), network.sessions()), (0, 1));
    unread.dropped().await;
    assert_eq!(start.elapsed(), (2 + 5) * SECOND);
}

#[tokio::test(start_paused = true)]
async fn connection_is_dropped_after_close_timeout_when_client_does_not_read_close_frame() {
    let (server, mut reports) = stuck(Never::default());
    let io = server.io();
    let line = network(server).line();
    let (mut unread, _) = RawClient::welcomed(&line).await;
    line.buffer(1000);
    io.broadcast().said("x".repeat(5000));
    unread.send(r#"["quit",{}]"#).await;
    assert!(matches!(end(&mut reports).await, DisconnectReason::Closed { .. }));
    assert_eq!(reports.recv().await, Some(Report::Dropped));
    let start = Instant::now();
    unread.dropped().await;
    assert_eq!(start.elapsed(), 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn detached_session_ends_after_recovery_window() {
    let (server, mut reports) = stuck(Never::default());
    let network = network(server);
    drop(RawClient::welcomed(&network.line()).await);
    let start = Instant::now();
    assert!(matches!(end(&mut reports).await, DisconnectReason::ConnectionLost { .. }));
    assert_eq!(start.elapsed(), 30 * SECOND);
    settle().await;
    assert_eq!(network.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn handler_is_cancelled_after_handler_timeout() {
    let (server, _reports) = stuck(Never::default());
    let timeouts = Timeouts { handler: Some(3 * SECOND), ..Timeouts::default() };
    let line = network(server.timeouts(timeouts)).line();
    let (mut client, _) = RawClient::welcomed(&line).await;
    let start = Instant::now();
    client.send(r#"["hang",{},1]"#).await;
    let answer = loop {
        let frame = client.receive().await.expect("open");
        if frame[0] != "$ack" {
            break frame;
        }
    };
    assert_eq!((&answer[0], &answer[1]["code"]), (&json!("$err"), &json!("timedOut")));
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn disconnected_is_cancelled_after_close_timeout() {
    let (server, mut reports) = stuck(Never { disconnected: true, ..Never::default() });
    let line = network(server).line();
    let (mut client, _) = RawClient::welcomed(&line).await;
    let start = Instant::now();
    client.send(r#"["quit",{}]"#).await;
    assert!(matches!(end(&mut reports).await, DisconnectReason::Closed { .. }));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(reports.recv().await, Some(Report::Dropped));
    assert_eq!(start.elapsed(), 5 * SECOND);
}
