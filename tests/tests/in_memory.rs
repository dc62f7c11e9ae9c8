//! The in-memory network of [`parlor::test`] behaves as documented.

use std::io::ErrorKind;
use std::time::Duration;

use parlor::Router;
use parlor::backplane::Memory;
use parlor::client::{ClientStatus, ConnectionChange};
use parlor::test::{End, Line, Network, Side, settle};
use parlor::wire::CloseCode;
use parlor_tests::{
    ProbeClient, ProbeEvent, ProbeEvents, ProbeFixture, advance_clock, probe_fixture,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn network() -> Network {
    Network::new(router())
}

fn router() -> Router {
    let ProbeFixture { server, .. } = probe_fixture();
    Router::new().procedure("/probe", server)
}

async fn client(line: &Line) -> (ProbeClient, ProbeEvents) {
    line.client::<ProbeClient>("/probe").connect().await.expect("connected")
}

async fn next_change(events: &mut ProbeEvents) -> ConnectionChange {
    match events.next().await {
        Some(ProbeEvent::Connection(change)) => change,
        other => panic!("expected a connection change: {other:?}"),
    }
}

/// Requests an unknown path. The response shows that bytes pass in both directions.
async fn request_unknown_path(end: &mut End) -> String {
    end.write_all(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("written");
    let mut answer = String::new();
    end.read_to_string(&mut answer).await.expect("an answer and its end");
    answer
}

#[tokio::test(start_paused = true)]
async fn call_is_answered_without_time_passing() {
    let network = network();
    let start = Instant::now();
    let (client, _events) = client(&network.line()).await;
    assert_eq!(client.add(1, 2).await.expect("an answer"), 3);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!((network.connections(), network.sessions()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn stalled_line_delays_messages_and_loses_none() {
    let line = network().line();
    let (client, mut events) = client(&line).await;
    line.stall();
    let answer = tokio::spawn({
        let client = client.clone();
        async move { client.add(1, 2).await }
    });
    advance_clock(5 * SECOND).await;
    assert!(!answer.is_finished());
    assert_eq!(client.status(), ClientStatus::Connected);
    line.resume();
    assert_eq!(answer.await.expect("no panic").expect("an answer"), 3);
    client.close();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Closed { .. }));
}

#[tokio::test(start_paused = true)]
async fn delay_applies_in_each_direction() {
    let line = network().line();
    let (client, _events) = client(&line).await;
    line.delay(SECOND);
    let start = Instant::now();
    assert_eq!(client.add(1, 2).await.expect("an answer"), 3);
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn messages_sent_byte_by_byte_arrive_whole() {
    let line = network().line();
    let (client, _events) = client(&line).await;
    line.trickle(1);
    line.buffer(1);
    assert_eq!(client.fill(1000).await.expect("an answer").len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_notice_cut_loses_connection_by_heartbeat() {
    let network = network();
    let line = network.line();
    let (_client, mut events) = client(&line).await;
    line.cut_unnoticed_by(Side::Client);
    settle().await;
    assert_eq!((network.connections(), network.sessions()), (0, 1));
    let start = Instant::now();
    let lost = next_change(&mut events).await;
    let missed = CloseCode::HEARTBEAT_MISSED;
    assert!(matches!(lost, ConnectionChange::Lost { code, .. } if code == missed), "{lost}");
    assert!(start.elapsed() > 20 * SECOND);
    line.cut_unnoticed_by(Side::Server);
    settle().await;
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }));
}

#[tokio::test(start_paused = true)]
async fn refused_attempts_are_repeated_with_growing_delay() {
    let network = network();
    let line = network.line();
    let (_client, mut events) = client(&line).await;
    line.refuse();
    line.cut();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    // The delays are exactly 1, 2 and 4 seconds.
    for (attempts, millis) in [(1, 1_000), (2, 2_000), (3, 4_000)] {
        advance_clock(Duration::from_millis(millis - 10)).await;
        assert_eq!(line.attempts(), attempts);
        if attempts == 3 {
            line.accept();
        }
        advance_clock(Duration::from_millis(10)).await;
        assert_eq!(line.attempts(), attempts + 1);
    }
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }));
    assert_eq!(line.attempts(), 4);
}

#[tokio::test(start_paused = true)]
async fn newer_connection_is_served_before_delayed_one() {
    let line = network().line();
    line.delay(3 * SECOND);
    let mut slow = line.dial().expect("a connection");
    let start = Instant::now();
    let slow = tokio::spawn(async move { request_unknown_path(&mut slow).await });
    settle().await;
    line.delay(Duration::ZERO);
    let mut fast = line.dial().expect("a connection");
    assert!(request_unknown_path(&mut fast).await.starts_with("HTTP/1.1 404"));
    assert!(start.elapsed() < SECOND);
    assert!(slow.await.expect("no panic").starts_with("HTTP/1.1 404"));
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_fail_after_cut() {
    let line = network().line();
    let mut end = line.dial().expect("a connection");
    line.cut();
    let reset = Some(ErrorKind::ConnectionReset);
    assert_eq!(end.write(b"GET").await.err().map(|error| error.kind()), reset);
    assert_eq!(end.read(&mut [0]).await.err().map(|error| error.kind()), reset);
}

#[tokio::test(start_paused = true)]
async fn write_waits_when_buffer_is_full() {
    let line = network().line();
    line.buffer(10);
    line.stall();
    let mut end = line.dial().expect("a connection");
    assert_eq!(end.write(&[b'x'; 20]).await.expect("writable"), 10);
    let waits = tokio::time::timeout(SECOND, end.write(b"x")).await;
    assert!(waits.is_err(), "{waits:?}");
    line.resume();
    assert_eq!(end.write(b"x").await.expect("writable again"), 1);
}

#[tokio::test(start_paused = true)]
async fn crashed_server_recovers_no_session_and_shut_down_server_refuses_connections() {
    let network = network();
    let line = network.line();
    let (_client, mut events) = client(&line).await;
    network.crash(router());
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    let restored = next_change(&mut events).await;
    assert!(matches!(restored, ConnectionChange::Restored { recovered: false, .. }), "{restored}");
    network.shut_down().await;
    let lost = next_change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::Lost { code: CloseCode::RESTART, .. }), "{lost}");
    let refused = line.dial().err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::ConnectionRefused));
}

#[test]
fn nodes_of_networks_that_are_made_outside_of_a_runtime_are_linked() {
    let broker = Memory::new();
    let node = || Network::new(router().backplane(broker.node()));
    let (one, two) = (node(), node());
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let (ada, mut events) = client(&one.line()).await;
        ada.enter("a").await.expect("entered");
        let (bob, _events) = client(&two.line()).await;
        // The nodes are linked, and the events of the room arrive.
        sleep(SECOND).await;
        bob.shout("a", "hello").expect("queued");
        let event = tokio::time::timeout(5 * SECOND, events.next()).await.expect("an event");
        assert!(matches!(event, Some(ProbeEvent::Said { text, .. }) if text == "hello"));
    });
}
