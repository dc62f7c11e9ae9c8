//! A server that records what it handles, to compare it with what its clients receive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::prelude::*;
use parlor::server::{Heartbeat, Recovery};
use tokio::sync::watch;

/// Relays numbered texts to all members of a room.
#[procedure(typescript)]
pub(crate) trait Relay {
    /// Joins a room. Returns the number of texts sent there before.
    #[incoming]
    async fn enter(&mut self, room: String, client: u32) -> u64;
    /// Sends a text to all in the room, including the sender.
    #[incoming]
    async fn shout(&mut self, number: u64, text: String);
    /// Returns `2 * number`.
    #[incoming]
    async fn double(&mut self, number: u64) -> u64;

    /// A text that a member sent. `position` counts the texts of the room from 1.
    #[outgoing]
    fn shouted(position: u64, client: u32, number: u64, text: String);
    /// The last event: the room has had `last` texts.
    #[outgoing]
    fn over(last: u64);
}

/// Identifies a text: the client that sent it, and its number.
pub(crate) type TextId = (u32, u64);

/// What the server has handled.
#[derive(Default)]
pub(crate) struct Records {
    /// The texts of each room, in order.
    pub(crate) shouts: HashMap<String, Vec<TextId>>,
    /// The numbers of the `double` calls of each client, in order.
    pub(crate) doubled: HashMap<u32, Vec<u64>>,
    /// Sessions that were created, and resumes.
    pub(crate) sessions: u64,
    pub(crate) resumed: u64,
}

/// What all sessions share.
#[derive(Clone)]
pub(crate) struct Recorder {
    records: Arc<Mutex<Records>>,
    /// How many clients have joined, and how many texts were sent.
    progress: Arc<watch::Sender<(u32, u64)>>,
}

pub(crate) struct Guest {
    socket: RelaySocket,
    recorder: Recorder,
    room: String,
    client: u32,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { records: Arc::default(), progress: Arc::new(watch::Sender::new((0, 0))) }
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a server that records here. Sessions are kept longer than any test takes.
    pub(crate) fn server(&self) -> RelayServer<Guest> {
        let recorder = self.clone();
        RelayServer::new(move |socket: RelaySocket| {
            let recorder = recorder.clone();
            recorder.records().sessions += 1;
            async move { Ok(Guest { socket, recorder, room: String::new(), client: 0 }) }
        })
        .recovery(Recovery { window: Duration::from_secs(120), ..Recovery::default() })
        .heartbeat(Heartbeat {
            interval: Duration::from_secs(1),
            timeout: Duration::from_millis(2500),
        })
    }

    /// Waits until `entered` clients have joined and `shouts` texts were sent in total.
    pub(crate) async fn wait_for(&self, entered: u32, shouts: u64) {
        let mut progress = self.progress.subscribe();
        // The sender is in `self`.
        let _ = progress.wait_for(|now| now.0 >= entered && now.1 >= shouts).await;
    }

    /// Emits the last event to all rooms.
    pub(crate) fn end(&self, io: &RelayIo) {
        for (room, shouts) in &self.records().shouts {
            io.to(room).over(shouts.len() as u64);
        }
    }
}

impl Relay for Guest {
    async fn enter(&mut self, room: String, client: u32) -> u64 {
        (self.room, self.client) = (room, client);
        // The lock prevents concurrent texts.
        let mut records = self.recorder.records();
        self.socket.join(&self.room).expect("a room");
        self.recorder.progress.send_modify(|(entered, _)| *entered += 1);
        records.shouts.entry(self.room.clone()).or_default().len() as u64
    }

    async fn shout(&mut self, number: u64, text: String) {
        // The lock makes all members receive texts in the order of the records.
        let mut records = self.recorder.records();
        let shouts = records.shouts.entry(self.room.clone()).or_default();
        shouts.push((self.client, number));
        let position = shouts.len() as u64;
        self.socket.io().to(&self.room).shouted(position, self.client, number, text);
        self.recorder.progress.send_modify(|(_, shouts)| *shouts += 1);
    }

    async fn double(&mut self, number: u64) -> u64 {
        self.recorder.records().doubled.entry(self.client).or_default().push(number);
        2 * number
    }

    async fn resumed(&mut self, _request: Request) -> Result<(), Reject> {
        self.recorder.records().resumed += 1;
        Ok(())
    }
}
