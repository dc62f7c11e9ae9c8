//! Wakers and log subscribers that call the client while it calls them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parlor::client::{CallError, ClientBuilder, CloseCause, ConnectionChange, Reconnect};
use parlor_tests::{within_timeout, without_deadlock, without_deadlock_async};
use tokio::runtime::{Builder, Runtime};
use tracing::subscriber::{NoSubscriber, set_default};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, span};

use crate::closes::{closed_call, disconnected};
use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use crate::raw_server::{Peer, RawServer};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A client whose calls never time out.
fn without_call_timeout(server: &RawServer) -> ClientBuilder<ChatClient> {
    ChatClient::builder(server.url())
        .reconnect(Reconnect { interval: Duration::from_millis(10), ..Reconnect::default() })
        .call_timeout(Duration::MAX)
}

async fn connect(server: &RawServer) -> (ChatClient, ChatEvents, Peer) {
    let (connected, peer) = tokio::join!(without_call_timeout(server).connect(), server.accept());
    let (chat, events) = connected.expect("connected");
    (chat, events, peer)
}

/// Calls each method of the client that takes its lock.
struct ReentrantCalls {
    chat: ChatClient,
    /// How often all calls returned.
    times: Arc<AtomicUsize>,
}

impl ReentrantCalls {
    fn new(chat: &ChatClient) -> Self {
        Self { chat: chat.clone(), times: Arc::default() }
    }

    fn run(&self) {
        self.chat.status();
        let _ = self.chat.say("again");
        drop(self.chat.count());
        self.times.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reenters the client when it is woken.
struct ReentrantWaker {
    calls: ReentrantCalls,
    task: Waker,
}

impl Wake for ReentrantWaker {
    fn wake(self: Arc<Self>) {
        self.calls.run();
        self.task.wake_by_ref();
    }
}

/// Reenters the client when it is dropped.
struct ReentersOnDrop(ReentrantCalls);

impl Wake for ReentersOnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for ReentersOnDrop {
    fn drop(&mut self) {
        self.0.run();
    }
}

/// Waits for `future` with a waker that reenters the client, and asserts that it did.
async fn with_reentrant_waker<F: Future>(chat: &ChatClient, future: F) -> F::Output {
    let mut future = pin!(future);
    let times = Arc::new(AtomicUsize::new(0));
    let polled = poll_fn(|cx| {
        let calls = ReentrantCalls { chat: chat.clone(), times: Arc::clone(&times) };
        let waker = Waker::from(Arc::new(ReentrantWaker { calls, task: cx.waker().clone() }));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    });
    let output = within_timeout("a future with a reentrant waker", polled).await;
    assert_ne!(times.load(Ordering::Relaxed), 0);
    output
}

#[test]
fn waker_that_reenters_when_call_is_answered_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, _events, mut peer) = connect(&server).await;
        let call = with_reentrant_waker(&chat, chat.count());
        let (counted, ()) = tokio::join!(call, peer.answer("$ok", "5"));
        assert_eq!(counted, Ok(5));
    });
}

#[test]
fn waker_that_reenters_when_client_closes_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, _events, _peer) = connect(&server).await;
        let call = with_reentrant_waker(&chat, chat.count());
        let (counted, ()) = tokio::join!(call, async { chat.close() });
        assert_eq!(closed_call(counted).cause, CloseCause::Closed);
    });
}

#[test]
fn waker_that_reenters_when_connection_is_lost_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, _events, mut peer) = connect(&server).await;
        let call = with_reentrant_waker(&chat, chat.count());
        let (counted, ()) = tokio::join!(call, async {
            peer.text().await;
            peer.cut();
        });
        assert_eq!(disconnected(counted).cause, CloseCause::Lost);
    });
}

#[test]
fn waker_that_reenters_when_session_is_not_recovered_does_not_deadlock() {
    const SECRET: &str = "AZaz09-_AZaz09-_AZaz09";
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (connected, mut peer) = tokio::join!(
            without_call_timeout(&server).connect(),
            server.accept_session(SECRET, "")
        );
        let (chat, _events) = connected.expect("connected");
        let call = with_reentrant_waker(&chat, chat.count());
        let (counted, _peer) = tokio::join!(call, async {
            peer.text().await;
            peer.cut();
            server.accept().await
        });
        assert_eq!(disconnected(counted).cause, CloseCause::Lost);
    });
}

