//! Concurrent emits arrive in one order at all members. Emitting from user code that runs during an
//! emit does not deadlock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use parlor::prelude::*;
use parlor::{Io, Router};
use parlor_tests::{TestServer, wait_for_connections, within_timeout, without_deadlock_async};
use tracing::subscriber::{NoSubscriber, set_default};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const ROOM: &str = "hall";

#[procedure]
trait Hall {
    /// Panics, which is logged.
    #[incoming]
    async fn crash(&mut self);

    #[outgoing]
    fn counted(number: u32);
    #[outgoing]
    fn said(#[validate(length(max = 10))] text: String);
    #[outgoing]
    fn shouted(text: String);
}

struct Guest;

impl Hall for Guest {
    async fn crash(&mut self) {
        panic!("on purpose");
    }
}

/// A server whose sessions are all in the room.
fn hall() -> HallServer<Guest> {
    HallServer::new(|socket: HallSocket| async move {
        socket.join(ROOM).map_err(|error| Reject::try_later(error.to_string()))?;
        Ok(Guest)
    })
}

async fn serve(hall: HallServer<Guest>) -> (TestServer, String) {
    let running = TestServer::start(Router::new().procedure("/hall", hall)).await;
    let url = running.url("/hall");
    (running, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emits_from_two_threads_arrive_in_same_order_at_all_members() {
    const CLIENTS: usize = 40;
    const EACH: u32 = 500;
    let hall = hall();
    let io = hall.io();
    let (_running, url) = serve(hall).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (client, mut events) = HallClient::connect(&url).await.expect("connected");
        clients.push(tokio::spawn(async move {
            let mut numbers = Vec::new();
            while numbers.len() < 2 * EACH as usize {
                if let Some(HallEvent::Counted { number }) = events.next().await {
                    numbers.push(number);
                }
            }
            drop(client);
            numbers
        }));
    }
    wait_for_connections(&io, CLIENTS).await;
    let emit = |numbers: std::ops::Range<u32>| {
        let io = io.clone();
        thread::spawn(move || numbers.for_each(|number| io.to(ROOM).counted(number)))
    };
    let threads = [emit(0..EACH), emit(EACH..2 * EACH)];
    let mut orders = Vec::new();
    for client in clients {
        orders.push(within_timeout("all numbers", client).await.expect("no panic"));
    }
    for thread in threads {
        thread.join().expect("no panic");
    }
    let first = &orders[0];
    assert!(orders.iter().all(|order| order == first), "members see different orders");
    let (low, high): (Vec<u32>, Vec<u32>) = first.iter().partition(|number| **number < EACH);
    assert!(low.is_sorted() && high.is_sorted(), "emits of one thread arrive in order");
}

/// A value in a request that emits to the room of its session when it is dropped.
struct EmitsOnDrop(Io<HallEmitter>, Arc<AtomicU32>);

impl Drop for EmitsOnDrop {
    fn drop(&mut self) {
        self.0.to(ROOM).counted(0);
        self.0.broadcast().counted(0);
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn request_extension_that_emits_on_drop_does_not_deadlock() {
    const CLIENTS: u32 = 100;
    without_deadlock_async(async || {
        let dropped = Arc::<AtomicU32>::default();
        let hall = hall();
        let io = hall.io();
        let (emitting, count) = (io.clone(), Arc::clone(&dropped));
        let hall = hall.middleware(move |mut request| {
            let value = EmitsOnDrop(emitting.clone(), Arc::clone(&count));
            request.extensions_mut().insert(Arc::new(value));
            async { Ok(request) }
        });
        let (running, url) = serve(hall).await;
        let stop = Arc::<AtomicBool>::default();
        let broadcasts = thread::spawn({
            let (io, stop) = (io.clone(), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    io.to(ROOM).counted(1);
                    io.broadcast().counted(1);
                }
            }
        });
        for _ in 0..CLIENTS {
            drop(HallClient::connect(&url).await.expect("connected"));
        }
        stop.store(true, Ordering::Relaxed);
        broadcasts.join().expect("no panic");
        running.stop().await;
        assert_eq!(dropped.load(Ordering::Relaxed), CLIENTS);
    });
}

/// Emits for each log line, except those that its own emit causes.
struct EmittingLayer {
    io: Io<HallEmitter>,
    lines: Arc<AtomicU32>,
}

thread_local! {
    static IS_EMITTING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl<S: tracing::Subscriber> Layer<S> for EmittingLayer {
    fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
        if !IS_EMITTING.replace(true) {
            self.io.to(ROOM).counted(self.lines.fetch_add(1, Ordering::Relaxed));
            self.io.broadcast().counted(0);
            IS_EMITTING.set(false);
        }
    }
}

#[test]
fn log_layer_that_emits_does_not_deadlock() {
    without_deadlock_async(async || {
        let hall = hall();
        let io = hall.io();
        let lines = Arc::<AtomicU32>::default();
        let layer = EmittingLayer { io: io.clone(), lines: Arc::clone(&lines) };
        let _logged = set_default(tracing_subscriber::registry().with(layer));
        // With only one subscriber, `tracing` caches whether it is interested, as seen from the
        // thread of any test. A second subscriber prevents that.
        let _another = tracing::Dispatch::new(NoSubscriber::new());
        let (running, url) = serve(hall).await;
        let (client, mut events) = HallClient::connect(&url).await.expect("connected");
        wait_for_connections(&io, 1).await;
        let logged_by = |what: &str, act: &dyn Fn()| {
            let before = lines.load(Ordering::Relaxed);
            act();
            assert!(lines.load(Ordering::Relaxed) > before, "{what} is not logged");
        };
        for emitter in [io.to(ROOM), io.broadcast()] {
            logged_by("a broken rule", &|| emitter.said("far too long a text"));
            logged_by("an event too large", &|| emitter.shouted("x".repeat(2 << 20)));
        }
        assert!(matches!(
            within_timeout("an event", events.next()).await,
            Some(HallEvent::Counted { .. })
        ));
        let before = lines.load(Ordering::Relaxed);
        client.crash().expect("sent");
        within_timeout("a line about the panic", async {
            while lines.load(Ordering::Relaxed) == before {
                tokio::task::yield_now().await;
            }
        })
        .await;
        running.stop().await;
    });
}
