//! `Socket::flush`: what a task has emitted is written before the task blocks its thread.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use parlor::Router;
use parlor::prelude::*;
use parlor::server::Limits;
use parlor_tests::{RawClient, within_timeout};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::block_in_place;

#[procedure]
trait Work {
    /// Joins the room "all".
    #[incoming]
    async fn enter(&mut self) -> bool;
    /// Emits to its own client and to others, flushes, and blocks until the test releases it. Answers
    /// whether the test did.
    #[incoming]
    async fn emit_and_block(&mut self, sizes: Vec<usize>) -> bool;
    /// The same in a task of its own, to all members of the room.
    #[incoming]
    async fn emit_and_block_in_task(&mut self) -> bool;
    /// The same in a task of `Socket::spawn`.
    #[incoming]
    async fn emit_and_block_in_spawned_task(&mut self) -> bool;
    /// Emits in one poll, waits in another, flushes and blocks.
    #[incoming]
    async fn emit_and_wait_and_block(&mut self) -> bool;

    #[outgoing]
    fn progress(text: String);
}

struct Worker {
    socket: WorkSocket,
    blocking: Arc<Blocking>,
}

/// Blocks a thread until the test releases it.
struct Blocking {
    release: Mutex<mpsc::Receiver<()>>,
    in_place: bool,
}

impl Blocking {
    fn block(&self) -> bool {
        let wait = || {
            let release = self.release.lock().expect("not poisoned");
            release.recv_timeout(Duration::from_secs(10)).is_ok()
        };
        if self.in_place { block_in_place(wait) } else { wait() }
    }
}

impl Worker {
    /// Emits to the room, flushes and blocks.
    fn task(&self) -> impl Future<Output = bool> + Send + 'static {
        let (socket, blocking) = (self.socket.clone(), Arc::clone(&self.blocking));
        async move {
            socket.io().to("all").progress("from a task");
            socket.flush().await;
            blocking.block()
        }
    }
}

impl Work for Worker {
    async fn enter(&mut self) -> bool {
        self.socket.join("all").is_ok()
    }
    async fn emit_and_block(&mut self, sizes: Vec<usize>) -> bool {
        for size in sizes {
            self.socket.emit().progress("x".repeat(size));
            self.socket.to("all").progress("x".repeat(size));
        }
        self.socket.flush().await;
        self.blocking.block()
    }
    async fn emit_and_block_in_task(&mut self) -> bool {
        tokio::spawn(self.task()).await.expect("no panic")
    }
    async fn emit_and_block_in_spawned_task(&mut self) -> bool {
        let (sender, done) = oneshot::channel();
        let task = self.task();
        self.socket.spawn(async { sender.send(task.await).expect("the handler waits") });
        done.await.expect("it sends")
    }
    async fn emit_and_wait_and_block(&mut self) -> bool {
        self.socket.io().to("all").progress("before");
        tokio::task::yield_now().await;
        self.socket.flush().await;
        self.blocking.block()
    }
}

/// Where the sessions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runtime {
    CurrentThread,
    MultiThread,
    /// `Serve::with_threads`.
    OwnThread,
    /// Inside of axum, whose connections are no plain TCP connections for Parlor.
    Axum,
}

const RUNTIMES: [Runtime; 4] =
    [Runtime::CurrentThread, Runtime::MultiThread, Runtime::OwnThread, Runtime::Axum];

/// A server on a thread of its own, so that the client runs while a handler blocks.
struct Server {
    addr: std::net::SocketAddr,
    release: mpsc::Sender<()>,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

async fn serve(runtime: Runtime) -> Server {
    let (release, released) = mpsc::channel();
    let in_place = runtime == Runtime::MultiThread;
    let blocking = Arc::new(Blocking { release: Mutex::new(released), in_place });
    let work = WorkServer::new(move |socket: WorkSocket| {
        let blocking = Arc::clone(&blocking);
        async move { Ok(Worker { socket, blocking }) }
    });
    let work = work.limits(Limits { max_outbox_size: 64 << 20, ..Limits::default() });
    let router = Router::new().procedure("/work", work);
    let (stop, stopped) = oneshot::channel::<()>();
    let (bound, addr) = oneshot::channel();
    let thread = thread::spawn(move || {
        let tokio = match runtime {
            Runtime::MultiThread => {
                Builder::new_multi_thread().worker_threads(2).enable_all().build()
            }
            _ => Builder::new_current_thread().enable_all().build(),
        };
        let tokio = tokio.expect("a runtime");
        let serve = async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            bound.send(listener.local_addr().expect("bound")).expect("the test waits");
            let stopped = async { stopped.await.unwrap_or_default() };
            match runtime {
                Runtime::CurrentThread | Runtime::MultiThread => tokio::spawn(
                    router.serve(listener).with_graceful_shutdown(stopped).into_future(),
                ),
                Runtime::OwnThread => tokio::spawn(
                    router.serve(listener).with_threads(1).with_graceful_shutdown(stopped).into_future(),
                ),
                Runtime::Axum => tokio::spawn(async move {
                    let app = axum::Router::new().fallback_service(router.clone());
                    tokio::select! {
                        served = axum::serve(listener, app).into_future() => served.expect("served"),
                        () = stopped => router.shutdown().await,
                    }
                    Ok(())
                }),
            }
            .await
            .expect("no panic")
            .expect("served");
        };
        tokio.block_on(serve);
    });
    let addr = within_timeout("the address", addr).await.expect("bound");
    Server { addr, release, stop, thread }
}

