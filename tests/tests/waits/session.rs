//! What a session waits for: its client, its handlers, its end.

use futures_util::StreamExt;
use parlor::DisconnectReason;
use parlor::test::settle;
use parlor_tests::pass;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::time::{Duration, Instant, interval};
use tokio_tungstenite::tungstenite::Message;

use crate::{Never, Report, SECOND, Wire, end, network, stuck};

#[tokio::test(start_paused = true)]
async fn silent_client_is_pinged_after_heartbeat_interval_and_lost_after_heartbeat_timeout() {
    let (server, mut reports) = stuck(Never::default());
    let network = network(server.recovery_window(Duration::ZERO));
    let line = network.line();
    let (mut wire, _) = Wire::welcomed(&line).await;
    let start = Instant::now();
    let ping = wire.0.next().await.expect("open").expect("a frame");
    assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
    assert_eq!(start.elapsed(), 30 * SECOND);
    // The answer to the ping is not written: tungstenite does it when it reads or writes next.
    assert_eq!(end(&mut reports).await, DisconnectReason::HeartbeatMissed);
    assert_eq!(start.elapsed(), 45 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_nothing_is_cut_after_write_timeout() {
    let (server, mut reports) = stuck(Never::default());
    let io = server.io();
    let network = network(server.recovery_window(Duration::ZERO));
    let line = network.line();
    let (_unread, _) = Wire::welcomed(&line).await;
    line.buffer(1000);
    let start = Instant::now();
    io.broadcast().said("x".repeat(5000));
    assert_eq!(end(&mut reports).await, DisconnectReason::TooSlow);
    assert_eq!(start.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_a_byte_has_write_timeout_once_more() {
    let (server, mut reports) = stuck(Never::default());
    let io = server.io();
    let server = server.recovery_window(Duration::ZERO).heartbeat_timeout(100 * SECOND);
    let line = network(server).line();
    let (mut slow, _) = Wire::welcomed(&line).await;
    line.buffer(1000);
    io.broadcast().said("x".repeat(5000));
    pass(29 * SECOND).await;
    slow.0.get_mut().read_u8().await.expect("a byte");
    let taken = Instant::now();
    assert_eq!(end(&mut reports).await, DisconnectReason::TooSlow);
    assert_eq!(taken.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn connection_of_a_kept_session_is_dropped_after_close_timeout_when_its_client_takes_nothing()
{
    let (server, _reports) = stuck(Never::default());
    let io = server.io();
    let network = network(server.write_timeout(2 * SECOND));
    let line = network.line();
    let (mut unread, _) = Wire::welcomed(&line).await;
    line.buffer(1000);
    let start = Instant::now();
    io.broadcast().said("x".repeat(5000));
    // Nothing is sent before the cut: it would be no message.
    let mut seconds = interval(SECOND);
    while network.connections() == 1 {
        seconds.tick().await;
    }
    assert_eq!((network.connections(), network.sessions()), (0, 1));
    unread.dropped().await;
    assert_eq!(start.elapsed(), (2 + 5) * SECOND);
}

#[tokio::test(start_paused = true)]
async fn connection_is_dropped_after_close_timeout_when_its_client_takes_nothing_of_the_goodbye() {
    let (server, mut reports) = stuck(Never::default());
    let io = server.io();
    let line = network(server).line();
    let (mut unread, _) = Wire::welcomed(&line).await;
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
    drop(Wire::welcomed(&network.line()).await);
    let start = Instant::now();
    assert!(matches!(end(&mut reports).await, DisconnectReason::ConnectionLost { .. }));
    assert_eq!(start.elapsed(), 30 * SECOND);
    settle().await;
    assert_eq!(network.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn handler_is_cancelled_after_handler_timeout() {
    let (server, _reports) = stuck(Never::default());
    let line = network(server.handler_timeout(3 * SECOND)).line();
    let (mut wire, _) = Wire::welcomed(&line).await;
    let start = Instant::now();
    wire.send(r#"["hang",{},1]"#).await;
    let answer = loop {
        let frame = wire.receive().await.expect("open");
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
    let (mut wire, _) = Wire::welcomed(&line).await;
    let start = Instant::now();
    wire.send(r#"["quit",{}]"#).await;
    assert!(matches!(end(&mut reports).await, DisconnectReason::Closed { .. }));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(reports.recv().await, Some(Report::Dropped));
    assert_eq!(start.elapsed(), 5 * SECOND);
}
