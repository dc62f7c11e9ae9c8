//! `Sessions::with`: code outside of a session uses its value.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join_all, poll_immediate};
use parlor::prelude::*;
use parlor::server::{Limits, Sessions, WithError};
use parlor::test::Network;
use parlor::{DisconnectReason, Router};
use parlor_tests::{RawClient, TestServer, Welcomed, secret, wait_for_connections, within_timeout};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, oneshot};

#[procedure]
trait Counter {
    #[incoming]
    async fn id(&mut self) -> SocketId;
    #[incoming]
    async fn add(&mut self, count: u32) -> u32;
    /// Waits for a permit of the test's gate, then adds 1.
    #[incoming]
    async fn wait(&mut self);
    /// Runs a closure in the session `id`. Answers its count, or why it did not run.
    #[incoming]
    async fn count_of(&mut self, id: SocketId) -> String;

    #[outgoing]
    fn changed(count: u32);
}

struct Session {
    socket: CounterSocket,
    count: u32,
    shared: Arc<Shared>,
}

struct Shared {
    gate: Semaphore,
    waits: Semaphore,
    sessions: std::sync::OnceLock<Sessions<Session>>,
    ended: mpsc::UnboundedSender<(DisconnectReason, Result<u32, WithError>)>,
}

impl Shared {
    fn sessions(&self) -> &Sessions<Session> {
        self.sessions.get().expect("set before the server is mounted")
    }
}

impl Counter for Session {
    async fn id(&mut self) -> SocketId {
        self.socket.id()
    }
    async fn add(&mut self, count: u32) -> u32 {
        self.count += count;
        self.count
    }
    async fn wait(&mut self) {
        self.shared.waits.add_permits(1);
        self.shared.gate.acquire().await.expect("open").forget();
        self.count += 1;
    }
    async fn count_of(&mut self, id: SocketId) -> String {
        format!("{:?}", self.shared.sessions().with(id, |session| session.count).await)
    }
    async fn disconnected(&mut self, reason: DisconnectReason) {
        let (shared, id) = (Arc::clone(&self.shared), self.socket.id());
        let with = async move { shared.sessions().with(id, |session| session.count).await };
        let with = tokio::spawn(with).await.expect("no panic");
        // The test may have ended.
        let _ = self.shared.ended.send((reason, with));
    }
}

struct Fixture {
    running: TestServer,
    shared: Arc<Shared>,
    ended: Ended,
    io: CounterIo,
}

type Ended = mpsc::UnboundedReceiver<(DisconnectReason, Result<u32, WithError>)>;

fn counter() -> (CounterServer<Session>, Arc<Shared>, Ended) {
    let (ended_sender, ended) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        gate: Semaphore::new(0),
        waits: Semaphore::new(0),
        sessions: std::sync::OnceLock::new(),
        ended: ended_sender,
    });
    let session_shared = Arc::clone(&shared);
    let counter = CounterServer::new(move |socket: CounterSocket| {
        let shared = Arc::clone(&session_shared);
        async move { Ok(Session { socket, count: 0, shared }) }
    });
    let counter = counter.limits(Limits { max_closures: 1000, ..Limits::default() });
    assert!(shared.sessions.set(counter.sessions()).is_ok());
    (counter, shared, ended)
}

async fn serve() -> Fixture {
    let (counter, shared, ended) = counter();
    let io = counter.io();
    let running = TestServer::start(Router::new().procedure("/counter", counter)).await;
    Fixture { running, shared, ended, io }
}

impl Fixture {
    fn sessions(&self) -> &Sessions<Session> {
        self.shared.sessions()
    }

    async fn connect(&self) -> (Welcomed, SocketId) {
        let mut welcomed = RawClient::welcomed(self.running.addr, "/counter", &[]).await;
        let id = welcomed.client.call("id", json!({}), 0).await;
        let id = id[1].as_str().expect("an id").parse().expect("an id");
        (welcomed, id)
    }

    /// Runs the handler `wait` until the gate has a permit.
    async fn wait(&self, client: &mut RawClient) {
        client.emit("wait", json!({})).await;
        let waits = within_timeout("the handler", self.shared.waits.acquire()).await;
        waits.expect("open").forget();
    }
}

fn changed(count: u32) -> Value {
    json!(["changed", {"count": count}])
}

/// Adds 1, emits the sum and returns it.
fn add(session: &mut Session) -> u32 {
    session.count += 1;
    session.socket.emit().changed(session.count);
    session.count
}

#[tokio::test]
async fn closure_gets_session_and_its_result_is_returned() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    let sessions = fixture.sessions().clone();
    let task = tokio::spawn(async move { sessions.with(id, add).await });
    assert_eq!(within_timeout("the result", task).await.expect("no panic"), Ok(1));
    assert_eq!(client.receive().await, changed(1));
    assert_eq!(client.call("add", json!({"count": 1}), 1).await, json!(["$ok", 2, 1]));
}

