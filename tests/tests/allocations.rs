//! What a server allocates: at most once per received message, beyond the user's own values, and
//! once per broadcast, for any number of receivers.
//!
//! Allocations are counted per thread. The server has a thread of its own, so clients do not count.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use parlor::Router;
use parlor::prelude::*;
use parlor_tests::within_timeout;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// Messages handled before counting starts, and counted messages.
const WARM_UP: u32 = 600;
const COUNTED: u32 = 1000;
/// The room of all sessions.
const ROOM: &str = "hall";

#[procedure]
trait Hall {
    /// Has fields that need no allocation.
    #[incoming]
    async fn add(&mut self, number: u32, factor: f64);
    /// The same, but yields before it ends.
    #[incoming]
    async fn add_slowly(&mut self, number: u32, factor: f64);
    /// Has one field that is allocated.
    #[incoming]
    async fn note(&mut self, text: String);
    /// Returns an answer.
    #[incoming]
    async fn double(&mut self, number: u32) -> u32;
    /// Emits to its own client.
    #[incoming]
    async fn echo(&mut self, number: u32);
    /// Emits to all.
    #[incoming]
    async fn emit_to_all(&mut self, number: u32);
    /// Emits to the room.
    #[incoming]
    async fn emit_to_room(&mut self, number: u32);
    /// Emits to the room without the sender.
    #[incoming]
    async fn emit_to_others(&mut self, number: u32);
    /// Emits a volatile event to all.
    #[incoming]
    async fn emit_volatile(&mut self, number: u32);
    /// Emits a latest event to all.
    #[incoming]
    async fn emit_latest(&mut self, number: u32);

    #[outgoing]
    fn told(number: u32, factor: f64);
    #[outgoing(volatile)]
    fn hinted(number: u32);
    #[outgoing(latest)]
    fn priced(number: u32);
}

struct Guest {
    socket: HallSocket,
    progress: Arc<Progress>,
}

impl Hall for Guest {
    async fn add(&mut self, _number: u32, _factor: f64) {
        self.progress.step();
    }
    async fn add_slowly(&mut self, _number: u32, _factor: f64) {
        tokio::task::yield_now().await;
        self.progress.step();
    }
    async fn note(&mut self, _text: String) {
        self.progress.step();
    }
    async fn double(&mut self, number: u32) -> u32 {
        self.progress.step();
        number * 2
    }
    async fn echo(&mut self, number: u32) {
        self.socket.emit().told(number, 0.5);
        self.progress.step();
    }
    async fn emit_to_all(&mut self, number: u32) {
        self.socket.io().broadcast().told(number, 0.5);
        self.progress.step();
    }
    async fn emit_to_room(&mut self, number: u32) {
        self.socket.io().to(ROOM).told(number, 0.5);
        self.progress.step();
    }
    async fn emit_to_others(&mut self, number: u32) {
        self.socket.to(ROOM).told(number, 0.5);
        self.progress.step();
    }
    async fn emit_volatile(&mut self, number: u32) {
        self.socket.io().broadcast().hinted(number);
        self.progress.step();
    }
    async fn emit_latest(&mut self, number: u32) {
        self.socket.io().broadcast().priced(number);
        self.progress.step();
    }
}

/// Counts handled messages.
#[derive(Default)]
struct Progress {
    handled: AtomicU32,
    stepped: Notify,
    warm: Notify,
    done: Notify,
}

impl Progress {
    fn step(&self) {
        match self.handled.fetch_add(1, Ordering::Release) + 1 {
            WARM_UP => self.warm.notify_one(),
            handled if handled == WARM_UP + COUNTED => self.done.notify_one(),
            _ => {}
        }
        self.stepped.notify_one();
    }

    async fn until(&self, handled: u32) {
        while self.handled.load(Ordering::Acquire) < handled {
            self.stepped.notified().await;
        }
    }
}

/// Sends one message, given its number.
type SendMessage = fn(&HallClient, u32);

