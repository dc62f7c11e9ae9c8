//! A server that writes down what it handled, to be compared with what its clients saw.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::prelude::*;
use tokio::sync::watch;

/// Rooms in which everyone hears everyone.
#[procedure(typescript)]
pub(crate) trait Arena {
    /// Enters a room. Answers how much was shouted there before.
    #[incoming]
    async fn enter(&mut self, room: String, client: u32) -> u64;
    /// Says something to all in the room, its sender too.
    #[incoming]
    async fn shout(&mut self, number: u64, text: String);
    /// Twice as much.
    #[incoming]
    async fn double(&mut self, number: u64) -> u64;

    /// What somebody in the room said; `place` counts from 1 there.
    #[outgoing]
    fn shouted(place: u64, client: u32, number: u64, text: String);
    /// So much was said in the room, and there is no more to come.
    #[outgoing]
    fn over(last: u64);
}

/// Somebody's `number`th word.
pub(crate) type Shout = (u32, u64);

/// What the server has handled.
#[derive(Default)]
pub(crate) struct Records {
    /// Of each room.
    pub(crate) shouts: HashMap<String, Vec<Shout>>,
    /// Of each client.
    pub(crate) doubled: HashMap<u32, Vec<u64>>,
    /// Sessions that were made, and comebacks.
    pub(crate) sessions: u64,
    pub(crate) resumed: u64,
}

/// What all sessions share.
#[derive(Clone)]
pub(crate) struct Ring {
    records: Arc<Mutex<Records>>,
    /// How many have entered, and how many shouts there were.
    progress: Arc<watch::Sender<(u32, u64)>>,
}

pub(crate) struct Fighter {
    socket: ArenaSocket,
    ring: Ring,
    room: String,
    client: u32,
}

impl Ring {
    pub(crate) fn new() -> Self {
        Self { records: Arc::default(), progress: Arc::new(watch::Sender::new((0, 0))) }
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server that writes it. Sessions are kept for as long as any test takes.
    pub(crate) fn server(&self) -> ArenaServer<Fighter> {
        let ring = self.clone();
        ArenaServer::new(move |socket: ArenaSocket| {
            let ring = ring.clone();
            ring.records().sessions += 1;
            async move { Ok(Fighter { socket, ring, room: String::new(), client: 0 }) }
        })
        .recovery_window(Duration::from_secs(120))
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_timeout(Duration::from_millis(2500))
    }

    /// Waits until so many have entered, and have shouted so often, all together.
    pub(crate) async fn has(&self, entered: u32, shouts: u64) {
        let mut progress = self.progress.subscribe();
        // The sender is in `self`.
        let _ = progress.wait_for(|now| now.0 >= entered && now.1 >= shouts).await;
    }

    /// Tells all rooms that it is over.
    pub(crate) fn end(&self, io: &ArenaIo) {
        for (room, shouts) in &self.records().shouts {
            io.to(room).over(shouts.len() as u64);
        }
    }
}

impl Arena for Fighter {
    async fn enter(&mut self, room: String, client: u32) -> u64 {
        (self.room, self.client) = (room, client);
        // Nobody shouts meanwhile.
        let mut records = self.ring.records();
        self.socket.join(&self.room).expect("a room");
        self.ring.progress.send_modify(|(entered, _)| *entered += 1);
        records.shouts.entry(self.room.clone()).or_default().len() as u64
    }

    async fn shout(&mut self, number: u64, text: String) {
        // All hear it in the order of the records.
        let mut records = self.ring.records();
        let shouts = records.shouts.entry(self.room.clone()).or_default();
        shouts.push((self.client, number));
        let place = shouts.len() as u64;
        self.socket.io().to(&self.room).shouted(place, self.client, number, text);
        self.ring.progress.send_modify(|(_, shouts)| *shouts += 1);
    }

    async fn double(&mut self, number: u64) -> u64 {
        self.ring.records().doubled.entry(self.client).or_default().push(number);
        2 * number
    }

    async fn resumed(&mut self, _request: Request) -> Result<(), Reject> {
        self.ring.records().resumed += 1;
        Ok(())
    }
}
