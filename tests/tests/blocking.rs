//! Code of the user that keeps its thread is logged while it does.

use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use parlor::prelude::*;
use parlor::server::{RateLimit, Recovery, Timeouts};
use parlor::{DisconnectReason, Router};
use parlor_tests::{RawClient, TEST_TIMEOUT, TestServer, Welcomed, secret};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

/// The log of this process: the thread that logs is not one of a test.
static LOG: LazyLock<SharedLog> = LazyLock::new(|| {
    let log = SharedLog::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).expect("the first one");
    log
});

static PANICKED: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Default)]
struct SharedLog(Arc<(Mutex<String>, Condvar)>);

impl SharedLog {
    /// Blocks this thread until a line contains all of `parts`. Returns whether one does.
    fn block_until(&self, parts: &[&str]) -> bool {
        let (text, has_changed) = &*self.0;
        let missing = |text: &mut String| {
            !text.lines().any(|line| parts.iter().all(|part| line.contains(part)))
        };
        let text = text.lock().expect("not poisoned");
        let waited = has_changed.wait_timeout_while(text, TEST_TIMEOUT, missing);
        !waited.expect("not poisoned").1.timed_out()
    }

    /// The number of lines that contain all of `parts`.
    fn count(&self, parts: &[&str]) -> usize {
        let text = self.0.0.lock().expect("not poisoned");
        text.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    }
}

