//! Wakers and log subscribers that come back into the client that calls them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use parlor::{CallError, ClientBuilder, ConnectionChange};
use parlor_tests::{GENEROUS, soon};
use tokio::runtime::{Builder, Runtime};
use tracing::subscriber::{NoSubscriber, set_default};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, span};

use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use crate::raw::{Peer, RawServer};

/// Runs `test` on another thread, so that a deadlock fails the test.
fn without_deadlock(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    let ended = ended.recv_timeout(GENEROUS * 2);
    assert_ne!(ended, Err(RecvTimeoutError::Timeout), "a deadlock");
    thread.join().expect("no panic");
}

fn without_deadlock_async<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    without_deadlock(|| runtime().block_on(test()));
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A client whose calls end only by what the test does.
fn patient(server: &RawServer) -> ClientBuilder<ChatClient> {
    ChatClient::builder(server.url())
        .reconnect_interval(Duration::from_millis(10))
        .call_timeout(Duration::MAX)
}

async fn connect(server: &RawServer) -> (ChatClient, ChatEvents, Peer) {
    let (connected, peer) = tokio::join!(patient(server).connect(), server.accept());
    let (chat, events) = connected.expect("connected");
    (chat, events, peer)
}

/// Uses the client in each way that takes its lock.
struct Reentry {
    chat: ChatClient,
    /// How often it came through.
    times: Arc<AtomicUsize>,
}

impl Reentry {
    fn new(chat: &ChatClient) -> Self {
        Self { chat: chat.clone(), times: Arc::default() }
    }

    fn reenter(&self) {
        self.chat.status();
        let _ = self.chat.say("again");
        drop(self.chat.count());
        self.times.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reenters when it is woken.
struct Woken {
    reentry: Reentry,
    task: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.reentry.reenter();
        self.task.wake_by_ref();
    }
}

/// Reenters when it is dropped.
struct Dropped(Reentry);

impl Wake for Dropped {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.reenter();
    }
}

/// Waits for `future`; its waker reenters the client, and has to come through.
async fn reentering<F: Future>(chat: &ChatClient, future: F) -> F::Output {
    let mut future = pin!(future);
    let times = Arc::new(AtomicUsize::new(0));
    let polled = poll_fn(|cx| {
        let reentry = Reentry { chat: chat.clone(), times: Arc::clone(&times) };
        let waker = Waker::from(Arc::new(Woken { reentry, task: cx.waker().clone() }));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    });
    let output = soon("what the waker reenters for", polled).await;
    assert_ne!(times.load(Ordering::Relaxed), 0);
    output
}

#[test]
fn waker_that_reenters_when_call_is_answered_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, _events, mut peer) = connect(&server).await;
        let call = reentering(&chat, chat.count());
        let (counted, ()) = tokio::join!(call, peer.answer("$ok", "5"));
        assert_eq!(counted, Ok(5));
    });
}

#[test]
fn waker_that_reenters_when_client_closes_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, _events, _peer) = connect(&server).await;
        let call = reentering(&chat, chat.count());
        let (counted, ()) = tokio::join!(call, async { chat.close() });
        assert_eq!(counted, Err(CallError::Closed));
    });
}

#[test]
fn waker_that_reenters_when_connection_is_lost_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, _events, mut peer) = connect(&server).await;
        let call = reentering(&chat, chat.count());
        let (counted, ()) = tokio::join!(call, async {
            peer.text().await;
            peer.cut();
        });
        assert_eq!(counted, Err(CallError::Disconnected));
    });
}

#[test]
fn waker_that_reenters_when_session_is_not_recovered_does_not_deadlock() {
    const SECRET: &str = "AZaz09-_AZaz09-_AZaz09";
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (connected, mut peer) =
            tokio::join!(patient(&server).connect(), server.accept_session(SECRET, ""));
        let (chat, _events) = connected.expect("connected");
        let call = reentering(&chat, chat.count());
        let (counted, _peer) = tokio::join!(call, async {
            peer.text().await;
            peer.cut();
            server.accept().await
        });
        assert_eq!(counted, Err(CallError::Disconnected));
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
        let counted = reentering(&chat, chat.count()).await;
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
        let reentry = Reentry::new(&chat);
        let times = Arc::clone(&reentry.times);
        let waker = Waker::from(Arc::new(Woken { reentry, task: Waker::noop().clone() }));
        let mut call = pin!(chat.count());
        assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(runtime);
        assert_eq!(times.load(Ordering::Relaxed), 1);
        let counted = call.poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(counted, Poll::Ready(Err(CallError::Closed)));
        drop((server, events, peer));
    });
}

#[test]
fn waker_that_reenters_when_event_comes_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) = connect(&server).await;
        let (event, ()) = tokio::join!(
            reentering(&chat, events.next()),
            peer.send(r#"["said",{"text":"a","number":1}]"#)
        );
        assert!(matches!(event, Some(ChatEvent::Said { number: 1, .. })), "{event:?}");
    });
}

/// Waits for an event with a waker that reenters when it is dropped; says how often it did.
fn wait_for_event(chat: &ChatClient, events: &mut ChatEvents) -> Arc<AtomicUsize> {
    let reentry = Reentry::new(chat);
    let times = Arc::clone(&reentry.times);
    let waker = Waker::from(Arc::new(Dropped(reentry)));
    let event = pin!(events.next()).poll(&mut Context::from_waker(&waker));
    assert!(event.is_pending(), "{event:?}");
    times
}

#[test]
fn waker_that_reenters_when_it_is_replaced_does_not_deadlock() {
    without_deadlock_async(|| async {
        let server = RawServer::start().await;
        let (chat, mut events, _peer) = connect(&server).await;
        let times = wait_for_event(&chat, &mut events);
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
        let times = wait_for_event(&chat, &mut events);
        drop(events);
        assert_eq!(times.load(Ordering::Relaxed), 1);
    });
}

/// Reenters a client when something is logged.
#[derive(Default)]
struct Logs {
    reentry: OnceLock<Reentry>,
    warnings: AtomicUsize,
}

impl Subscriber for Logs {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if let Some(reentry) = self.reentry.get() {
            reentry.reenter();
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
        let logs = Arc::new(Logs::default());
        let _here = set_default(Arc::clone(&logs));
        // With one subscriber alone, the thread of another test could turn its events off.
        let _another = Dispatch::new(NoSubscriber::new());
        let server = RawServer::start().await;
        let (chat, mut events, peer) = connect(&server).await;
        assert!(logs.reentry.set(Reentry::new(&chat)).is_ok());
        peer.cut();
        let lost = soon("the loss", events.next()).await;
        assert!(
            matches!(lost, Some(ChatEvent::Connection(ConnectionChange::Lost { .. }))),
            "{lost:?}"
        );
        let call = reentering(&chat, chat.join_room("a room with a long name"));
        let (joined, _peer) = tokio::join!(call, server.accept_with(30_000, 20));
        let too_large = matches!(joined, Err(CallError::TooLarge { limit: 20, .. }));
        assert!(too_large, "{joined:?}");
        assert_ne!(logs.warnings.load(Ordering::Relaxed), 0);
    });
}