#[tokio::test]
async fn closure_waits_for_running_handler() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    fixture.wait(&mut client).await;
    let mut with = Box::pin(fixture.sessions().with(id, add));
    assert_eq!(poll_immediate(&mut with).await, None);
    client.ping().await;
    assert_eq!(poll_immediate(&mut with).await, None, "the handler still runs");
    fixture.shared.gate.add_permits(1);
    assert_eq!(within_timeout("the result", with).await, Ok(2), "after the handler");
}

#[tokio::test]
async fn closure_runs_in_detached_session() {
    let fixture = serve().await;
    let (Welcomed { client, welcome }, id) = fixture.connect().await;
    drop(client);
    wait_for_connections(&fixture.io, 0).await;
    assert_eq!(within_timeout("the result", fixture.sessions().with(id, add)).await, Ok(1));
    let secret = secret(&welcome);
    let Welcomed { mut client, .. } =
        RawClient::resumed(fixture.running.addr, "/counter", secret, 1).await;
    assert_eq!(client.receive().await, changed(1));
}

#[tokio::test]
async fn closure_of_ended_or_unknown_session_is_gone() {
    let mut fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    fixture.wait(&mut client).await;
    let mut with = Box::pin(fixture.sessions().with(id, add));
    assert_eq!(poll_immediate(&mut with).await, None);
    assert_eq!(fixture.io.disconnect(id).await, 1);
    fixture.shared.gate.add_permits(1);
    assert_eq!(within_timeout("the error", with).await, Err(WithError::Gone));
    let (reason, in_disconnected) = fixture.ended.recv().await.expect("the end");
    assert_eq!((reason, in_disconnected), (DisconnectReason::Disconnected, Err(WithError::Gone)));
    wait_for_connections(&fixture.io, 0).await;
    assert_eq!(fixture.sessions().with(id, add).await, Err(WithError::Gone));
}

#[tokio::test]
async fn closure_is_gone_when_its_session_is_rejected() {
    let (id_sender, id) = oneshot::channel();
    let id_sender = std::sync::Mutex::new(Some(id_sender));
    let gate = Arc::new(Semaphore::new(0));
    let factory_gate = Arc::clone(&gate);
    let counter = CounterServer::<Session>::new(move |socket: CounterSocket| {
        let sender = id_sender.lock().expect("not poisoned").take().expect("one client");
        sender.send(socket.id()).expect("the test waits");
        let gate = Arc::clone(&factory_gate);
        async move {
            gate.acquire().await.expect("open").forget();
            Err(Reject::unauthorized("no client is admitted"))
        }
    });
    let sessions = counter.sessions();
    let running = TestServer::start(Router::new().procedure("/counter", counter)).await;
    let connect = tokio::spawn(async move {
        RawClient::connect_before_welcome(running.addr, "/counter").await.closed().await.code
    });
    let id = within_timeout("an id", id).await.expect("an id");
    let mut with = Box::pin(sessions.with(id, add));
    assert_eq!(poll_immediate(&mut with).await, None);
    gate.add_permits(1);
    assert_eq!(within_timeout("the error", with).await, Err(WithError::Gone));
    assert_eq!(connect.await.expect("no panic"), 4501);
}

#[tokio::test]
async fn panic_in_closure_ends_its_session() {
    let mut fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    let panics = fixture.sessions().with(id, |_| panic!("on purpose"));
    let after = fixture.sessions().with(id, add);
    let (panics, after): (Result<(), _>, _) =
        within_timeout("the errors", futures::future::join(panics, after)).await;
    assert_eq!((panics, after), (Err(WithError::Gone), Err(WithError::Gone)));
    assert_eq!(client.closed().await.code, 1011);
    let (reason, _) = fixture.ended.recv().await.expect("the end");
    assert_eq!(reason, DisconnectReason::HandlerPanicked);
}

#[tokio::test]
async fn dropped_future_drops_its_closure_at_once() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    fixture.wait(&mut client).await;
    let captured = Arc::new(());
    let in_closure = Arc::clone(&captured);
    let mut with = Box::pin(fixture.sessions().with(id, move |session| {
        session.count += 100;
        drop(in_closure);
    }));
    assert_eq!(poll_immediate(&mut with).await, None);
    let mut after = Box::pin(fixture.sessions().with(id, add));
    assert_eq!(poll_immediate(&mut after).await, None);
    drop(with);
    assert_eq!(Arc::strong_count(&captured), 1, "while the handler still runs");
    fixture.shared.gate.add_permits(1);
    assert_eq!(within_timeout("the result", after).await, Ok(2));
}

#[tokio::test]
async fn handler_that_waits_for_its_own_session_gets_an_error() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    let (Welcomed { client: other, .. }, other_id) = fixture.connect().await;
    let own = client.call("countOf", json!({"id": id}), 1).await;
    assert_eq!(own[1], "Err(OwnSession)");
    let others = client.call("countOf", json!({"id": other_id}), 2).await;
    assert_eq!(others[1], "Ok(0)");
    drop(other);
}

