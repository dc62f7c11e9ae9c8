//! What the benches reach: there with the feature `__bench` only.
//!
//! Benches go through this file and what is public, so that the inside may change without them.

#![allow(missing_docs, reason = "nobody's but the benches'")]

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use http::header::SEC_WEBSOCKET_PROTOCOL;
use serde::Serialize;

use crate::Io;
use crate::contract::Contract;
use crate::request::Request;
use crate::rooms::Hub;
use crate::session::{Limits, PushPolicy, Registration};
use crate::socket_id::SocketId;
use crate::wire::{Frame, PROTOCOL_JSON};

/// Takes a message apart and decodes it, as a session does.
pub fn decode<E: Contract>(text: &str) -> Option<E::Incoming> {
    crate::session::read::<E>(text).ok()
}

/// An event as it goes out, header and all.
pub struct EncodedEvent(Frame);

/// Encodes an event as an emitter does.
pub fn encode<P: Serialize>(event: &str, payload: &P) -> Option<EncodedEvent> {
    Frame::event(event, payload).ok().map(EncodedEvent)
}

/// Clients of Parlor in one room, without connections: the benches take what waits for them.
pub struct Crowd {
    hub: Arc<Hub>,
    registrations: Vec<Registration>,
    /// How many frames each has received.
    received: u64,
    bytes: Vec<u8>,
}

impl Crowd {
    /// The clients of a procedure, in one room.
    pub fn new<E: Contract>(size: usize, room: &str) -> Option<Self> {
        let hub = Arc::new(Hub::of::<E>());
        let limits = Arc::default();
        let enter = |_| {
            let guest = Guest::enter(&hub, &limits)?;
            guest.join(room).then_some(guest.0)
        };
        let registrations = (0..size).map(enter).collect::<Option<_>>()?;
        let mut crowd = Self { hub, registrations, received: 0, bytes: Vec::new() };
        crowd.take(0);
        Some(crowd)
    }

    /// A client of the same procedure, in no room.
    pub fn guest(&self) -> Option<Guest> {
        Guest::enter(&self.hub, &Arc::default())
    }

    /// Emits to them as anybody does.
    pub fn io<E: Contract>(&self) -> Io<E> {
        Io::new(Arc::clone(&self.hub))
    }

    /// Puts a frame into the outbox of each, and says how many there are that took it.
    pub fn push(&self, event: &EncodedEvent) -> usize {
        let pushed = |registration: &&Registration| {
            registration.member().push(PushPolicy::Reliable, &event.0).is_ok()
        };
        self.registrations.iter().filter(pushed).count()
    }

    /// Takes what waits for each, which is so many frames, has it confirmed, and goes to sleep.
    /// Returns how many bytes it was.
    pub fn take(&mut self, frames: u64) -> usize {
        let mut size = 0;
        self.received += frames;
        for registration in &self.registrations {
            let outbox = registration.member().outbox();
            loop {
                self.bytes.clear();
                outbox.take(&mut self.bytes);
                if self.bytes.is_empty() {
                    break;
                }
                size += self.bytes.len();
            }
            // That they were so many, a bench sees by the bytes.
            let _ = outbox.confirm(self.received);
        }
        size
    }
}

/// A client of Parlor without a connection. It disconnects when it is dropped.
pub struct Guest(Registration);

impl Guest {
    fn enter(hub: &Arc<Hub>, limits: &Arc<Limits>) -> Option<Self> {
        let request =
            http::Request::builder().header(SEC_WEBSOCKET_PROTOCOL, PROTOCOL_JSON).body(());
        let request = Request::new(request.ok()?, None);
        let id = SocketId::random().ok()?;
        let registration = Registration::new(id, request, hub, limits, None).ok()?;
        registration.member().signals().register(Waker::noop());
        Some(Self(registration))
    }

    /// Joins a room. Returns whether it was not in it before, and is now.
    pub fn join(&self, room: &str) -> bool {
        self.0.member().join(room).unwrap_or(false)
    }

    /// Leaves a room. Returns whether it was in it.
    pub fn leave(&self, room: &str) -> bool {
        self.0.member().leave(room)
    }
}

/// How long all threads have waited for locks so far.
pub fn lock_waits() -> Duration {
    crate::lock::waits::total()
}
