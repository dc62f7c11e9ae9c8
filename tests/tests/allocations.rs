//! What a server allocates: at most once for a message that comes in, beyond what is the user's own,
//! and at most once for a broadcast, however many hear it.
//!
//! Allocations are counted by thread, and the server has one of its own: clients do not count.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use parlor::Router;
use parlor::prelude::*;
use parlor_tests::soon;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// So many messages are handled before any are counted, and so many then.
const WARM_UP: u32 = 600;
const COUNTED: u32 = 1000;
/// Where everybody is.
const ROOM: &str = "hall";

#[procedure]
trait Hall {
    /// Takes nothing that has to be allocated.
    #[incoming]
    async fn add(&mut self, number: u32, factor: f64);
    /// The same, and does not come to its end at once.
    #[incoming]
    async fn ponder(&mut self, number: u32, factor: f64);
    /// Takes what is allocated once.
    #[incoming]
    async fn note(&mut self, text: String);
    /// Answers.
    #[incoming]
    async fn double(&mut self, number: u32) -> u32;
    /// Tells one's own client.
    #[incoming]
    async fn echo(&mut self, number: u32);
    /// Tells everybody.
    #[incoming]
    async fn tell_all(&mut self, number: u32);
    /// Tells everybody in the room.
    #[incoming]
    async fn tell_room(&mut self, number: u32);
    /// Tells the others in the room.
    #[incoming]
    async fn tell_others(&mut self, number: u32);
    /// Tells everybody who keeps up.
    #[incoming]
    async fn hint(&mut self, number: u32);
    /// Tells everybody the newest.
    #[incoming]
    async fn price(&mut self, number: u32);

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
    async fn ponder(&mut self, _number: u32, _factor: f64) {
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
    async fn tell_all(&mut self, number: u32) {
        self.socket.io().broadcast().told(number, 0.5);
        self.progress.step();
    }
    async fn tell_room(&mut self, number: u32) {
        self.socket.io().to(ROOM).told(number, 0.5);
        self.progress.step();
    }
    async fn tell_others(&mut self, number: u32) {
        self.socket.to(ROOM).told(number, 0.5);
        self.progress.step();
    }
    async fn hint(&mut self, number: u32) {
        self.socket.io().broadcast().hinted(number);
        self.progress.step();
    }
    async fn price(&mut self, number: u32) {
        self.socket.io().broadcast().priced(number);
        self.progress.step();
    }
}

/// How far the server is.
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

/// What the first client does, with the number of the message.
type Say = fn(&HallClient, u32);

/// Allocations of the server per message, with so many clients there. The first says it again and
/// again, `at_once` in one go, and waits until they are handled.
fn allocations(clients: u32, at_once: u32, say: Say) -> f64 {
    let progress = Arc::<Progress>::default();
    let (announce, announced) = mpsc::channel();
    let server = thread::spawn({
        let progress = Arc::clone(&progress);
        move || {
            let runtime = runtime();
            let addr = runtime.block_on(serve(&progress));
            announce.send(addr).expect("the test waits for it");
            runtime.block_on(soon("the warm-up", progress.warm.notified()));
            let counted = allocation_counter::measure(|| {
                runtime.block_on(soon("the messages", progress.done.notified()));
            });
            counted.count_total
        }
    });
    let addr = announced.recv().expect("the server runs");
    runtime().block_on(crowd(addr, clients, async |client| {
        for number in 0..WARM_UP + COUNTED {
            if number % at_once == 0 {
                progress.until(number).await;
            }
            say(client, number);
        }
        progress.until(WARM_UP + COUNTED).await;
    }));
    let counted = server.join().expect("the server does not panic");
    f64::from(u32::try_from(counted).expect("few")) / f64::from(COUNTED)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A server that goes on while the runtime of its thread does.
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

/// So many clients that listen, while the first speaks.
async fn crowd(addr: SocketAddr, clients: u32, speak: impl AsyncFn(&HallClient)) {
    let url = format!("ws://{addr}/hall");
    let (first, mut events) = HallClient::connect(&url).await.expect("connected");
    tokio::spawn(async move { while events.next().await.is_some() {} });
    let mut others = Vec::new();
    for _ in 1..clients {
        let (other, mut events) = HallClient::connect(&url).await.expect("connected");
        tokio::spawn(async move { while events.next().await.is_some() {} });
        others.push(other);
    }
    speak(&first).await;
}

/// Fails when the server does not allocate as often per message as it is known to.
///
/// A few are neither the message's nor the broadcast's: each side confirms now and then what it has
/// received, and what is kept for a client until then grows and shrinks around that.
fn assert_allocates(per_message: u32, clients: u32, at_once: u32, what: &str, say: Say) {
    let found = allocations(clients, at_once, say);
    let known = f64::from(per_message);
    let strays = 0.1 + f64::from(clients) * 2.0 / 512.0;
    assert!(
        found < known + strays,
        "{what}, {clients} clients: {found} allocations per message, up from {per_message}"
    );
    assert!(
        found > known - 0.5,
        "{what}, {clients} clients: {found} allocations per message: lower the {per_message} here"
    );
}

#[test]
fn a_message_is_what_its_user_makes_of_it() {
    let add: Say = |client, n| client.add(n, 0.5).expect("sent");
    assert_allocates(0, 1, 1, "numbers, one by one", add);
    assert_allocates(0, 1, 64, "numbers, many at once", add);
    assert_allocates(1, 1, 1, "a `String`", |client, _| client.note("a text").expect("sent"));
}

#[test]
fn a_message_that_waits_for_another_is_allocated_once() {
    let ponder: Say = |client, n| client.ponder(n, 0.5).expect("sent");
    assert_allocates(0, 1, 1, "nothing waits", ponder);
    assert_allocates(1, 1, 64, "its text waits", ponder);
}

#[test]
fn an_answer_and_an_event_for_one_client_are_allocated_once() {
    assert_allocates(1, 1, 1, "a call", |client, n| drop(tokio::spawn(client.double(n))));
    assert_allocates(1, 1, 1, "an echo", |client, n| client.echo(n).expect("sent"));
}

#[test]
fn a_broadcast_is_allocated_once_whoever_hears_it() {
    for clients in [1, 10, 50] {
        let tell: Say = |client, n| client.tell_all(n).expect("sent");
        assert_allocates(1, clients, 1, "to all", tell);
    }
    assert_allocates(1, 50, 16, "many to all", |client, n| client.tell_all(n).expect("sent"));
    assert_allocates(1, 50, 1, "`volatile`", |client, n| client.hint(n).expect("sent"));
    assert_allocates(1, 50, 1, "`latest`", |client, n| client.price(n).expect("sent"));
}

#[test]
fn a_broadcast_to_a_room_is_allocated_once_too() {
    for clients in [10, 50] {
        let tell: Say = |client, n| client.tell_room(n).expect("sent");
        assert_allocates(1, clients, 1, "to a room", tell);
        let tell: Say = |client, n| client.tell_others(n).expect("sent");
        assert_allocates(1, clients, 1, "to the others in a room", tell);
    }
}
