//! What a session emits to others is written by its own task before that sleeps, or on a thread that
//! serves and nothing else a moment later: it arrives, however and whenever the handler ends, and nobody
//! keeps a connection open by keeping its socket.

use std::future::pending;
use std::sync::{Arc, Mutex};

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

    #[outgoing]
    fn said(text: String);
}

struct Actor {
    socket: StageSocket,
    /// Kept for longer than any connection.
    _kept: Arc<Mutex<Vec<StageSocket>>>,
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
    let kept = Arc::<Mutex<Vec<StageSocket>>>::default();
    let stage = StageServer::new(move |socket: StageSocket| {
        let kept = Arc::clone(&kept);
        async move {
            kept.lock().expect("not poisoned").push(socket.clone());
            Ok(Actor { socket, _kept: kept, last_words: false })
        }
    });
    let router = Router::new().procedure("/stage", stage.max_outbox_size(64 << 20));
    match place {
        Place::SharedRuntime => Running::start(router).await,
        Place::OwnThread => Running::start_on(1, router).await,
    }
}

async fn enter(running: &Running) -> Wire {
    let mut wire = Wire::parlor(running.addr, "/stage").await;
    assert_eq!(wire.call("enter", json!({}), 1).await, json!(["$ok", true, 1]));
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
        // Plain, so that nothing has to be confirmed.
        let mut late = Wire::plain(running.addr, "/stage").await;
        late.emit("enter", Value::Null).await;
        late.emit("ping", Value::Null).await;
        assert_eq!(late.receive().await, json!(["pong", null]));
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
async fn whose_connection_has_ended_is_disconnected_though_its_socket_is_kept() {
    for place in PLACES {
        let running = server(place).await;
        let mut wire = Wire::plain(running.addr, "/stage").await;
        wire.0.get_mut().shutdown().await.expect("open");
        let closed = wire.closed().await.code;
        assert_eq!(closed, 1006, "the server has closed its half, too: {place:?}");
    }
}