impl Server {
    async fn enter(&self) -> RawClient {
        let mut client = RawClient::parlor(self.addr, "/work").await;
        assert_eq!(client.call("enter", json!({}), 1).await, json!(["$ok", true, 1]));
        client
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        let joined = tokio::task::spawn_blocking(move || self.thread.join());
        within_timeout("the server's thread", joined).await.expect("no panic").expect("no panic");
    }
}

fn progress(text: &str) -> Value {
    json!(["progress", {"text": text}])
}

#[tokio::test]
async fn flush_writes_emits_to_own_client_and_to_room_before_handler_blocks() {
    for runtime in RUNTIMES {
        let server = serve(runtime).await;
        let (mut caller, mut other) = (server.enter().await, server.enter().await);
        caller.send(r#"["emitAndBlock",{"sizes":[3]},2]"#).await;
        assert_eq!(caller.receive().await, progress("xxx"), "{runtime:?}");
        assert_eq!(other.receive().await, progress("xxx"), "{runtime:?}");
        server.release.send(()).expect("it waits");
        // The answer follows when the handler has ended.
        assert_eq!(caller.receive().await, json!(["$ok", true, 2]), "{runtime:?}");
        drop((caller, other));
        server.stop().await;
    }
}

#[tokio::test]
async fn flush_writes_to_more_members_than_one_flush_has() {
    for runtime in RUNTIMES {
        let server = serve(runtime).await;
        let mut others = Vec::new();
        for _ in 0..300 {
            others.push(server.enter().await);
        }
        let mut caller = RawClient::parlor(server.addr, "/work").await;
        for event in ["emitAndBlock", "emitAndWaitAndBlock"] {
            caller.send(json!([event, {"sizes": [6]}, 2]).to_string()).await;
            let text = if event == "emitAndBlock" { "xxxxxx" } else { "before" };
            for other in &mut others {
                assert_eq!(other.receive().await, progress(text), "{runtime:?}");
            }
            server.release.send(()).expect("it waits");
            while caller.receive().await != json!(["$ok", true, 2]) {}
        }
        drop((caller, others));
        server.stop().await;
    }
}

#[tokio::test]
async fn flush_writes_several_events_in_order_before_handler_blocks() {
    for runtime in RUNTIMES {
        let server = serve(runtime).await;
        let (mut caller, mut other) = (server.enter().await, server.enter().await);
        // Less than the buffer of a socket holds at first.
        let sizes = [4_000; 4];
        caller.send(json!(["emitAndBlock", {"sizes": sizes}, 2]).to_string()).await;
        for size in sizes {
            assert_eq!(caller.receive().await, progress(&"x".repeat(size)), "{runtime:?}");
            assert_eq!(other.receive().await, progress(&"x".repeat(size)), "{runtime:?}");
        }
        server.release.send(()).expect("it waits");
        assert_eq!(caller.receive().await, json!(["$ok", true, 2]), "{runtime:?}");
        drop((caller, other));
        server.stop().await;
    }
}

#[tokio::test]
async fn flush_in_other_task_lets_sessions_write_first() {
    for runtime in RUNTIMES {
        let server = serve(runtime).await;
        let mut others = Vec::new();
        for _ in 0..300 {
            others.push(server.enter().await);
        }
        let mut caller = RawClient::parlor(server.addr, "/work").await;
        for event in ["emitAndBlockInTask", "emitAndBlockInSpawnedTask"] {
            caller.send(json!([event, {}, 2]).to_string()).await;
            for other in &mut others {
                assert_eq!(other.receive().await, progress("from a task"), "{runtime:?}: {event}");
            }
            server.release.send(()).expect("it waits");
            assert_eq!(caller.receive().await, json!(["$ok", true, 2]), "{runtime:?}: {event}");
        }
        drop((caller, others));
        server.stop().await;
    }
}
