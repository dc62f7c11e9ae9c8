//! `Socket::spawn`: tasks that end with their session.

use std::future::pending;
use std::sync::{Arc, Mutex, mpsc as blocking};
use std::time::Duration;

use parlor::prelude::*;
use parlor::server::{Limits, Sessions};
use parlor::test::Network;
use parlor::{DisconnectReason, Router};
use parlor_tests::{
    Log, RawClient, TestServer, Welcomed, secret, wait_for_connections, within_timeout,
};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, block_in_place};
use tokio::time::Instant;

#[procedure]
trait Jobs {
    /// Spawns a task.
    #[incoming]
    async fn start(&mut self, job: String);
    /// Aborts the task that was spawned last.
    #[incoming]
    async fn abort(&mut self);

    #[outgoing]
    fn done(job: String);
}

struct Session {
    context: Context,
    last: Option<AbortHandle>,
}

#[derive(Clone)]
struct Context {
    socket: JobsSocket,
    reports: mpsc::UnboundedSender<String>,
    gate: Arc<Semaphore>,
    sessions: Arc<Mutex<Option<Sessions<Session>>>>,
    released: Arc<Mutex<blocking::Receiver<()>>>,
}

impl Context {
    fn report(&self, text: impl Into<String>) {
        // The test may have ended.
        let _ = self.reports.send(text.into());
    }

    fn spawn(&self, job: &str) -> AbortHandle {
        self.socket.spawn(self.clone().run(job.to_owned(), Dropped(self.reports.clone())))
    }

    async fn run(self, job: String, dropped: Dropped) {
        let _dropped = dropped;
        self.report(format!("{job} started"));
        match job.as_str() {
            "gate" => {
                self.gate.acquire().await.expect("open").forget();
                self.socket.emit().done(&job);
            }
            "with" => {
                let sessions = self.sessions.lock().expect("not poisoned").clone();
                let sessions = sessions.expect("set before the server is mounted");
                self.gate.acquire().await.expect("open").forget();
                let with = sessions.with(self.socket.id(), |session| session.last.is_some()).await;
                self.report(format!("{with:?}"));
            }
            "block" => block_in_place(|| {
                // The test releases it, or has failed.
                let _ = self.released.lock().expect("not poisoned").recv();
            }),
            "panic" => panic!("on purpose"),
            "nested" => {
                self.spawn("hang");
                pending::<()>().await;
            }
            _ => pending().await,
        }
        self.report(format!("{job} done"));
    }
}

/// Reports that the future of a task was dropped.
struct Dropped(mpsc::UnboundedSender<String>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped".to_owned());
    }
}

impl Jobs for Session {
    async fn start(&mut self, job: String) {
        self.last = Some(self.context.spawn(&job));
    }
    async fn abort(&mut self) {
        self.last.take().expect("spawned before").abort();
    }
    async fn disconnected(&mut self, reason: DisconnectReason) {
        let reason = match reason {
            DisconnectReason::ConnectionLost { .. } => "ConnectionLost".to_owned(),
            DisconnectReason::ClientClosed { .. } => "ClientClosed".to_owned(),
            reason => format!("{reason:?}"),
        };
        self.context.report(reason);
    }
}

struct Fixture {
    running: TestServer,
    reports: mpsc::UnboundedReceiver<String>,
    gate: Arc<Semaphore>,
    release: blocking::Sender<()>,
    io: JobsIo,
}

/// What the factory does after it has spawned a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Factory {
    SpawnsNothing,
    Accepts,
    Rejects,
}

/// A server, and what its sessions share with the test.
struct Parts {
    server: JobsServer<Session>,
    reports: mpsc::UnboundedReceiver<String>,
    gate: Arc<Semaphore>,
    release: blocking::Sender<()>,
}

fn jobs(factory: Factory) -> Parts {
    let (sender, reports) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let (release, released) = blocking::channel();
    let released = Arc::new(Mutex::new(released));
    let sessions = Arc::default();
    let (session_gate, session_sessions) = (Arc::clone(&gate), Arc::clone(&sessions));
    let server = JobsServer::new(move |socket: JobsSocket| {
        let context = Context {
            socket,
            reports: sender.clone(),
            gate: Arc::clone(&session_gate),
            sessions: Arc::clone(&session_sessions),
            released: Arc::clone(&released),
        };
        async move {
            if factory != Factory::SpawnsNothing {
                context.spawn("gate");
                // The task does not start meanwhile.
                tokio::task::yield_now().await;
                context.report("factory");
            }
            if factory == Factory::Rejects {
                return Err(Reject::unauthorized("no client is admitted"));
            }
            Ok(Session { context, last: None })
        }
    });
    *sessions.lock().expect("not poisoned") = Some(server.sessions());
    Parts { server, reports, gate, release }
}