impl Write for SharedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.0.lock().expect("not poisoned").push_str(&text);
        self.0.1.notify_all();
        // Once: the subscriber writes this text again with the next one.
        if text.contains("`breakLog`") && !PANICKED.swap(true, Ordering::Relaxed) {
            panic::resume_unwind(Box::new("on purpose"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for SharedLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[procedure]
trait Slow {
    /// Blocks its thread until this is logged.
    #[incoming]
    async fn block(&mut self) -> bool;
    /// The same after an await.
    #[incoming]
    async fn wait_and_block(&mut self) -> bool;
    #[incoming]
    async fn decode(&mut self, text: SlowText) -> bool;
    #[incoming]
    async fn guarded(&mut self);
    #[incoming]
    async fn id(&mut self) -> String;
    /// Blocks its thread until this is logged; the log panics then.
    #[incoming]
    async fn break_log(&mut self) -> bool;
}

/// Blocks its thread while it is decoded.
#[derive(Debug, Clone, serde::Serialize)]
struct SlowText(bool);

impl<'de> serde::Deserialize<'de> for SlowText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?;
        let guard = "a guard or the decoding of an event has kept its thread";
        Ok(Self(LOG.block_until(&["procedure=\"Slow\"", "event=\"decode\"", guard])))
    }
}

struct Session {
    socket: SlowSocket,
    blocks_at_end: bool,
}

/// Blocks this thread until the watcher has logged it. The procedure is `Slow`.
fn is_logged(what: &str) -> bool {
    LOG.block_until(&["WARN", "procedure=\"Slow\"", what, "has kept its thread"])
}

impl Slow for Session {
    async fn block(&mut self) -> bool {
        let id = format!("id={}", self.socket.id());
        LOG.block_until(&[&id, "event=\"block\"", "the handler of `block`"])
    }
    async fn wait_and_block(&mut self) -> bool {
        tokio::task::yield_now().await;
        is_logged("the handler of `waitAndBlock`")
    }
    async fn decode(&mut self, text: SlowText) -> bool {
        text.0
    }
    async fn guarded(&mut self) {}
    async fn id(&mut self) -> String {
        self.socket.id().to_string()
    }
    async fn break_log(&mut self) -> bool {
        is_logged("the handler of `breakLog`")
    }
    async fn detached(&mut self) {
        assert!(is_logged("`detached`"));
    }
    async fn resumed(&mut self, _: Request) -> Result<(), Reject> {
        assert!(is_logged("`resumed`"));
        Ok(())
    }
    async fn disconnected(&mut self, _: DisconnectReason) {
        if self.blocks_at_end {
            assert!(is_logged("`disconnected`"));
        }
    }
}

fn server(blocks_at_end: bool) -> SlowServer<Session> {
    LazyLock::force(&LOG);
    SlowServer::new(move |socket| async move { Ok(Session { socket, blocks_at_end }) })
}

async fn serve(slow: SlowServer<Session>) -> TestServer {
    TestServer::start(Router::new().procedure("/slow", slow)).await
}

#[tokio::test]
async fn handler_that_blocks_is_logged_with_event_and_session_before_it_returns() {
    let running = serve(server(false)).await;
    let mut client = RawClient::parlor(running.addr, "/slow").await;
    let id = client.call("id", json!({}), 1).await;
    let id = format!("id={}", id[1].as_str().expect("an id"));
    assert_eq!(client.call("block", json!({}), 2).await, json!(["$ok", true, 2]));
    assert_eq!(LOG.count(&[&id, "the handler of `block`"]), 1, "once for each poll");
    assert_eq!(client.call("waitAndBlock", json!({}), 3).await, json!(["$ok", true, 3]));
}

#[tokio::test]
async fn log_that_panics_once_logs_what_blocks_later() {
    let running = serve(server(false)).await;
    let mut client = RawClient::parlor(running.addr, "/slow").await;
    assert_eq!(client.call("breakLog", json!({}), 1).await, json!(["$ok", true, 1]));
    assert_eq!(client.call("block", json!({}), 2).await, json!(["$ok", true, 2]));
}

#[tokio::test]
async fn guard_and_decoding_that_block_are_logged() {
    let running = serve(server(false).guard(|_, event| {
        if event.name() == "guarded" {
            assert!(is_logged("event=\"guarded\""));
        }
        Ok(())
    }))
    .await;
    let mut client = RawClient::parlor(running.addr, "/slow").await;
    assert_eq!(client.call("guarded", json!({}), 1).await, json!(["$ok", null, 1]));
    assert_eq!(client.call("decode", json!({"text": ""}), 2).await, json!(["$ok", true, 2]));
}

#[tokio::test]
async fn closure_and_task_that_block_are_logged() {
    let slow = server(false);
    let sessions = slow.sessions();
    let running = serve(slow).await;
    let mut client = RawClient::parlor(running.addr, "/slow").await;
    let id = client.call("id", json!({}), 1).await;
    let id: SocketId = id[1].as_str().expect("an id").parse().expect("an id");
    let in_task = sessions.with(id, |session| {
        let (sender, logged) = tokio::sync::oneshot::channel();
        session.socket.spawn(async { sender.send(is_logged("a task of")).expect("it waits") });
        (is_logged("a closure of"), logged)
    });
    let (in_closure, in_task) = in_task.await.expect("the session runs");
    assert!(in_closure && in_task.await.expect("it sends"));
}

#[tokio::test]
async fn factory_and_middleware_that_block_are_logged() {
    LazyLock::force(&LOG);
    let slow = SlowServer::new(|socket: SlowSocket| {
        assert!(is_logged("the factory"), "in the closure");
        async move {
            tokio::task::yield_now().await;
            let id = format!("id={}", socket.id());
            assert!(LOG.block_until(&["the factory", &id]), "in the future");
            Ok(Session { socket, blocks_at_end: false })
        }
    })
    .middleware(|request| async {
        assert!(is_logged("a middleware has kept"));
        Ok(request)
    });
    let router = Router::new().procedure("/slow", slow).middleware(|request| async {
        assert!(is_logged("a middleware of the router"));
        Ok(request)
    });
    let running = TestServer::start(router).await;
    RawClient::parlor(running.addr, "/slow").await;
}

#[tokio::test]
async fn identity_and_key_of_rate_limit_that_block_are_logged() {
    let rate = RateLimit { events_per_second: 1.0, burst: 1 };
    let slow = server(false)
        .rate_limit_by(|_| assert!(is_logged("the key of `rate_limit_by`")), rate)
        .identity(|_| assert!(is_logged("`identity`")));
    let running = serve(slow).await;
    let Welcomed { welcome, .. } = RawClient::welcomed(running.addr, "/slow", &[]).await;
    let resumed = RawClient::resumed(running.addr, "/slow", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["recovered"], true);
}

#[tokio::test]
async fn detached_resumed_and_disconnected_that_block_are_logged() {
    let recovery = Recovery { window: Duration::from_secs(60), ..Recovery::default() };
    let running = serve(server(true).recovery(recovery)).await;
    let Welcomed { client, welcome } = RawClient::welcomed(running.addr, "/slow", &[]).await;
    drop(client);
    let Welcomed { welcome, .. } =
        RawClient::resumed(running.addr, "/slow", secret(&welcome), 0).await;
    assert_eq!(welcome["recovered"], true);
    running.stop().await;
    assert!(is_logged("`disconnected`"));
}

#[tokio::test]
async fn blocking_is_not_logged_when_it_is_turned_off() {
    for off in [None, Some(Duration::ZERO)] {
        let timeouts = Timeouts { blocking_warning: off, ..Timeouts::default() };
        LazyLock::force(&LOG);
        let quiet =
            SlowServer::new(|socket| async { Ok(Session { socket, blocks_at_end: false }) })
                .timeouts(timeouts)
                .guard(|session: &Session, _| {
                    // Watched code of another thread is logged meanwhile.
                    let other = std::thread::spawn(block_longer);
                    assert!(other.join().expect("no panic"));
                    let id = format!("id={}", session.socket.id());
                    assert_eq!(LOG.count(&[&id]), 0);
                    Ok(())
                });
        let running = serve(quiet).await;
        let mut client = RawClient::parlor(running.addr, "/slow").await;
        client.call("id", json!({}), 1).await;
    }
}

/// Runs a session on a runtime of its own that is logged after twice the default time.
fn block_longer() -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let timeouts =
            Timeouts { blocking_warning: Some(Duration::from_millis(200)), ..Timeouts::default() };
        let running = serve(server(false).timeouts(timeouts)).await;
        let mut client = RawClient::parlor(running.addr, "/slow").await;
        client.call("block", json!({}), 1).await == json!(["$ok", true, 1])
    })
}
