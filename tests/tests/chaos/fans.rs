//! The clients: each shouts all the time and writes down what it hears.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parlor::ConnectionChange;
use parlor_tests::Dice;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::time::interval;

use crate::arena::{ArenaClient, ArenaEvent, ArenaEvents, Shout};

/// How often each client shouts.
pub(crate) const PACE: Duration = Duration::from_millis(500);

/// What one client saw.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Report {
    pub(crate) client: u32,
    pub(crate) room: String,
    /// How much was shouted in the room before.
    pub(crate) entered: u64,
    /// What it heard, from its place on.
    pub(crate) heard: Vec<(u64, u32, u64)>,
    /// How often it shouted.
    pub(crate) shouts: u64,
    /// How many calls were answered.
    pub(crate) doubled: u64,
    /// How often its session was recovered.
    pub(crate) recovered: u64,
    /// What must not happen.
    pub(crate) problems: Vec<String>,
}

/// When clients begin to shout, and when they are to stop.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Phase {
    Quiet,
    Loud,
    Ending,
}

pub(crate) fn room(client: u32) -> String {
    format!("room {}", client % 20)
}

/// A Rust client that has entered its room.
pub(crate) struct Fan {
    arena: ArenaClient,
    events: ArenaEvents,
    report: Report,
    dice: Dice,
}

impl Fan {
    pub(crate) async fn enter(url: &str, client: u32, seed: u64) -> Self {
        let (arena, events) = ArenaClient::builder(url)
            .heartbeat_interval(Duration::from_secs(1))
            .reconnect_interval(Duration::from_millis(20))
            .max_reconnect_interval(Duration::from_millis(500))
            .max_reconnect_attempts(u32::MAX)
            .connect_timeout(Duration::from_millis(700))
            .call_timeout(Duration::from_secs(180))
            .buffer(100_000)
            .connect()
            .await
            .expect("connected");
        let room = room(client);
        let entered = arena.enter(&room, client).await.expect("entered");
        let report = Report { client, room, entered, ..Report::default() };
        Self { arena, events, report, dice: Dice::new(seed ^ u64::from(client)) }
    }

    /// Shouts until the phase ends; says `idle` when all was answered, and listens until it is over.
    pub(crate) async fn run(
        mut self,
        mut phase: watch::Receiver<Phase>,
        idle: mpsc::UnboundedSender<u32>,
    ) -> Report {
        let mut pace = interval(PACE);
        let mut calls = FuturesUnordered::new();
        let mut last_call = false;
        let mut last_loss = String::new();
        while self.report.problems.is_empty() {
            let now = *phase.borrow_and_update();
            if now == Phase::Ending && !last_call {
                // Its answer comes when all shouts were handled.
                calls.push(self.double());
                last_call = true;
            }
            tokio::select! {
                _ = phase.changed() => {}
                _ = pace.tick(), if now == Phase::Loud => {
                    self.shout();
                    if self.dice.below(4) == 0 {
                        calls.push(self.double());
                    }
                }
                Some(answer) = calls.next() => {
                    if let Err(problem) = answer {
                        let next = self.next_change().await;
                        let problem = format!("{last_loss}; then {problem}; then {next}");
                        self.report.problems.push(problem);
                    }
                    if last_call && calls.is_empty() {
                        let _ = idle.send(self.report.client);
                    }
                }
                event = self.events.next() => match event {
                    Some(ArenaEvent::Shouted { place, client, number, .. }) => {
                        self.report.heard.push((place, client, number));
                    }
                    Some(ArenaEvent::Over { .. }) => break,
                    Some(ArenaEvent::Connection(
                        lost @ ConnectionChange::Lost { will_reconnect: true, .. },
                    )) => last_loss = lost.to_string(),
                    Some(ArenaEvent::Connection(ConnectionChange::Restored {
                        recovered: true, ..
                    })) => self.report.recovered += 1,
                    other => {
                        // What comes next tells why.
                        let next = self.next_change().await;
                        let problem = format!("{last_loss}; then {other:?}; then {next}");
                        self.report.problems.push(problem);
                    }
                },
            }
        }
        self.report
    }

    /// What tells why something went wrong.
    async fn next_change(&mut self) -> String {
        loop {
            match self.events.next().await {
                Some(ArenaEvent::Connection(ConnectionChange::EmitsLost { .. })) => {}
                Some(ArenaEvent::Connection(change)) => return change.to_string(),
                Some(_) => {}
                None => return "the end".to_owned(),
            }
        }
    }

    fn shout(&mut self) {
        // Some are large, so that bytes count, too.
        let length = if self.dice.below(40) == 0 { 12_000 } else { self.dice.below(100) };
        let text = "x".repeat(usize::try_from(length).unwrap_or_default());
        match self.arena.shout(self.report.shouts, text) {
            Ok(()) => self.report.shouts += 1,
            Err(error) => self.report.problems.push(error.to_string()),
        }
    }

    fn double(&mut self) -> impl Future<Output = Result<(), String>> + use<> {
        let number = self.report.doubled;
        self.report.doubled += 1;
        let answer = self.arena.double(number);
        async move {
            match answer.await {
                Ok(double) if double == 2 * number => Ok(()),
                other => Err(format!("double({number}) is {other:?}")),
            }
        }
    }
}

impl Report {
    /// What this client should have heard in a room where all this was shouted.
    pub(crate) fn check(&self, shouts: &[Shout]) {
        let Self { client, room, entered, heard, .. } = self;
        let expected = (*entered..).zip(&shouts[usize::try_from(*entered).expect("a place")..]);
        for (heard, (before, (from, number))) in heard.iter().zip(expected) {
            assert_eq!(*heard, (before + 1, *from, *number), "client {client} in {room}");
        }
        assert_eq!(heard.len() as u64, shouts.len() as u64 - entered, "client {client} in {room}");
    }
}