/// Returns the allocations of the server per message, with `clients` connected clients. The first
/// client sends the messages in groups of `at_once` and waits until each group is handled.
fn allocations(clients: u32, at_once: u32, send: SendMessage) -> f64 {
    let progress = Arc::<Progress>::default();
    let (announce, announced) = mpsc::channel();
    let server = thread::spawn({
        let progress = Arc::clone(&progress);
        move || {
            let runtime = runtime();
            let addr = runtime.block_on(serve(&progress));
            announce.send(addr).expect("the test waits for it");
            runtime.block_on(within_timeout("the warm-up", progress.warm.notified()));
            let counted = allocation_counter::measure(|| {
                runtime.block_on(within_timeout("the messages", progress.done.notified()));
            });
            counted.count_total
        }
    });
    let addr = announced.recv().expect("the server runs");
    runtime().block_on(with_clients(addr, clients, async |client| {
        for number in 0..WARM_UP + COUNTED {
            if number % at_once == 0 {
                progress.until(number).await;
            }
            send(client, number);
        }
        progress.until(WARM_UP + COUNTED).await;
    }));
    let counted = server.join().expect("the server does not panic");
    f64::from(u32::try_from(counted).expect("fits")) / f64::from(COUNTED)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Serves until the runtime of its thread stops.
async fn serve(progress: &Arc<Progress>) -> SocketAddr {
    let progress = Arc::clone(progress);
    let hall = HallServer::new(move |socket: HallSocket| {
        let guest = Guest { socket, progress: Arc::clone(&progress) };
        async {
            guest.socket.join(ROOM).map_err(|error| Reject::try_later(error.to_string()))?;
            Ok(guest)
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(Router::new().procedure("/hall", hall).serve(listener).into_future());
    addr
}

/// Connects `clients` clients that read events, and runs `run` with the first one.
async fn with_clients(addr: SocketAddr, clients: u32, run: impl AsyncFn(&HallClient)) {
    let url = format!("ws://{addr}/hall");
    let (first, mut events) = HallClient::connect(&url).await.expect("connected");
    tokio::spawn(async move { while events.next().await.is_some() {} });
    let mut others = Vec::new();
    for _ in 1..clients {
        let (other, mut events) = HallClient::connect(&url).await.expect("connected");
        tokio::spawn(async move { while events.next().await.is_some() {} });
        others.push(other);
    }
    run(&first).await;
}

/// Asserts that the server allocates `per_message` times per message.
///
/// A few allocations belong to no message: acknowledgements, and the growth of the buffers of
/// unconfirmed frames.
fn assert_allocates(per_message: u32, clients: u32, at_once: u32, what: &str, send: SendMessage) {
    let found = allocations(clients, at_once, send);
    let expected = f64::from(per_message);
    let tolerance = 0.1 + f64::from(clients) * 2.0 / 512.0;
    assert!(
        found < expected + tolerance,
        "{what}, {clients} clients: {found} allocations per message, up from {per_message}"
    );
    assert!(
        found > expected - 0.5,
        "{what}, {clients} clients: {found} allocations per message: lower the {per_message} here"
    );
}

#[test]
fn event_allocates_only_its_own_fields() {
    let add: SendMessage = |client, n| client.add(n, 0.5).expect("sent");
    assert_allocates(0, 1, 1, "numbers, one at a time", add);
    assert_allocates(0, 1, 64, "numbers, many at once", add);
    assert_allocates(1, 1, 1, "a `String`", |client, _| client.note("a text").expect("sent"));
}

#[test]
fn event_read_ahead_allocates_once() {
    let add_slowly: SendMessage = |client, n| client.add_slowly(n, 0.5).expect("sent");
    assert_allocates(0, 1, 1, "not read ahead", add_slowly);
    assert_allocates(1, 1, 64, "read ahead", add_slowly);
}

#[test]
fn answer_and_emit_to_one_client_allocate_once() {
    assert_allocates(1, 1, 1, "a call", |client, n| drop(tokio::spawn(client.double(n))));
    assert_allocates(1, 1, 1, "an echo", |client, n| client.echo(n).expect("sent"));
}

#[test]
fn broadcast_allocates_once_for_any_number_of_clients() {
    for clients in [1, 10, 50] {
        let emit: SendMessage = |client, n| client.emit_to_all(n).expect("sent");
        assert_allocates(1, clients, 1, "to all", emit);
    }
    assert_allocates(1, 50, 16, "many at once to all", |client, n| {
        client.emit_to_all(n).expect("sent");
    });
    assert_allocates(1, 50, 1, "`volatile`", |client, n| client.emit_volatile(n).expect("sent"));
    assert_allocates(1, 50, 1, "`latest`", |client, n| client.emit_latest(n).expect("sent"));
}

#[test]
fn broadcast_to_room_allocates_once_for_any_number_of_members() {
    for clients in [10, 50] {
        let emit: SendMessage = |client, n| client.emit_to_room(n).expect("sent");
        assert_allocates(1, clients, 1, "to a room", emit);
        let emit: SendMessage = |client, n| client.emit_to_others(n).expect("sent");
        assert_allocates(1, clients, 1, "to the others in a room", emit);
    }
}
