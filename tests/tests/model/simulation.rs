//! Runs a case: the network, the clients, and what they record.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::client::{CallError, ClientStatus, ConnectionChange, Reconnect};
use parlor::test::{Line, Network, settle};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::check;
use super::procedure::{
    ModelClient, ModelEmitter, ModelEvent, ModelEvents, Sent, Session, Sessions, router,
};
use super::steps::{Action, CLIENTS, Case};

const CALL_TIMEOUT: Duration = Duration::from_secs(9);

/// Counts of outcomes in all cases.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts(pub(crate) BTreeMap<String, u64>);

impl Counts {
    pub(crate) fn count(&mut self, outcome: impl Into<String>, times: u64) {
        *self.0.entry(outcome.into()).or_default() += times;
    }

    /// Returns the lowest count of the outcomes that must occur.
    pub(crate) fn rarest(&self) -> Option<u64> {
        let expected = [
            "call: answered",
            "call: disconnected",
            "emits lost",
            "recovered",
            "unrecovered: Ended",
            "unrecovered: Evicted",
            "unrecovered: Expired",
            "unrecovered: Off",
            "unrecovered: Overflow",
            "unrecovered: Unknown",
        ];
        expected.iter().map(|name| self.0.get(*name).copied().unwrap_or_default()).min()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (outcome, times) in other.0 {
            self.count(outcome, times);
        }
    }
}

/// What a client received, in order.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Sent(Sent, Option<usize>),
    /// With the time since the start of the case.
    Change(ConnectionChange, Duration),
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(u64),
    Disconnected,
    TimedOut,
    NotPolled,
    Unsent,
    Limited,
    /// An impossible result.
    Wrong,
}

/// What a client sent and received.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The emits that returned success.
    pub(crate) notes: Vec<u64>,
    pub(crate) calls: Vec<u64>,
    pub(crate) outcomes: Vec<(u64, Outcome)>,
    pub(crate) seen: Vec<Seen>,
}

/// A client and its record.
pub(crate) struct TestClient {
    pub(crate) line: Line,
    pub(crate) chat: ModelClient,
    pub(crate) record: Arc<Mutex<Record>>,
    reads: watch::Sender<bool>,
    last: u64,
}

/// The state of a case.
pub(crate) struct Simulation {
    pub(crate) case: Case,
    pub(crate) network: Network,
    pub(crate) sessions: Sessions,
    pub(crate) clients: Vec<TestClient>,
    pub(crate) restarts: u32,
    /// The number of the last event to clients.
    last: u64,
}

/// Runs a case. Returns an error if an invariant is violated.
pub(crate) fn run(case: &Case) -> Result<Counts, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut simulation = Simulation::new(case.clone()).await;
        for step in &case.steps {
            simulation.apply(&step.action).await;
            for _ in 0..step.turns {
                yield_now().await;
            }
        }
        simulation.restore_network().await;
        check::all(&simulation)?;
        simulation.end().await;
        check::ended(&simulation)?;
        Ok(check::counts(&simulation))
    })
}

