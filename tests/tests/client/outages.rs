//! Outages of a server, with a clock that the test controls: without and with a limit of attempts.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parlor::Router;
use parlor::client::{CallError, ClientStatus, CloseCause, ConnectionChange, EmitError, Reconnect};
use parlor::server::Recovery;
use parlor::test::{Line, Network};
use parlor_tests::{
    Log, ProbeClient, ProbeEvent, ProbeEvents, advance_clock, probe_fixture, recovery_off,
};
use tokio::time::{Instant, timeout};
use tracing_subscriber::filter::LevelFilter;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A line to a server with these options. The waits of its clients are 1, 2, 4, 8, 16, 30, 30 .. seconds.
fn line(recovery: Recovery) -> Line {
    let server = probe_fixture().server.recovery(recovery);
    Network::new(Router::new().procedure("/probe", server)).line()
}

/// Connects a client that gives up after this many attempts, and joins a room.
async fn connect(line: &Line, max_attempts: Option<u32>) -> (ProbeClient, ProbeEvents) {
    let builder = line
        .client::<ProbeClient>("/probe")
        .reconnect(Reconnect { max_attempts, ..Reconnect::default() })
        .on_session(async |client: ProbeClient| {
            let _ = client.enter("general").await;
        });
    builder.connect().await.unwrap()
}

/// The next event, or the end. An hour passes at once if nothing else happens.
async fn next_event(events: &mut ProbeEvents) -> Option<ProbeEvent> {
    timeout(HOUR, events.next()).await.expect("an event")
}

async fn next_change(events: &mut ProbeEvents) -> ConnectionChange {
    match next_event(events).await {
        Some(ProbeEvent::Connection(change)) => change,
        other => panic!("expected a connection change: {other:?}"),
    }
}

async fn next_said(events: &mut ProbeEvents) -> String {
    match next_event(events).await {
        Some(ProbeEvent::Said { text, .. }) => text,
        other => panic!("expected an event: {other:?}"),
    }
}

/// Begins an outage.
async fn cut(line: &Line, events: &mut ProbeEvents) {
    line.refuse();
    line.cut();
    assert!(matches!(next_change(events).await, ConnectionChange::Lost { .. }));
}

/// Waits until a client gives up after this many attempts of an outage.
async fn wait_until_gave_up(events: &mut ProbeEvents, expected: u32) {
    match next_change(events).await {
        ConnectionChange::GaveUp { attempts, .. } => assert_eq!(attempts, expected),
        other => panic!("{other:?}"),
    }
}