#[tokio::test]
async fn factory_that_waits_for_its_own_session_gets_an_error() {
    let counter: Arc<std::sync::OnceLock<Sessions<Session>>> = Arc::default();
    let (result, mut results) = mpsc::unbounded_channel();
    let sessions = Arc::clone(&counter);
    let server = CounterServer::<Session>::new(move |socket: CounterSocket| {
        let (sessions, result) = (Arc::clone(&sessions), result.clone());
        async move {
            let sessions = sessions.get().expect("set");
            result.send(sessions.with(socket.id(), |_| ()).await).expect("the test waits");
            pending().await
        }
    });
    assert!(counter.set(server.sessions()).is_ok());
    let running = TestServer::start(Router::new().procedure("/counter", server)).await;
    let client = tokio::spawn(RawClient::connect_before_welcome(running.addr, "/counter"));
    let result = within_timeout("a result", results.recv()).await;
    assert_eq!(result, Some(Err(WithError::OwnSession)));
    client.abort();
}

#[tokio::test]
async fn thousand_closures_run_in_order_and_one_more_is_too_many() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    fixture.wait(&mut client).await;
    let mut all = Box::pin(join_all((0..1000).map(|_| fixture.sessions().with(id, add))));
    assert!(poll_immediate(&mut all).await.is_none());
    let one_more = fixture.sessions().with(id, add);
    assert_eq!(one_more.await, Err(WithError::TooMany));
    fixture.shared.gate.add_permits(1);
    let sums = within_timeout("the results", all).await;
    assert_eq!(sums, (2..1002).map(Ok).collect::<Vec<_>>());
}

#[tokio::test]
async fn message_is_handled_after_one_closure_although_many_wait() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    fixture.wait(&mut client).await;
    let count = |session: &mut Session| session.count += 1;
    let mut all = Box::pin(join_all((0..1000).map(|_| fixture.sessions().with(id, count))));
    assert!(poll_immediate(&mut all).await.is_none());
    client.send(r#"["add",{"count":0},1]"#).await;
    client.ping().await;
    fixture.shared.gate.add_permits(1);
    assert_eq!(client.receive().await, json!(["$ok", 2, 1]), "after the handler and a closure");
    within_timeout("the results", all).await;
    assert_eq!(client.call("add", json!({"count": 0}), 2).await, json!(["$ok", 1001, 2]));
}

#[tokio::test]
async fn closures_after_one_that_ends_the_session_do_not_run() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    fixture.wait(&mut client).await;
    let sessions = fixture.sessions();
    let close = sessions.with(id, |session| session.socket.close());
    let mut both = Box::pin(futures::future::join(close, sessions.with(id, add)));
    assert!(poll_immediate(&mut both).await.is_none());
    fixture.shared.gate.add_permits(1);
    assert_eq!(within_timeout("the results", both).await, (Ok(()), Err(WithError::Gone)));
}

type Kept = mpsc::UnboundedSender<Pin<Box<dyn Future<Output = Result<(), WithError>> + Send>>>;

/// A closure that adds the next one while it runs, so that one always waits.
fn endless(sessions: Sessions<Session>, kept: Kept) -> Box<dyn FnOnce(&mut Session) + Send> {
    Box::new(move |session| {
        let id = session.socket.id();
        let next = endless(sessions.clone(), kept.clone());
        let mut with = Box::pin(async move { sessions.with(id, next).await });
        assert_eq!(with.as_mut().now_or_never(), None);
        // Its drop would drop the closure. The test may have ended.
        let _ = kept.send(with);
    })
}

#[tokio::test]
async fn messages_are_handled_while_a_closure_always_waits() {
    let fixture = serve().await;
    let (Welcomed { mut client, .. }, id) = fixture.connect().await;
    let (kept, _closures) = mpsc::unbounded_channel();
    let first = endless(fixture.sessions().clone(), kept);
    assert_eq!(within_timeout("it runs", fixture.sessions().with(id, first)).await, Ok(()));
    for call in 1..10 {
        let answer = client.call("add", json!({"count": 1}), call).await;
        assert_eq!(answer, json!(["$ok", call, call]));
    }
    client.close(1000).await;
}

#[tokio::test(start_paused = true)]
async fn closure_waits_without_bound_for_handler_that_never_ends() {
    let (counter, shared, _ended) = counter();
    let network = Network::new(Router::new().procedure("/counter", counter));
    let (client, _events) =
        network.line().client::<CounterClient>("/counter").connect().await.expect("connected");
    let id = client.id().await.expect("answered");
    client.wait().expect("sent");
    shared.waits.acquire().await.expect("open").forget();
    let with = shared.sessions().with(id, add);
    let day = Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, with).await.is_err(), "the caller sets a bound");
}
