//! Rust clients that send texts all the time and record what they receive.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parlor::client::{ConnectionChange, Reconnect};
use parlor_tests::SeededRng;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::time::interval;

use crate::recording_server::{RelayClient, RelayEvent, RelayEvents, TextId};

/// The interval at which each client sends a text.
pub(crate) const SEND_INTERVAL: Duration = Duration::from_millis(500);

/// What one client sent and received.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Report {
    pub(crate) client: u32,
    pub(crate) room: String,
    /// How many texts were sent in the room before it joined.
    pub(crate) entered: u64,
    /// Received texts: position, sender and number.
    pub(crate) received: Vec<(u64, u32, u64)>,
    /// How many texts it sent.
    pub(crate) shouts: u64,
    /// How many calls were answered.
    pub(crate) doubled: u64,
    /// How often its session was recovered.
    pub(crate) recovered: u64,
    /// Errors that fail the test.
    pub(crate) problems: Vec<String>,
}

/// Controls when clients send.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Phase {
    Connected,
    Sending,
    Ending,
}

pub(crate) fn room(client: u32) -> String {
    format!("room {}", client % 20)
}

/// A Rust client that has joined its room.
pub(crate) struct RustClient {
    relay: RelayClient,
    events: RelayEvents,
    report: Report,
    rng: SeededRng,
}

impl RustClient {
    pub(crate) async fn enter(url: &str, client: u32, seed: u64) -> Self {
        let (relay, events) = RelayClient::builder(url)
            .heartbeat_interval(Duration::from_secs(1))
            .reconnect(Reconnect {
                interval: Duration::from_millis(20),
                max_interval: Duration::from_millis(500),
                max_attempts: None,
            })
            .connect_timeout(Duration::from_millis(700))
            .call_timeout(Duration::from_secs(180))
            .buffer(100_000)
            .connect()
            .await
            .expect("connected");
        let room = room(client);
        let entered = relay.enter(&room, client).await.expect("entered");
        let report = Report { client, room, entered, ..Report::default() };
        Self { relay, events, report, rng: SeededRng::new(seed ^ u64::from(client)) }
    }

    /// Sends texts during the phase `Sending`. Reports on `idle` when all was answered, and
    /// receives until the last event.
    pub(crate) async fn run(
        mut self,
        mut phase: watch::Receiver<Phase>,
        idle: mpsc::UnboundedSender<u32>,
    ) -> Report {
        let mut send_interval = interval(SEND_INTERVAL);
        let mut calls = FuturesUnordered::new();
        let mut last_call = false;
        let mut last_loss = String::new();
        while self.report.problems.is_empty() {
            let now = *phase.borrow_and_update();
            if now == Phase::Ending && !last_call {
                // It is answered after all texts were handled.
                calls.push(self.double());
                last_call = true;
            }
            tokio::select! {
                _ = phase.changed() => {}
                _ = send_interval.tick(), if now == Phase::Sending => {
                    self.shout();
                    if self.rng.below(4) == 0 {
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
                    Some(RelayEvent::Shouted { position, client, number, .. }) => {
                        self.report.received.push((position, client, number));
                    }
                    Some(RelayEvent::Over { .. }) => break,
                    Some(RelayEvent::Connection(
                        lost @ ConnectionChange::Lost { will_reconnect: true, .. },
                    )) => last_loss = lost.to_string(),
                    Some(RelayEvent::Connection(ConnectionChange::Restored {
                        recovered: true, ..
                    })) => self.report.recovered += 1,
                    other => {
                        // The next change tells why.
                        let next = self.next_change().await;
                        let problem = format!("{last_loss}; then {other:?}; then {next}");
                        self.report.problems.push(problem);
                    }
                },
            }
        }
        self.report
    }

    /// Returns the next change of the connection, which tells why something failed.
    async fn next_change(&mut self) -> String {
        loop {
            match self.events.next().await {
                Some(RelayEvent::Connection(ConnectionChange::EmitsLost { .. })) => {}
                Some(RelayEvent::Connection(change)) => return change.to_string(),
                Some(_) => {}
                None => return "the end".to_owned(),
            }
        }
    }

    fn shout(&mut self) {
        // Some are large, to reach the limits of bytes.
        let length = if self.rng.below(40) == 0 { 12_000 } else { self.rng.below(100) };
        let text = "x".repeat(usize::try_from(length).unwrap_or_default());
        match self.relay.shout(self.report.shouts, text) {
            Ok(()) => self.report.shouts += 1,
            Err(error) => self.report.problems.push(error.to_string()),
        }
    }

    fn double(&mut self) -> impl Future<Output = Result<(), String>> + use<> {
        let number = self.report.doubled;
        self.report.doubled += 1;
        let answer = self.relay.double(number);
        async move {
            match answer.await {
                Ok(double) if double == 2 * number => Ok(()),
                other => Err(format!("double({number}) is {other:?}")),
            }
        }
    }
}

impl Report {
    /// Asserts that the client received all texts sent since it joined.
    pub(crate) fn check(&self, shouts: &[TextId]) {
        let Self { client, room, entered, received, .. } = self;
        let expected = (*entered..).zip(&shouts[usize::try_from(*entered).expect("a position")..]);
        for (received, (before, (from, number))) in received.iter().zip(expected) {
            assert_eq!(*received, (before + 1, *from, *number), "client {client} in {room}");
        }
        assert_eq!(
            received.len() as u64,
            shouts.len() as u64 - entered,
            "client {client} in {room}"
        );
    }
}