async fn expect_restored(events: &mut ProbeEvents, is_recovered: bool) {
    match next_change(events).await {
        ConnectionChange::Restored { recovered, .. } => assert_eq!(recovered, is_recovered),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn client_with_defaults_reconnects_after_ten_minutes_and_sends_what_was_emitted() {
    let line = line(Recovery::default());
    let (client, mut events) = connect(&line, Reconnect::default().max_attempts).await;
    cut(&line, &mut events).await;
    client.shout("general", "typed during the outage").unwrap();
    advance_clock(600 * SECOND).await;
    assert_eq!(client.status(), ClientStatus::Reconnecting);
    line.accept();
    let accepted = Instant::now();
    expect_restored(&mut events, false).await;
    assert!(accepted.elapsed() <= 30 * SECOND, "after {:?}", accepted.elapsed());
    assert_eq!(next_said(&mut events).await, "typed during the outage");
}

#[tokio::test(start_paused = true)]
async fn emit_after_giving_up_begins_anew_and_is_sent_after_those_before() {
    let line = line(Recovery::default());
    let (client, mut events) = connect(&line, Some(3)).await;
    cut(&line, &mut events).await;
    client.shout("general", "while reconnecting").unwrap();
    wait_until_gave_up(&mut events, 3).await;
    assert_eq!(client.status(), ClientStatus::GaveUp);
    assert_eq!(client.last_close().unwrap().cause, CloseCause::GaveUp);
    advance_clock(HOUR / 4).await;
    assert_eq!(line.attempts(), 1 + 3, "no attempt without an emit or a call");

    client.shout("general", "after giving up").unwrap();
    assert_eq!(client.status(), ClientStatus::Reconnecting);
    wait_until_gave_up(&mut events, 3).await;
    assert_eq!(line.attempts(), 1 + 3 + 3, "as many attempts as before");

    line.accept();
    client.shout("general", "after giving up twice").unwrap();
    expect_restored(&mut events, false).await;
    for text in ["while reconnecting", "after giving up", "after giving up twice"] {
        assert_eq!(next_said(&mut events).await, text);
    }
    assert_eq!(client.status(), ClientStatus::Connected);
}

#[tokio::test(start_paused = true)]
async fn call_after_giving_up_begins_anew_and_is_answered_at_once_when_server_is_available() {
    let line = line(Recovery::default());
    let (client, mut events) = connect(&line, Some(1)).await;
    cut(&line, &mut events).await;
    let lost = client.add(1, 2);
    wait_until_gave_up(&mut events, 1).await;
    let failed = lost.await;
    assert!(
        matches!(&failed, Err(CallError::Closed(close)) if close.cause == CloseCause::GaveUp),
        "{failed:?}"
    );
    line.accept();
    advance_clock(2 * SECOND).await;
    let start = Instant::now();
    assert_eq!(client.add(1, 2).await.unwrap(), 3);
    assert_eq!(start.elapsed(), Duration::ZERO, "the wait after the last attempt has passed");
}

#[tokio::test(start_paused = true)]
async fn frequent_emits_after_giving_up_cause_no_more_attempts_than_a_client_without_limit_makes() {
    let mut counts = Vec::new();
    for max_attempts in [None, Some(1), Some(2)] {
        let line = line(Recovery::default());
        let (client, mut events) = connect(&line, max_attempts).await;
        cut(&line, &mut events).await;
        drop(events);
        let mut attempts = Vec::new();
        for _ in 0..150 {
            let _ = client.shout("general", "again");
            advance_clock(SECOND).await;
            attempts.push(line.attempts());
        }
        counts.push(attempts);
    }
    let last = *counts[0].last().unwrap();
    assert_eq!(last, 1 + 8, "after 1, 3, 7, 15, 31, 61, 91 and 121 s");
    // An emit each second delays an attempt by at most a second.
    assert!(counts.iter().all(|attempts| last - attempts.last().unwrap() <= 1), "{counts:?}");
    for (at, most) in counts[0].iter().enumerate() {
        assert!(counts.iter().all(|attempts| attempts[at] <= *most), "after {at} s: {counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn emit_that_does_not_fit_after_giving_up_begins_anew() {
    let line = line(Recovery::default());
    let reconnect = Reconnect { max_attempts: Some(1), ..Reconnect::default() };
    let builder = line.client::<ProbeClient>("/probe").reconnect(reconnect).buffer(0);
    let (client, mut events) = builder.connect().await.unwrap();
    cut(&line, &mut events).await;
    wait_until_gave_up(&mut events, 1).await;
    line.accept();
    assert_eq!(client.shout("general", "too much"), Err(EmitError::Full));
    expect_restored(&mut events, true).await;
}

#[tokio::test(start_paused = true)]
async fn session_is_resumed_after_giving_up_when_server_has_kept_it() {
    let line = line(Recovery { window: HOUR, ..Recovery::default() });
    let (client, mut events) = connect(&line, Some(1)).await;
    client.enter("general").await.unwrap();
    line.stall();
    client.shout("general", "in flight").unwrap();
    advance_clock(SECOND / 10).await;
    cut(&line, &mut events).await;
    line.resume();
    wait_until_gave_up(&mut events, 1).await;
    line.accept();
    client.shout("general", "kept").unwrap();
    expect_restored(&mut events, true).await;
    assert_eq!(next_said(&mut events).await, "in flight");
    assert_eq!(next_said(&mut events).await, "kept");
}

#[tokio::test(start_paused = true)]
async fn client_that_gave_up_closes_when_it_is_closed_or_its_last_handle_is_dropped() {
    for is_dropped in [false, true] {
        let line = line(Recovery::default());
        let (client, mut events) = connect(&line, Some(1)).await;
        cut(&line, &mut events).await;
        wait_until_gave_up(&mut events, 1).await;
        if !is_dropped {
            client.close();
        }
        drop(client);
        let closed = next_change(&mut events).await;
        assert!(
            matches!(closed, ConnectionChange::Closed { cause: CloseCause::Closed, .. }),
            "{closed}"
        );
        assert!(next_event(&mut events).await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn session_hook_with_the_last_handle_ends_when_client_gives_up() {
    let line = line(Recovery::default());
    let reconnect = Reconnect { max_attempts: Some(1), ..Reconnect::default() };
    let builder = line.client::<ProbeClient>("/probe").reconnect(reconnect).on_session(
        async |client: ProbeClient| {
            let _client = client;
            pending::<()>().await;
        },
    );
    let (client, mut events) = builder.connect().await.unwrap();
    advance_clock(SECOND).await;
    drop(client);
    cut(&line, &mut events).await;
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Closed { .. }));
}

/// A token function that fails from when the flag is set, with an error that has a secret.
fn token_of_key(
    fails: &Arc<AtomicBool>,
) -> impl Fn() -> std::future::Ready<Result<String, parlor::client::BoxError>> + use<> {
    let fails = Arc::clone(fails);
    move || {
        std::future::ready(if fails.load(Ordering::Relaxed) {
            Err("the key 4711 has expired".into())
        } else {
            Ok("token".to_owned())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn outage_is_logged_with_one_warning() {
    for max_attempts in [None, Some(5)] {
        let line = line(recovery_off());
        let (log, _guard) = Log::start_at(LevelFilter::WARN);
        let (client, mut events) = connect(&line, max_attempts).await;
        for outage in 1..=2 {
            cut(&line, &mut events).await;
            advance_clock(600 * SECOND).await;
            assert_eq!(log.text().lines().count(), outage, "{}", log.text());
            line.accept();
            client.shout("general", "hello").unwrap();
            while !matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }) {}
            assert_eq!(next_said(&mut events).await, "hello");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn error_of_token_function_is_in_no_log_and_no_reason() {
    let line = line(Recovery::default());
    let (log, _guard) = Log::start();
    let fails = Arc::new(AtomicBool::new(false));
    let builder = line
        .client::<ProbeClient>("/probe")
        .reconnect(Reconnect { max_attempts: Some(3), ..Reconnect::default() })
        .token(token_of_key(&fails));
    let (client, mut events) = builder.connect().await.unwrap();
    fails.store(true, Ordering::Relaxed);
    cut(&line, &mut events).await;
    let gave_up = next_change(&mut events).await;
    assert!(matches!(gave_up, ConnectionChange::GaveUp { .. }), "{gave_up:?}");
    for text in [format!("{gave_up:?}"), format!("{:?}", client.last_close()), log.text()] {
        assert!(text.contains("the function given to `token` failed"), "{text}");
        assert!(!text.contains("4711"), "{text}");
    }
}
