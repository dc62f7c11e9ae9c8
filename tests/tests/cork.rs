//! What a session emits to others is written by its own task before that sleeps: it arrives, however
//! and whenever the handler ends, and nobody keeps a connection open by keeping its socket.

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

async fn server() -> Running {
    let kept = Arc::<Mutex<Vec<StageSocket>>>::default();
    let stage = StageServer::new(move |socket: StageSocket| {
        let kept = Arc::clone(&kept);
        async move {
            kept.lock().expect("not poisoned").push(socket.clone());
            Ok(Actor { socket, _kept: kept, last_words: false })
        }
    });
    Running::start(Router::new().procedure("/stage", stage)).await
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
    let running = server().await;
    let mut listener = enter(&running).await;
    for event in ["sayAndHang", "sayAndPanic", "sayAndClose"] {
        let mut actor = enter(&running).await;
        actor.emit(event, json!({"text": event})).await;
        assert_eq!(listener.receive().await, said(event));
    }
    assert_eq!(listener.receive().await, said("in `disconnected`"));
    assert_eq!(listener.receive().await, said("in `drop`"));
}

#[tokio::test]
async fn a_crowd_that_one_task_does_not_write_to_in_one_turn_hears_all_in_order() {
    let running = server().await;
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
            assert_eq!(listener.receive().await, said(text));
        }
    }
}

#[tokio::test]
async fn whose_connection_has_ended_is_disconnected_though_its_socket_is_kept() {
    let running = server().await;
    let mut wire = Wire::plain(running.addr, "/stage").await;
    wire.0.get_mut().shutdown().await.expect("open");
    assert_eq!(wire.closed().await.code, 1006, "the server has closed its half, too");
}
