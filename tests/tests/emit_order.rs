//! Emits from several places at once: one order for all members, and no deadlock with user code that
//! emits where nobody expects it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use parlor::prelude::*;
use parlor::{Io, Router};
use parlor_tests::{GENEROUS, Running, soon, until_connected};
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
        panic!("as the test asked");
    }
}

/// A procedure whose sessions are in the room.
fn hall() -> HallServer<Guest> {
    HallServer::new(|socket: HallSocket| async move {
        socket.join(ROOM).map_err(|error| Reject::try_later(error.to_string()))?;
        Ok(Guest)
    })
}

async fn serve(hall: HallServer<Guest>) -> (Running, String) {
    let running = Running::start(Router::new().procedure("/hall", hall)).await;
    let url = running.url("/hall");
    (running, url)
}

/// Runs a test on a thread of its own, so that a deadlock fails it.
fn on_a_thread(test: impl AsyncFnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test());
        let _ = done.send(());
    });
    is_done.recv_timeout(2 * GENEROUS).expect("the test neither panics nor waits for a lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emits_of_two_threads_to_one_room_have_one_order_for_all_members() {
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
    until_connected(&io, CLIENTS).await;
    let emit = |numbers: std::ops::Range<u32>| {
        let io = io.clone();
        thread::spawn(move || numbers.for_each(|number| io.to(ROOM).counted(number)))
    };
    let threads = [emit(0..EACH), emit(EACH..2 * EACH)];
    let mut orders = Vec::new();
    for client in clients {
        orders.push(soon("all numbers", client).await.expect("no panic"));
    }
    for thread in threads {
        thread.join().expect("no panic");
    }
    let first = &orders[0];
    assert!(orders.iter().all(|order| order == first), "members see different orders");
    let (low, high): (Vec<u32>, Vec<u32>) = first.iter().partition(|number| **number < EACH);
    assert!(low.is_sorted() && high.is_sorted(), "those of one thread come in their order");
}

/// A value in a request that emits to the room of its session when it is dropped.
struct EmitsAtDrop(Io<HallEmitter>, Arc<AtomicU32>);

impl Drop for EmitsAtDrop {
    fn drop(&mut self) {
        self.0.to(ROOM).counted(0);
        self.0.broadcast().counted(0);
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn requests_that_emit_when_dropped_deadlock_nothing_during_broadcasts() {
    const CLIENTS: u32 = 100;
    on_a_thread(async || {
        let dropped = Arc::<AtomicU32>::default();
        let hall = hall();
        let io = hall.io();
        let (theirs, count) = (io.clone(), Arc::clone(&dropped));
        let hall = hall.middleware(move |mut request| {
            let value = EmitsAtDrop(theirs.clone(), Arc::clone(&count));
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

/// Emits to everyone and to the room for each line of the log that is not about an emit of its own.
struct Emits {
    io: Io<HallEmitter>,
    lines: Arc<AtomicU32>,
}

thread_local! {
    static IS_EMITTING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl<S: tracing::Subscriber> Layer<S> for Emits {
    fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
        if !IS_EMITTING.replace(true) {
            self.io.to(ROOM).counted(self.lines.fetch_add(1, Ordering::Relaxed));
            self.io.broadcast().counted(0);
            IS_EMITTING.set(false);
        }
    }
}

#[test]
fn log_layer_that_emits_deadlocks_nothing() {
    on_a_thread(async || {
        let hall = hall();
        let io = hall.io();
        let lines = Arc::<AtomicU32>::default();
        let layer = Emits { io: io.clone(), lines: Arc::clone(&lines) };
        let _logged = set_default(tracing_subscriber::registry().with(layer));
        // With one subscriber, `tracing` asks whether anything is logged on the thread of any test.
        let _another = tracing::Dispatch::new(NoSubscriber::new());
        let (running, url) = serve(hall).await;
        let (client, mut events) = HallClient::connect(&url).await.expect("connected");
        until_connected(&io, 1).await;
        let logged_by = |what: &str, act: &dyn Fn()| {
            let before = lines.load(Ordering::Relaxed);
            act();
            assert!(lines.load(Ordering::Relaxed) > before, "{what} is not logged");
        };
        for emitter in [io.to(ROOM), io.broadcast()] {
            logged_by("a broken rule", &|| emitter.said("far too long a text"));
            logged_by("an event too large", &|| emitter.shouted("x".repeat(2 << 20)));
        }
        assert!(matches!(soon("an event", events.next()).await, Some(HallEvent::Counted { .. })));
        let before = lines.load(Ordering::Relaxed);
        client.crash().expect("sent");
        soon("a line about the panic", async {
            while lines.load(Ordering::Relaxed) == before {
                tokio::task::yield_now().await;
            }
        })
        .await;
        running.stop().await;
    });
}