async fn serve(
    factory: Factory,
    configure: impl FnOnce(JobsServer<Session>) -> JobsServer<Session>,
) -> Fixture {
    let Parts { server, reports, gate, release } = jobs(factory);
    let server = configure(server);
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/jobs", server)).await;
    Fixture { running, reports, gate, release, io }
}

async fn fixture() -> Fixture {
    serve(Factory::SpawnsNothing, |jobs| jobs).await
}

impl Fixture {
    async fn connect(&self) -> RawClient {
        RawClient::parlor(self.running.addr, "/jobs").await
    }

    async fn start(&mut self, client: &mut RawClient, job: &str) {
        client.emit("start", json!({"job": job})).await;
        self.assert_reports(&[&format!("{job} started")]).await;
    }

    /// The next reports, in any order.
    async fn assert_reports(&mut self, expected: &[&str]) {
        let mut reported = Vec::new();
        for _ in expected {
            let report = within_timeout("a report", self.reports.recv()).await;
            reported.push(report.expect("the server runs"));
        }
        reported.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(reported, expected);
    }
}

#[tokio::test]
async fn task_runs_beside_handlers_and_its_emits_arrive() {
    let mut fixture = fixture().await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "gate").await;
    fixture.start(&mut client, "gate").await;
    fixture.gate.add_permits(2);
    for _ in 0..2 {
        assert_eq!(client.receive().await, json!(["done", {"job": "gate"}]));
        fixture.assert_reports(&["gate done", "dropped"]).await;
    }
}

#[tokio::test]
async fn task_is_cancelled_when_client_closes() {
    let mut fixture = fixture().await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "hang").await;
    client.close(1000).await;
    fixture.assert_reports(&["ClientClosed", "dropped"]).await;
}

#[tokio::test]
async fn task_survives_lost_connection() {
    let mut fixture = fixture().await;
    let Welcomed { mut client, welcome } =
        RawClient::welcomed(fixture.running.addr, "/jobs", &[]).await;
    fixture.start(&mut client, "gate").await;
    drop(client);
    wait_for_connections(&fixture.io, 0).await;
    fixture.gate.add_permits(1);
    fixture.assert_reports(&["gate done", "dropped"]).await;
    let secret = secret(&welcome);
    let Welcomed { mut client, .. } =
        RawClient::resumed(fixture.running.addr, "/jobs", secret, 0).await;
    assert_eq!(client.receive().await, json!(["done", {"job": "gate"}]));
}

#[tokio::test(start_paused = true)]
async fn task_is_cancelled_after_recovery_window() {
    let Parts { server, mut reports, .. } = jobs(Factory::SpawnsNothing);
    let network = Network::new(Router::new().procedure("/jobs", server));
    let end = network.line().dial().expect("a connection");
    let headers = [("sec-websocket-protocol", "parlor.v1.json")];
    let client = RawClient::over(end, "ws://localhost/jobs", &headers).await.expect("accepted");
    let Welcomed { mut client, .. } = client.take_welcome().await;
    client.emit("start", json!({"job": "hang"})).await;
    assert_eq!(reports.recv().await.as_deref(), Some("hang started"));
    drop(client);
    let lost = Instant::now();
    let mut ended = [reports.recv().await, reports.recv().await].map(Option::unwrap_or_default);
    ended.sort_unstable();
    assert_eq!(
        (ended, lost.elapsed()),
        (["ConnectionLost", "dropped"].map(str::to_owned), Duration::from_secs(30))
    );
}

#[tokio::test]
async fn panic_in_task_is_logged_and_ends_its_session_only() {
    let (log, _guard) = Log::start();
    let mut fixture = fixture().await;
    let mut other = fixture.connect().await;
    fixture.start(&mut other, "gate").await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "panic").await;
    assert_eq!(client.closed().await.code, 1011);
    fixture.assert_reports(&["HandlerPanicked", "dropped"]).await;
    fixture.gate.add_permits(1);
    assert_eq!(other.receive().await, json!(["done", {"job": "gate"}]));
    let text = log.text();
    let line = text.lines().find(|line| line.contains("a task of `Socket::spawn` panicked"));
    let line = line.expect("logged");
    assert!(line.contains("ERROR") && line.contains("procedure=\"Jobs\""), "{line}");
}

