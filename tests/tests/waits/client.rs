//! Waits of a client: for its server, its session hook and the functions of its user.

use std::future::pending;

use parlor::Router;
use parlor::client::{CallError, ConnectError, ConnectionChange, EmitError};
use parlor::server::Limits;
use parlor::test::{Line, Network, Side, settle};
use parlor::wire::CloseCode;
use parlor_tests::{advance_clock, recovery_off};
use tokio::time::{Duration, Instant};

use crate::{Never, SECOND, StuckClient, StuckEvent, StuckEvents, network, stuck};

async fn client(line: &Line) -> (StuckClient, StuckEvents) {
    line.client::<StuckClient>("/stuck").connect().await.expect("connected")
}

async fn next_change(events: &mut StuckEvents) -> ConnectionChange {
    loop {
        match events.next().await {
            Some(StuckEvent::Connection(change)) => return change,
            Some(_) => {}
            None => panic!("the client has closed"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn attempt_fails_after_connect_timeout_when_server_does_not_answer() {
    let line = network(stuck(Never { factory: true, ..Never::default() }).0).line();
    let start = Instant::now();
    let error = line.client::<StuckClient>("/stuck").connect().await.err();
    assert!(matches!(error, Some(ConnectError::TimedOut { .. })), "{error:?}");
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn attempt_fails_after_connect_timeout_when_token_or_headers_never_ends() {
    let line = network(stuck(Never::default()).0).line();
    let client = || line.client::<StuckClient>("/stuck");
    for builder in [client().token(pending), client().headers(pending)] {
        let start = Instant::now();
        let error = builder.connect().await.err();
        assert!(matches!(error, Some(ConnectError::Credentials { .. })), "{error:?}");
        assert_eq!(start.elapsed(), 10 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn call_fails_after_call_timeout_when_handler_never_ends() {
    let line = network(stuck(Never::default()).0).line();
    let (client, _events) = client(&line).await;
    let start = Instant::now();
    assert!(matches!(client.hang().await, Err(CallError::TimedOut)));
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn call_fails_after_call_timeout_without_connection() {
    let line = network(stuck(Never::default()).0).line();
    let (client, _events) = client(&line).await;
    line.refuse();
    line.cut();
    settle().await;
    let start = Instant::now();
    assert!(matches!(client.hang().await, Err(CallError::TimedOut)));
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn call_fails_after_call_timeout_when_session_hook_never_ends() {
    let line = network(stuck(Never::default()).0).line();
    let builder = line.client::<StuckClient>("/stuck").on_session(|_| pending());
    let (client, _events) = builder.connect().await.expect("connected");
    let start = Instant::now();
    assert!(matches!(client.hang().await, Err(CallError::TimedOut)));
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn call_fails_after_1_s_when_inbox_is_full_and_events_are_not_polled() {
    let (server, _reports) = stuck(Never::default());
    let io = server.io();
    let server = server
        .recovery(recovery_off())
        .limits(Limits { max_outbox_size: 4 << 20, ..Limits::default() });
    let (client, _events) = client(&network(server).line()).await;
    let call = tokio::spawn(client.hang());
    settle().await;
    let start = Instant::now();
    for _ in 0..40 {
        io.broadcast().said("x".repeat(32 << 10));
    }
    assert!(matches!(call.await.expect("no panic"), Err(CallError::EventsNotPolled)));
    assert_eq!(start.elapsed(), SECOND);
}

/// Closes the client and returns how long that takes.
async fn time_to_close(client: &StuckClient, events: &mut StuckEvents) -> Duration {
    let start = Instant::now();
    client.close();
    assert!(matches!(client.note(), Err(EmitError::Closed(_))));
    while !matches!(next_change(events).await, ConnectionChange::Closed { .. }) {}
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn close_ends_after_5_s_when_server_does_not_answer() {
    let line = network(stuck(Never::default()).0).line();
    let (client, mut events) = client(&line).await;
    line.stall();
    client.note().expect("taken");
    assert_eq!(time_to_close(&client, &mut events).await, 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn close_ends_after_6_s_when_server_does_not_read() {
    let line = network(stuck(Never::default()).0).line();
    let (client, mut events) = client(&line).await;
    line.stall();
    line.buffer(1);
    client.note().expect("taken");
    assert_eq!(time_to_close(&client, &mut events).await, 6 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn close_ends_after_5_s_when_session_hook_never_ends() {
    let line = network(stuck(Never::default()).0).line();
    let builder = line.client::<StuckClient>("/stuck").on_session(|_| pending());
    let (client, mut events) = builder.connect().await.expect("connected");
    assert_eq!(time_to_close(&client, &mut events).await, 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn close_ends_at_once_without_connection() {
    let line = network(stuck(Never::default()).0).line();
    let (client, mut events) = client(&line).await;
    line.refuse();
    line.cut();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    settle().await;
    assert_eq!(time_to_close(&client, &mut events).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn connection_is_lost_after_one_and_a_half_heartbeats_when_server_is_silent() {
    let line = network(stuck(Never::default()).0).line();
    let (_client, mut events) = client(&line).await;
    let start = Instant::now();
    line.stall();
    let lost = next_change(&mut events).await;
    let missed = CloseCode::HEARTBEAT_MISSED;
    assert!(matches!(lost, ConnectionChange::Lost { code, .. } if code == missed), "{lost}");
    assert_eq!(start.elapsed(), 45 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn attempt_follows_1_s_later_when_lost_connection_accepts_no_close_frame() {
    // The delay before the first attempt is 1 s, too. A hundred messages fill the buffer.
    for (messages, seconds) in [(0, 1), (100, 2)] {
        let line = network(stuck(Never::default()).0).line();
        let (client, mut events) = client(&line).await;
        line.cut_unnoticed_by(Side::Client);
        line.buffer(1000);
        for _ in 0..messages {
            client.note().expect("taken");
        }
        assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
        let start = Instant::now();
        while !matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }) {}
        assert_eq!(start.elapsed(), seconds * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn unacknowledged_message_causes_ping_after_1_s() {
    let millis = Duration::from_millis;
    for (cut_after, is_confirmed) in [(millis(999), false), (millis(1001), true)] {
        let (server, _reports) = stuck(Never::default());
        let line = network(server.recovery(recovery_off())).line();
        let (client, mut events) = client(&line).await;
        client.note().expect("taken");
        advance_clock(cut_after).await;
        line.cut();
        assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
        let lost =
            matches!(next_change(&mut events).await, ConnectionChange::EmitsLost { count: 1, .. });
        assert_eq!(lost, !is_confirmed);
    }
}

#[tokio::test(start_paused = true)]
async fn attempt_is_made_after_max_interval_when_retry_hint_is_longer() {
    let router = || {
        let (server, _reports) = stuck(Never::default());
        Router::new().procedure("/stuck", server.retry_window(1_000_000_000 * SECOND))
    };
    let network = Network::new(router());
    let (_client, mut events) = client(&network.line()).await;
    network.restart(router()).await;
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    let start = Instant::now();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }));
    assert_eq!(start.elapsed(), 30 * SECOND);
}