#[test]
fn waker_that_reenters_when_events_are_not_polled_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, _events, mut peer) = connect(&server).await;
        let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(1 << 16));
        let flood = tokio::spawn(async move {
            for _ in 0..200 {
                peer.send(&event).await;
            }
        });
        let counted = with_reentrant_waker(&chat, chat.count()).await;
        assert_eq!(counted, Err(CallError::EventsNotPolled));
        flood.abort();
    });
}

#[test]
fn waker_that_reenters_when_runtime_stops_does_not_deadlock() {
    without_deadlock(|| {
        let runtime = runtime();
        let (server, (chat, events, peer)) = runtime.block_on(async {
            let server = RawServer::start().await;
            let connected = connect(&server).await;
            (server, connected)
        });
        let calls = ReentrantCalls::new(&chat);
        let times = Arc::clone(&calls.times);
        let waker = Waker::from(Arc::new(ReentrantWaker { calls, task: Waker::noop().clone() }));
        let mut call = pin!(chat.count());
        assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(runtime);
        assert_eq!(times.load(Ordering::Relaxed), 1);
        let counted = call.poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(counted) = counted else { panic!("pending") };
        assert_eq!(closed_call(counted).cause, CloseCause::Stopped);
        drop((server, events, peer));
    });
}

#[test]
fn waker_that_reenters_when_event_arrives_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) = connect(&server).await;
        let (event, ()) = tokio::join!(
            with_reentrant_waker(&chat, events.next()),
            peer.send(r#"["said",{"text":"a","number":1}]"#)
        );
        assert!(matches!(event, Some(ChatEvent::Said { number: 1, .. })), "{event:?}");
    });
}

/// Polls for an event with a waker that reenters the client when it is dropped. Returns how often
/// it did.
fn poll_event(chat: &ChatClient, events: &mut ChatEvents) -> Arc<AtomicUsize> {
    let calls = ReentrantCalls::new(chat);
    let times = Arc::clone(&calls.times);
    let waker = Waker::from(Arc::new(ReentersOnDrop(calls)));
    let event = pin!(events.next()).poll(&mut Context::from_waker(&waker));
    assert!(event.is_pending(), "{event:?}");
    times
}

#[test]
fn waker_that_reenters_when_it_is_replaced_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, mut events, _peer) = connect(&server).await;
        let times = poll_event(&chat, &mut events);
        let event = pin!(events.next()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(event.is_pending(), "{event:?}");
        assert_eq!(times.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn waker_that_reenters_when_events_are_dropped_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, mut events, _peer) = connect(&server).await;
        let times = poll_event(&chat, &mut events);
        drop(events);
        assert_eq!(times.load(Ordering::Relaxed), 1);
    });
}

/// A log subscriber that reenters the client for each event.
#[derive(Default)]
struct ReentrantSubscriber {
    calls: OnceLock<ReentrantCalls>,
    warnings: AtomicUsize,
}

impl Subscriber for ReentrantSubscriber {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if let Some(calls) = self.calls.get() {
            calls.run();
            let warns = *event.metadata().level() == Level::WARN;
            self.warnings.fetch_add(warns.into(), Ordering::Relaxed);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn log_subscriber_and_waker_that_reenter_when_message_is_too_large_do_not_deadlock() {
    without_deadlock_async(|| async {
        let logs = Arc::new(ReentrantSubscriber::default());
        let _here = set_default(Arc::clone(&logs));
        // With only one subscriber, `tracing` caches whether it is interested, as seen from the
        // thread of any test. A second subscriber prevents that.
        let _another = Dispatch::new(NoSubscriber::new());
        let server = RawServer::start().await;
        let (chat, mut events, peer) = connect(&server).await;
        assert!(logs.calls.set(ReentrantCalls::new(&chat)).is_ok());
        peer.cut();
        let lost = within_timeout("the loss", events.next()).await;
        assert!(
            matches!(lost, Some(ChatEvent::Connection(ConnectionChange::Lost { .. }))),
            "{lost:?}"
        );
        let call = with_reentrant_waker(&chat, chat.join_room("a room with a long name"));
        let (joined, _peer) = tokio::join!(call, server.accept_with(30_000, 20));
        let too_large = matches!(joined, Err(CallError::TooLarge { limit: 20, .. }));
        assert!(too_large, "{joined:?}");
        assert_ne!(logs.warnings.load(Ordering::Relaxed), 0);
    });
}
