//! A case: the network, the clients, and what they see.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::test::{Line, Network, settle};
use parlor::{CallError, ClientStatus, ConnectionChange};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::check;
use super::procedure::{
    ModelClient, ModelEmitter, ModelEvent, ModelEvents, Sent, Session, Sessions, router,
};
use super::steps::{Act, CLIENTS, Case};

const CALL_TIMEOUT: Duration = Duration::from_secs(9);

/// What happened in all cases.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally(pub(crate) BTreeMap<String, u64>);

impl Tally {
    pub(crate) fn count(&mut self, what: impl Into<String>, times: u64) {
        *self.0.entry(what.into()).or_default() += times;
    }

    /// How often that happened which happened least, of what should.
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

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for (what, times) in other.0 {
            self.count(what, times);
        }
    }
}

/// What a client has seen, in order.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Sent(Sent, Option<usize>),
    /// With the time since the case began.
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
    /// Nothing that can be.
    Wrong,
}

/// What a client did, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The emits that were taken.
    pub(crate) notes: Vec<u64>,
    pub(crate) calls: Vec<u64>,
    pub(crate) outcomes: Vec<(u64, Outcome)>,
    pub(crate) seen: Vec<Seen>,
}

/// A client, and the test's hold on it.
pub(crate) struct Player {
    pub(crate) line: Line,
    pub(crate) chat: ModelClient,
    pub(crate) record: Arc<Mutex<Record>>,
    listens: watch::Sender<bool>,
    last: u64,
}

/// All of a case.
pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) network: Network,
    pub(crate) sessions: Sessions,
    pub(crate) players: Vec<Player>,
    pub(crate) restarts: u32,
    /// The number of the last event to clients.
    last: u64,
}

/// Runs a case. Fails with what was wrong.
pub(crate) fn run(case: &Case) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(case.clone()).await;
        for step in &case.steps {
            world.act(&step.act).await;
            for _ in 0..step.turns {
                yield_now().await;
            }
        }
        world.heal().await;
        check::all(&world)?;
        world.end().await;
        check::ended(&world)?;
        Ok(check::tally(&world))
    })
}

impl World {
    async fn new(case: Case) -> Self {
        let sessions = Sessions::default();
        let network = Network::new(router(&case.limits, &sessions));
        let mut players = Vec::new();
        for number in 0..CLIENTS {
            players.push(Player::connect(&network, number).await);
        }
        Self { case, network, sessions, players, restarts: 0, last: 0 }
    }

    async fn act(&mut self, act: &Act) {
        match *act {
            Act::Note(who, count, size) => self.players[who].note(count, size),
            Act::Ask(who, busy) => self.players[who].ask(busy),
            Act::Tell(who, count, size) => self.tell(who, count, size),
            Act::Show(who, count) => {
                self.emit(who, count, |emitter, session, number| {
                    session.send(Sent::Shown(number), "");
                    emitter.shown(number);
                });
            }
            Act::Move(who, count) => {
                self.emit(who, count, |emitter, session, number| {
                    session.send(Sent::Moved(number), "");
                    emitter.moved(number);
                });
            }
            Act::Broadcast(count, size) => self.broadcast(count, size),
            Act::Cut(who) => self.line(who).cut(),
            Act::CutUnnoticedBy(who, side) => self.line(who).cut_unnoticed_by(side),
            Act::Stall(who) => self.line(who).stall(),
            Act::Resume(who) => self.line(who).resume(),
            Act::Delay(who, ms) => self.line(who).delay(Duration::from_millis(ms)),
            Act::Trickle(who, bytes) => self.line(who).trickle(bytes),
            Act::Buffer(who, bytes) => self.line(who).buffer(bytes),
            Act::Refuse(who) => self.line(who).refuse(),
            Act::Accept(who) => self.line(who).accept(),
            Act::Overtake(who) => {
                let line = self.line(who).clone();
                line.delay(Duration::from_secs(7));
                line.cut();
                sleep(Duration::from_secs(3)).await;
                line.delay(Duration::ZERO);
            }
            Act::Ignore(who) => self.players[who].listens(false),
            Act::Listen(who) => self.players[who].listens(true),
            Act::Wait(ms) => sleep(Duration::from_millis(ms)).await,
            Act::Restart => {
                self.restarts += 1;
                let router = router(&self.case.limits, &self.sessions);
                self.network.restart(router).await;
            }
            Act::Crash => {
                self.restarts += 1;
                self.network.crash(router(&self.case.limits, &self.sessions));
            }
        }
    }

    fn line(&self, who: usize) -> &Line {
        &self.players[who].line
    }

    fn tell(&mut self, who: usize, count: usize, size: usize) {
        let padding = "x".repeat(size);
        self.emit(who, count, |emitter, session, number| {
            session.send(Sent::Told(number), &padding);
            emitter.told(session.index, number, &padding);
        });
    }

