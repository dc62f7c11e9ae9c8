//! The task of a session writes what it emits to other sessions before it sleeps; a server with own
//! threads writes it shortly afterwards. It arrives however the handler ends, and a kept socket
//! does not keep its connection open.

use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};

use parlor::prelude::*;
use parlor::server::Limits;
use parlor::{DisconnectReason, Router};
use parlor_tests::{RawClient, TestServer};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

#[procedure]
trait Broadcasts {
    /// Joins the room "all".
    #[incoming]
    async fn enter(&mut self) -> bool;
    /// Emits and never ends.
    #[incoming]
    async fn emit_and_hang(&mut self, text: String);
    /// Emits and panics.
    #[incoming]
    async fn emit_and_panic(&mut self, text: String);
    /// Emits and closes its socket.
    #[incoming]
    async fn emit_and_close(&mut self, text: String);
    /// Emits the texts one by one.
    #[incoming]
    async fn emit_all(&mut self, texts: Vec<String>);
    /// Emits the texts one by one, from a spawned task.
    #[incoming]
    async fn emit_all_from_task(&mut self, texts: Vec<String>);
    /// Emits a text of `bytes` bytes `times` times.
    #[incoming]
    async fn emit_large(&mut self, bytes: usize, times: usize);
    /// Blocks its thread until the test releases it.
    #[incoming]
    async fn block_thread(&mut self);

    #[outgoing]
    fn said(text: String);
}

struct Sender {
    socket: BroadcastsSocket,
    /// Keeps each socket longer than its connection.
    _kept: Arc<Mutex<Vec<BroadcastsSocket>>>,
    release: Arc<Mutex<mpsc::Receiver<()>>>,
    emits_at_end: bool,
}

impl Sender {
    fn emit_text(&self, text: &str) {
        self.socket.to("all").said(text);
    }
}