#[tokio::test]
async fn shutdown_cancels_task_and_returns_after_it_is_dropped() {
    let mut fixture = fixture().await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "hang").await;
    let close = async move { client.closed().await.code };
    let (code, ()) = tokio::join!(close, fixture.running.stop());
    assert_eq!(code, 1012);
    let mut reports = [(); 2].map(|()| fixture.reports.try_recv().ok());
    reports.sort_unstable();
    assert_eq!(reports, [Some("ShutDown".to_owned()), Some("dropped".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_waits_for_cancelled_task_that_blocks_its_thread() {
    let mut fixture = fixture().await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "block").await;
    let stop = tokio::spawn(fixture.running.stop());
    assert_eq!(client.closed().await.code, 1012);
    drop(client);
    let reported = within_timeout("the end of the session", fixture.reports.recv()).await;
    assert_eq!(reported.as_deref(), Some("ShutDown"));
    fixture.release.send(()).expect("the task waits");
    within_timeout("the shutdown", stop).await.expect("no panic");
    assert_eq!(fixture.reports.try_recv().as_deref(), Ok("block done"));
    assert_eq!(fixture.reports.try_recv().as_deref(), Ok("dropped"));
}

#[tokio::test]
async fn task_of_factory_starts_when_client_is_admitted() {
    let mut fixture = serve(Factory::Accepts, |jobs| jobs).await;
    let mut client = fixture.connect().await;
    for expected in ["factory", "gate started"] {
        fixture.assert_reports(&[expected]).await;
    }
    fixture.gate.add_permits(1);
    assert_eq!(client.receive().await, json!(["done", {"job": "gate"}]));
}

#[tokio::test]
async fn task_of_factory_is_dropped_when_client_is_rejected() {
    let mut fixture = serve(Factory::Rejects, |jobs| jobs).await;
    let mut client = RawClient::connect_before_welcome(fixture.running.addr, "/jobs").await;
    assert_eq!(client.closed().await.code, 4501);
    for expected in ["factory", "dropped"] {
        fixture.assert_reports(&[expected]).await;
    }
}

#[tokio::test]
async fn task_that_a_task_spawns_is_cancelled_with_the_session() {
    let mut fixture = fixture().await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "nested").await;
    fixture.assert_reports(&["hang started"]).await;
    client.close(1000).await;
    fixture.assert_reports(&["ClientClosed", "dropped", "dropped"]).await;
}

#[tokio::test]
async fn task_is_aborted_by_its_handle() {
    let mut fixture = fixture().await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "hang").await;
    client.emit("abort", json!({})).await;
    fixture.assert_reports(&["dropped"]).await;
    // A shutdown does not wait for it.
    drop(client);
    fixture.running.stop().await;
}

#[tokio::test]
async fn task_after_the_end_of_its_session_is_dropped_at_once() {
    let (sender, mut sockets) = mpsc::unbounded_channel();
    let (reports, mut reported) = mpsc::unbounded_channel();
    let jobs = JobsServer::<Session>::new(move |socket: JobsSocket| {
        sender.send(socket).expect("the test waits");
        async { Err(Reject::unauthorized("no client is admitted")) }
    });
    let running = TestServer::start(Router::new().procedure("/jobs", jobs)).await;
    RawClient::connect_before_welcome(running.addr, "/jobs").await.closed().await;
    let socket = sockets.recv().await.expect("a socket");
    let dropped = Dropped(reports);
    socket.spawn(async move {
        let _dropped = dropped;
        pending::<()>().await;
    });
    assert_eq!(reported.try_recv().as_deref(), Ok("dropped"));
}

#[tokio::test]
async fn task_over_max_tasks_is_dropped_and_logged() {
    let (log, _guard) = Log::start();
    let limits = Limits { max_tasks: 2, ..Limits::default() };
    let mut fixture = serve(Factory::SpawnsNothing, |jobs| jobs.limits(limits)).await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "gate").await;
    fixture.start(&mut client, "hang").await;
    client.emit("start", json!({"job": "hang"})).await;
    fixture.assert_reports(&["dropped"]).await;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("`Limits::max_tasks`")).expect("logged");
    assert!(line.contains("ERROR") && line.contains("max=2"), "{line}");
    // The first one ends: there is room for another one.
    fixture.gate.add_permits(1);
    fixture.assert_reports(&["gate done", "dropped"]).await;
    fixture.start(&mut client, "hang").await;
}

#[tokio::test]
async fn task_may_wait_for_closure_of_its_session() {
    let mut fixture = fixture().await;
    let mut client = fixture.connect().await;
    fixture.start(&mut client, "with").await;
    fixture.gate.add_permits(1);
    fixture.assert_reports(&["Ok(true)", "with done", "dropped"]).await;
}