    /// Emits to each session of a client.
    fn emit(&mut self, who: usize, count: usize, emit: impl Fn(ModelEmitter, &mut Session, u64)) {
        let mut sessions = self.sessions.lock();
        for _ in 0..count {
            self.last += 1;
            for session in sessions.iter_mut() {
                if session.client == who && session.ended == 0 {
                    emit(session.io.socket(session.id), session, self.last);
                }
            }
        }
    }

    /// Emits to all in the rooms of all servers.
    fn broadcast(&mut self, count: usize, size: usize) {
        let padding = "x".repeat(size);
        for _ in 0..count {
            self.last += 1;
            let mut sessions = self.sessions.lock();
            let last = Sent::Heard(self.last);
            let mut ios = Vec::new();
            for session in sessions.iter_mut().filter(|session| session.entered > 0) {
                session.send(last, &padding);
                if !ios.iter().any(|(server, _)| *server == session.server) {
                    ios.push((session.server, session.io.clone()));
                }
            }
            for (_, io) in ios {
                io.to("room").heard(self.last, &padding);
            }
        }
    }

    /// Makes all well, and waits until all that was sent has arrived.
    async fn heal(&mut self) {
        for player in &self.players {
            player.line.resume();
            player.line.accept();
            player.line.delay(Duration::ZERO);
            player.line.trickle(usize::MAX);
            player.line.buffer(64 << 10);
            player.listens(true);
        }
        for _ in 0..240 {
            settle().await;
            if check::is_complete(self) {
                break;
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// The clients close, and the server forgets them.
    async fn end(&mut self) {
        for player in &self.players {
            player.chat.close();
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

impl Player {
    async fn connect(network: &Network, number: usize) -> Self {
        let line = network.line();
        let (chat, events) = line
            .client::<ModelClient>(&format!("/model?{number}"))
            .heartbeat_interval(Duration::from_secs(5))
            .reconnect_interval(Duration::from_millis(100))
            .max_reconnect_interval(Duration::from_secs(1))
            .max_reconnect_attempts(u32::MAX)
            .call_timeout(CALL_TIMEOUT)
            .connect_timeout(Duration::from_secs(2))
            .on_session(async |chat: ModelClient| {
                let _ = chat.enter().await;
            })
            .connect()
            .await
            .expect("all is well at first");
        let record = Arc::<Mutex<Record>>::default();
        let (listens, heeds) = watch::channel(true);
        tokio::spawn(listen(events, Arc::clone(&record), heeds));
        Self { line, chat, record, listens, last: 0 }
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.chat.status() == ClientStatus::Connected
    }

    fn listens(&self, listens: bool) {
        self.listens.send_replace(listens);
    }

    fn note(&mut self, count: usize, size: usize) {
        let padding = "x".repeat(size);
        for _ in 0..count {
            self.last += 1;
            if self.chat.note(self.last, &padding).is_ok() {
                lock(&self.record).notes.push(self.last);
            }
        }
    }

    fn ask(&mut self, busy: u64) {
        self.last += 1;
        let (number, record) = (self.last, Arc::clone(&self.record));
        lock(&record).calls.push(number);
        let (call, start) = (self.chat.ask(number, busy), Instant::now());
        tokio::spawn(async move {
            let outcome = call.await;
            // To the timer's millisecond.
            let late = start.elapsed().saturating_sub(CALL_TIMEOUT);
            let in_time = late <= Duration::from_millis(1);
            let outcome = match outcome {
                _ if !in_time => Outcome::Wrong,
                Err(CallError::TimedOut) if start.elapsed() < CALL_TIMEOUT => Outcome::Wrong,
                Ok(answer) => Outcome::Answered(answer),
                Err(CallError::Disconnected) => Outcome::Disconnected,
                Err(CallError::TimedOut) => Outcome::TimedOut,
                Err(CallError::EventsNotPolled) => Outcome::NotPolled,
                Err(CallError::Full | CallError::Closed) => Outcome::Unsent,
                Err(CallError::Limited(_)) => Outcome::Limited,
                Err(_) => Outcome::Wrong,
            };
            lock(&record).outcomes.push((number, outcome));
        });
    }
}

async fn listen(
    mut events: ModelEvents,
    record: Arc<Mutex<Record>>,
    mut heeds: watch::Receiver<bool>,
) {
    let start = Instant::now();
    while heeds.wait_for(|heeds| *heeds).await.is_ok() {
        let Some(event) = events.next().await else { return };
        lock(&record).seen.push(match event {
            ModelEvent::Told { session, number, .. } => {
                Seen::Sent(Sent::Told(number), Some(session))
            }
            ModelEvent::Heard { number, .. } => Seen::Sent(Sent::Heard(number), None),
            ModelEvent::Shown { number } => Seen::Sent(Sent::Shown(number), None),
            ModelEvent::Moved { number } => Seen::Sent(Sent::Moved(number), None),
            ModelEvent::Connection(change) => Seen::Change(change, start.elapsed()),
        });
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