impl Broadcasts for Sender {
    async fn enter(&mut self) -> bool {
        self.socket.join("all").is_ok()
    }
    async fn emit_and_hang(&mut self, text: String) {
        self.emit_text(&text);
        pending::<()>().await;
    }
    async fn emit_and_panic(&mut self, text: String) {
        self.emit_text(&text);
        panic!("on purpose");
    }
    async fn emit_and_close(&mut self, text: String) {
        self.emit_text(&text);
        self.emits_at_end = true;
        self.socket.close();
    }
    async fn emit_all(&mut self, texts: Vec<String>) {
        for text in &texts {
            self.emit_text(text);
        }
    }
    async fn emit_all_from_task(&mut self, texts: Vec<String>) {
        let all = self.socket.to("all");
        tokio::spawn(async move {
            for text in &texts {
                all.said(text);
            }
        });
    }
    async fn emit_large(&mut self, bytes: usize, times: usize) {
        for _ in 0..times {
            self.emit_text(&"x".repeat(bytes));
        }
    }
    async fn block_thread(&mut self) {
        self.release.lock().expect("not poisoned").recv().expect("the test releases it");
    }
    async fn disconnected(&mut self, _reason: DisconnectReason) {
        if self.emits_at_end {
            self.emit_text("in `disconnected`");
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.emits_at_end {
            self.emit_text("in `drop`");
        }
    }
}

/// Where sessions run.
#[derive(Debug, Clone, Copy)]
enum Runtime {
    Shared,
    OwnThread,
}

const RUNTIMES: [Runtime; 2] = [Runtime::Shared, Runtime::OwnThread];

async fn server(runtime: Runtime) -> TestServer {
    serve(runtime, 64 << 20).await.0
}

/// Releases a blocked thread.
type Release = mpsc::Sender<()>;

async fn serve(runtime: Runtime, max_outbox_size: usize) -> (TestServer, Release) {
    let kept = Arc::<Mutex<Vec<BroadcastsSocket>>>::default();
    let (release_sender, release) = mpsc::channel();
    let release = Arc::new(Mutex::new(release));
    let server = BroadcastsServer::new(move |socket: BroadcastsSocket| {
        let (kept, release) = (Arc::clone(&kept), Arc::clone(&release));
        async move {
            kept.lock().expect("not poisoned").push(socket.clone());
            Ok(Sender { socket, _kept: kept, release, emits_at_end: false })
        }
    });
    let server = server.limits(Limits { max_outbox_size, ..Limits::default() });
    let router = Router::new().procedure("/broadcasts", server);
    let running = match runtime {
        Runtime::Shared => TestServer::start(router).await,
        Runtime::OwnThread => TestServer::start_on(1, router).await,
    };
    (running, release_sender)
}

async fn enter(running: &TestServer) -> RawClient {
    let mut client = RawClient::parlor(running.addr, "/broadcasts").await;
    assert_eq!(client.call("enter", json!({}), 1).await, json!(["$ok", true, 1]));
    client
}

/// Connects in plain mode, where nothing is acknowledged.
async fn enter_plain(running: &TestServer) -> RawClient {
    let mut client = RawClient::plain(running.addr, "/broadcasts").await;
    client.emit("enter", Value::Null).await;
    client.emit("ping", Value::Null).await;
    assert_eq!(client.receive().await, json!(["pong", null]));
    client
}

fn said(text: &str) -> Value {
    json!(["said", {"text": text}])
}

#[tokio::test]
async fn emit_arrives_when_handler_hangs_panics_or_closes() {
    for runtime in RUNTIMES {
        let running = server(runtime).await;
        let mut receiver = enter(&running).await;
        for event in ["emitAndHang", "emitAndPanic", "emitAndClose"] {
            let mut sender = enter(&running).await;
            sender.emit(event, json!({"text": event})).await;
            assert_eq!(receiver.receive().await, said(event), "{runtime:?}");
        }
        assert_eq!(receiver.receive().await, said("in `disconnected`"));
        assert_eq!(receiver.receive().await, said("in `drop`"));
    }
}

#[tokio::test]
async fn room_larger_than_one_flush_receives_all_in_order() {
    for runtime in RUNTIMES {
        let running = server(runtime).await;
        let mut receivers = Vec::new();
        for _ in 0..300 {
            receivers.push(enter(&running).await);
        }
        let mut sender = enter(&running).await;
        let texts = ["one", "two", "three"];
        for _ in 0..3 {
            sender.emit("emitAll", json!({"texts": texts})).await;
        }
        for receiver in &mut receivers {
            for text in texts.iter().cycle().take(9) {
                assert_eq!(receiver.receive().await, said(text), "{runtime:?}");
            }
        }
        // From a task that belongs to no session.
        sender.emit("emitAllFromTask", json!({"texts": texts})).await;
        for receiver in &mut receivers {
            for text in texts {
                assert_eq!(receiver.receive().await, said(text), "{runtime:?}");
            }
        }
    }
}

#[tokio::test]
async fn client_that_reads_late_receives_all_in_order() {
    // More than the socket buffers hold, which grow to some 10 MiB.
    const BYTES: usize = 60_000;
    const TIMES: usize = 400;
    for runtime in RUNTIMES {
        let running = server(runtime).await;
        let mut late = enter_plain(&running).await;
        let mut sender = enter(&running).await;
        sender.emit("emitLarge", json!({"bytes": BYTES, "times": TIMES})).await;
        sender.emit("emitAll", json!({"texts": ["last"]})).await;
        assert_eq!(sender.call("enter", json!({}), 2).await, json!(["$ok", true, 2]));
        for _ in 0..TIMES {
            assert_eq!(late.receive().await, said(&"x".repeat(BYTES)), "{runtime:?}");
        }
        assert_eq!(late.receive().await, said("last"));
    }
}

#[tokio::test]
async fn burst_from_many_sessions_does_not_close_receiver_as_too_slow() {
    const SENDERS: usize = 100;
    const TEXTS: usize = 100;
    let text = "x".repeat(250);
    // All texts together are more than twice `max_outbox_size`.
    let (running, release) = serve(Runtime::OwnThread, 1 << 20).await;
    let mut receiver = enter_plain(&running).await;
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        senders.push(RawClient::plain(running.addr, "/broadcasts").await);
    }
    let blocked = senders.first_mut().expect("some");
    blocked.emit("blockThread", Value::Null).await;
    for sender in &mut senders {
        for _ in 0..TEXTS {
            sender.emit("emitAll", json!({"texts": [text]})).await;
        }
    }
    release.send(()).expect("it waits");
    for _ in 0..SENDERS * TEXTS {
        assert_eq!(receiver.receive().await, said(&text));
    }
}

#[tokio::test]
async fn connection_is_closed_though_user_code_keeps_its_socket() {
    for runtime in RUNTIMES {
        let running = server(runtime).await;
        let mut client = RawClient::plain(running.addr, "/broadcasts").await;
        client.0.get_mut().shutdown().await.expect("open");
        let closed = client.closed().await.code;
        assert_eq!(closed, 1006, "the server has closed its half as well: {runtime:?}");
    }
}
