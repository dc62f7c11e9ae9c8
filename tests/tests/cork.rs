//! What a session emits to others is written by its own task before that sleeps, or on a thread that
//! serves and nothing else a moment later: it arrives, however and whenever the handler ends, and nobody
//! keeps a connection open by keeping its socket.

use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};

use parlor::prelude::*;
use parlor::{DisconnectReason, Router};
use parlor_tests::{Running, Wire};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

#[procedure]
trait Stage {
    /// Enters the room of all.
    #[incoming]
    async fn enter(&mut self) -> bool;
    /// Says it, and goes on for ever.
    #[incoming]
    async fn say_and_hang(&mut self, text: String);
    /// Says it, and panics.
    #[incoming]
    async fn say_and_panic(&mut self, text: String);
    /// Says it, and is closed.
    #[incoming]
    async fn say_and_close(&mut self, text: String);
    /// Says the texts one by one.
    #[incoming]
    async fn say_all(&mut self, texts: Vec<String>);
    /// Says the texts one by one, but not itself.
    #[incoming]
    async fn have_all_said(&mut self, texts: Vec<String>);
    /// Says a text of so many bytes so many times.
    #[incoming]
    async fn say_much(&mut self, bytes: usize, times: usize);
    /// Keeps the thread busy until the test says so.
    #[incoming]
    async fn hold_the_thread(&mut self);

    #[outgoing]
    fn said(text: String);
}

struct Actor {
    socket: StageSocket,
    /// Kept for longer than any connection.
    _kept: Arc<Mutex<Vec<StageSocket>>>,
    go_on: Arc<Mutex<mpsc::Receiver<()>>>,
    last_words: bool,
}

impl Actor {
    fn say(&self, text: &str) {
        self.socket.to("all").said(text);
    }
}