impl Simulation {
    async fn new(case: Case) -> Self {
        let sessions = Sessions::default();
        let network = Network::new(router(&case.limits, &sessions));
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            clients.push(TestClient::connect(&network, number).await);
        }
        Self { case, network, sessions, clients, restarts: 0, last: 0 }
    }

    async fn apply(&mut self, action: &Action) {
        match *action {
            Action::Emit(client, count, size) => self.clients[client].emit(count, size),
            Action::Call(client, busy) => self.clients[client].call(busy),
            Action::EmitDirect(client, count, size) => self.emit_direct(client, count, size),
            Action::EmitLatest(client, count) => {
                self.emit(client, count, |emitter, session, number| {
                    session.send(Sent::LatestOnly(number), "");
                    emitter.latest_only(number);
                });
            }
            Action::EmitVolatile(client, count) => {
                self.emit(client, count, |emitter, session, number| {
                    session.send(Sent::Volatile(number), "");
                    emitter.volatile(number);
                });
            }
            Action::EmitToRoom(count, size) => self.emit_to_room(count, size),
            Action::Cut(client) => self.line(client).cut(),
            Action::CutUnnoticedBy(client, side) => self.line(client).cut_unnoticed_by(side),
            Action::Stall(client) => self.line(client).stall(),
            Action::Resume(client) => self.line(client).resume(),
            Action::Delay(client, ms) => self.line(client).delay(Duration::from_millis(ms)),
            Action::Trickle(client, bytes) => self.line(client).trickle(bytes),
            Action::Buffer(client, bytes) => self.line(client).buffer(bytes),
            Action::Refuse(client) => self.line(client).refuse(),
            Action::Accept(client) => self.line(client).accept(),
            Action::Overtake(client) => {
                let line = self.line(client).clone();
                line.delay(Duration::from_secs(7));
                line.cut();
                sleep(Duration::from_secs(3)).await;
                line.delay(Duration::ZERO);
            }
            Action::StopReading(client) => self.clients[client].reads(false),
            Action::ReadEvents(client) => self.clients[client].reads(true),
            Action::Wait(ms) => sleep(Duration::from_millis(ms)).await,
            Action::Restart => {
                self.restarts += 1;
                let router = router(&self.case.limits, &self.sessions);
                self.network.restart(router).await;
            }
            Action::Crash => {
                self.restarts += 1;
                self.network.crash(router(&self.case.limits, &self.sessions));
            }
        }
    }

    fn line(&self, client: usize) -> &Line {
        &self.clients[client].line
    }

    fn emit_direct(&mut self, client: usize, count: usize, size: usize) {
        let padding = "x".repeat(size);
        self.emit(client, count, |emitter, session, number| {
            session.send(Sent::Direct(number), &padding);
            emitter.direct(session.index, number, &padding);
        });
    }

    /// Emits to each session of a client.
    fn emit(
        &mut self,
        client: usize,
        count: usize,
        emit: impl Fn(ModelEmitter, &mut Session, u64),
    ) {
        let mut sessions = self.sessions.lock();
        for _ in 0..count {
            self.last += 1;
            for session in sessions.iter_mut() {
                if session.client == client && session.ended == 0 {
                    emit(session.io.socket(session.id), session, self.last);
                }
            }
        }
    }

    /// Emits to the rooms of all servers.
    fn emit_to_room(&mut self, count: usize, size: usize) {
        let padding = "x".repeat(size);
        for _ in 0..count {
            self.last += 1;
            let mut sessions = self.sessions.lock();
            let last = Sent::ToRoom(self.last);
            let mut ios = Vec::new();
            for session in sessions.iter_mut().filter(|session| session.entered > 0) {
                session.send(last, &padding);
                if !ios.iter().any(|(server, _)| *server == session.server) {
                    ios.push((session.server, session.io.clone()));
                }
            }
            for (_, io) in ios {
                io.to("room").to_room(self.last, &padding);
            }
        }
    }

    /// Removes all faults and waits until all messages have arrived.
    async fn restore_network(&mut self) {
        for test_client in &self.clients {
            test_client.line.resume();
            test_client.line.accept();
            test_client.line.delay(Duration::ZERO);
            test_client.line.trickle(usize::MAX);
            test_client.line.buffer(64 << 10);
            test_client.reads(true);
        }
        for _ in 0..240 {
            settle().await;
            if check::is_complete(self) {
                break;
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Closes the clients and waits until the server has dropped their sessions.
    async fn end(&mut self) {
        for test_client in &self.clients {
            test_client.chat.close();
        }
        for _ in 0..120 {
            settle().await;
            if check::is_over(self) {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
}

impl TestClient {
    async fn connect(network: &Network, number: usize) -> Self {
        let line = network.line();
        let (chat, events) = line
            .client::<ModelClient>(&format!("/model?{number}"))
            .heartbeat_interval(Duration::from_secs(5))
            .reconnect(Reconnect {
                interval: Duration::from_millis(100),
                max_interval: Duration::from_secs(1),
                max_attempts: None,
            })
            .call_timeout(CALL_TIMEOUT)
            .connect_timeout(Duration::from_secs(2))
            .on_session(async |chat: ModelClient| {
                let _ = chat.enter().await;
            })
            .connect()
            .await
            .expect("no fault yet");
        let record = Arc::<Mutex<Record>>::default();
        let (reads, reading) = watch::channel(true);
        tokio::spawn(record_events(events, Arc::clone(&record), reading));
        Self { line, chat, record, reads, last: 0 }
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.chat.status() == ClientStatus::Connected
    }

    fn reads(&self, reads: bool) {
        self.reads.send_replace(reads);
    }

    fn emit(&mut self, count: usize, size: usize) {
        let padding = "x".repeat(size);
        for _ in 0..count {
            self.last += 1;
            if self.chat.note(self.last, &padding).is_ok() {
                lock(&self.record).notes.push(self.last);
            }
        }
    }

    fn call(&mut self, busy: u64) {
        self.last += 1;
        let (number, record) = (self.last, Arc::clone(&self.record));
        lock(&record).calls.push(number);
        let (call, start) = (self.chat.compute(number, busy), Instant::now());
        tokio::spawn(async move {
            let outcome = call.await;
            // Timers have a resolution of one millisecond.
            let late = start.elapsed().saturating_sub(CALL_TIMEOUT);
            let in_time = late <= Duration::from_millis(1);
            let outcome = match outcome {
                _ if !in_time => Outcome::Wrong,
                Err(CallError::TimedOut) if start.elapsed() < CALL_TIMEOUT => Outcome::Wrong,
                Ok(answer) => Outcome::Answered(answer),
                Err(CallError::Disconnected(_)) => Outcome::Disconnected,
                Err(CallError::TimedOut) => Outcome::TimedOut,
                Err(CallError::EventsNotPolled) => Outcome::NotPolled,
                Err(CallError::Full | CallError::Closed(_)) => Outcome::Unsent,
                Err(CallError::Limited(_)) => Outcome::Limited,
                Err(_) => Outcome::Wrong,
            };
            lock(&record).outcomes.push((number, outcome));
        });
    }
}

async fn record_events(
    mut events: ModelEvents,
    record: Arc<Mutex<Record>>,
    mut reading: watch::Receiver<bool>,
) {
    let start = Instant::now();
    while reading.wait_for(|reading| *reading).await.is_ok() {
        let Some(event) = events.next().await else { return };
        lock(&record).seen.push(match event {
            ModelEvent::Direct { session, number, .. } => {
                Seen::Sent(Sent::Direct(number), Some(session))
            }
            ModelEvent::ToRoom { number, .. } => Seen::Sent(Sent::ToRoom(number), None),
            ModelEvent::LatestOnly { number } => Seen::Sent(Sent::LatestOnly(number), None),
            ModelEvent::Volatile { number } => Seen::Sent(Sent::Volatile(number), None),
            ModelEvent::Connection(change) => Seen::Change(change, start.elapsed()),
        });
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