impl Stage for Actor {
    async fn enter(&mut self) -> bool {
        self.socket.join("all").is_ok()
    }
    async fn say_and_hang(&mut self, text: String) {
        self.say(&text);
        pending::<()>().await;
    }
    async fn say_and_panic(&mut self, text: String) {
        self.say(&text);
        panic!("as asked");
    }
    async fn say_and_close(&mut self, text: String) {
        self.say(&text);
        self.last_words = true;
        self.socket.close();
    }
    async fn say_all(&mut self, texts: Vec<String>) {
        for text in &texts {
            self.say(text);
        }
    }
    async fn have_all_said(&mut self, texts: Vec<String>) {
        let all = self.socket.to("all");
        tokio::spawn(async move {
            for text in &texts {
                all.said(text);
            }
        });
    }
    async fn say_much(&mut self, bytes: usize, times: usize) {
        for _ in 0..times {
            self.say(&"x".repeat(bytes));
        }
    }
    async fn hold_the_thread(&mut self) {
        self.go_on.lock().expect("not poisoned").recv().expect("the test says so");
    }
    async fn disconnected(&mut self, _reason: DisconnectReason) {
        if self.last_words {
            self.say("in `disconnected`");
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if self.last_words {
            self.say("in `drop`");
        }
    }
}

/// Where sessions run.
#[derive(Debug, Clone, Copy)]
enum Place {
    SharedRuntime,
    OwnThread,
}

const PLACES: [Place; 2] = [Place::SharedRuntime, Place::OwnThread];

async fn server(place: Place) -> Running {
    serve(place, 64 << 20).await.0
}

/// Says to whoever holds the thread that it may go on.
type GoOn = mpsc::Sender<()>;

async fn serve(place: Place, max_outbox_size: usize) -> (Running, GoOn) {
    let kept = Arc::<Mutex<Vec<StageSocket>>>::default();
    let (go, go_on) = mpsc::channel();
    let go_on = Arc::new(Mutex::new(go_on));
    let stage = StageServer::new(move |socket: StageSocket| {
        let (kept, go_on) = (Arc::clone(&kept), Arc::clone(&go_on));
        async move {
            kept.lock().expect("not poisoned").push(socket.clone());
            Ok(Actor { socket, _kept: kept, go_on, last_words: false })
        }
    });
    let router = Router::new().procedure("/stage", stage.max_outbox_size(max_outbox_size));
    let running = match place {
        Place::SharedRuntime => Running::start(router).await,
        Place::OwnThread => Running::start_on(1, router).await,
    };
    (running, go)
}

async fn enter(running: &Running) -> Wire {
    let mut wire = Wire::parlor(running.addr, "/stage").await;
    assert_eq!(wire.call("enter", json!({}), 1).await, json!(["$ok", true, 1]));
    wire
}

/// A client that need not confirm anything.
async fn enter_plainly(running: &Running) -> Wire {
    let mut wire = Wire::plain(running.addr, "/stage").await;
    wire.emit("enter", Value::Null).await;
    wire.emit("ping", Value::Null).await;
    assert_eq!(wire.receive().await, json!(["pong", null]));
    wire
}

fn said(text: &str) -> Value {
    json!(["said", {"text": text}])
}

#[tokio::test]
async fn what_is_emitted_arrives_however_the_handler_ends() {
    for place in PLACES {
        let running = server(place).await;
        let mut listener = enter(&running).await;
        for event in ["sayAndHang", "sayAndPanic", "sayAndClose"] {
            let mut actor = enter(&running).await;
            actor.emit(event, json!({"text": event})).await;
            assert_eq!(listener.receive().await, said(event), "{place:?}");
        }
        assert_eq!(listener.receive().await, said("in `disconnected`"));
        assert_eq!(listener.receive().await, said("in `drop`"));
    }
}

#[tokio::test]
async fn a_crowd_that_one_task_does_not_write_to_in_one_turn_hears_all_in_order() {
    for place in PLACES {
        let running = server(place).await;
        let mut crowd = Vec::new();
        for _ in 0..300 {
            crowd.push(enter(&running).await);
        }
        let mut actor = enter(&running).await;
        let texts = ["one", "two", "three"];
        for _ in 0..3 {
            actor.emit("sayAll", json!({"texts": texts})).await;
        }
        for listener in &mut crowd {
            for text in texts.iter().cycle().take(9) {
                assert_eq!(listener.receive().await, said(text), "{place:?}");
            }
        }
        // By a task that is nobody's session.
        actor.emit("haveAllSaid", json!({"texts": texts})).await;
        for listener in &mut crowd {
            for text in texts {
                assert_eq!(listener.receive().await, said(text), "{place:?}");
            }
        }
    }
}

#[tokio::test]
async fn who_reads_late_hears_all_in_order() {
    // More than the system takes of what is not read: its buffers grow to some 10 MiB.
    const BYTES: usize = 60_000;
    const TIMES: usize = 400;
    for place in PLACES {
        let running = server(place).await;
        let mut late = enter_plainly(&running).await;
        let mut actor = enter(&running).await;
        actor.emit("sayMuch", json!({"bytes": BYTES, "times": TIMES})).await;
        actor.emit("sayAll", json!({"texts": ["last"]})).await;
        assert_eq!(actor.call("enter", json!({}), 2).await, json!(["$ok", true, 2]));
        for _ in 0..TIMES {
            assert_eq!(late.receive().await, said(&"x".repeat(BYTES)), "{place:?}");
        }
        assert_eq!(late.receive().await, said("last"));
    }
}

#[tokio::test]
async fn who_hears_many_at_once_is_not_taken_for_slow() {
    const ACTORS: usize = 100;
    const TEXTS: usize = 100;
    let text = "x".repeat(250);
    // All that is said at once is more than twice of what may wait.
    let (running, go_on) = serve(Place::OwnThread, 1 << 20).await;
    let mut listener = enter_plainly(&running).await;
    let mut actors = Vec::new();
    for _ in 0..ACTORS {
        actors.push(Wire::plain(running.addr, "/stage").await);
    }
    let holder = actors.first_mut().expect("some");
    holder.emit("holdTheThread", Value::Null).await;
    for actor in &mut actors {
        for _ in 0..TEXTS {
            actor.emit("sayAll", json!({"texts": [text]})).await;
        }
    }
    go_on.send(()).expect("it waits");
    for _ in 0..ACTORS * TEXTS {
        assert_eq!(listener.receive().await, said(&text));
    }
}

#[tokio::test]
async fn whose_connection_has_ended_is_disconnected_though_its_socket_is_kept() {
    for place in PLACES {
        let running = server(place).await;
        let mut wire = Wire::plain(running.addr, "/stage").await;
        wire.0.get_mut().shutdown().await.expect("open");
        let closed = wire.closed().await.code;
        assert_eq!(closed, 1006, "the server has closed its half, too: {place:?}");
    }
}
