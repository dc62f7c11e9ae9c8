//! The API of the benches, under the feature `__bench`. Benches use it and the public API, so that
//! internals can change without them.

#![allow(missing_docs, reason = "only benches use it")]

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use http::header::SEC_WEBSOCKET_PROTOCOL;
use serde::Serialize;

use crate::Io;
use crate::contract::Contract;
use crate::request::Request;
use crate::rooms::Hub;
use crate::session::{PushPolicy, Registration, SessionOptions};
use crate::socket_id::SocketId;
use crate::wire::{Frame, PROTOCOL_JSON};

/// Parses and decodes a message, as a session does.
pub fn decode<E: Contract>(text: &str) -> Option<E::Incoming> {
    crate::session::read::<E>(text).ok()
}

/// An encoded event with its header.
pub struct EncodedEvent(Frame);

/// Encodes an event as an emitter does.
pub fn encode<P: Serialize>(event: &str, payload: &P) -> Option<EncodedEvent> {
    Frame::event(event, payload).ok().map(EncodedEvent)
}

/// Sessions of Parlor mode in one room, without connections. The benches take their pending frames.
pub struct Clients {
    hub: Arc<Hub>,
    registrations: Vec<Registration>,
    /// Frames received by each session.
    received: u64,
    bytes: Vec<u8>,
}

impl Clients {
    pub fn new<E: Contract>(size: usize, room: &str) -> Option<Self> {
        let hub = Arc::new(Hub::new(E::NAME, E::OUTGOING));
        let options = Arc::default();
        let enter = |_| {
            let client = Client::enter(&hub, &options)?;
            client.join(room).then_some(client.0)
        };
        let registrations = (0..size).map(enter).collect::<Option<_>>()?;
        let mut clients = Self { hub, registrations, received: 0, bytes: Vec::new() };
        clients.take(0);
        Some(clients)
    }

    /// A session of the same procedure, in no room.
    pub fn client(&self) -> Option<Client> {
        Client::enter(&self.hub, &Arc::default())
    }

    pub fn io<E: Contract>(&self) -> Io<E> {
        Io::new(Arc::clone(&self.hub))
    }

    /// Appends a frame to the outbox of each session. Returns how many outboxes accepted it.
    pub fn push(&self, event: &EncodedEvent) -> usize {
        let pushed = |registration: &&Registration| {
            registration.member().push(PushPolicy::Reliable, &event.0).is_ok()
        };
        self.registrations.iter().filter(pushed).count()
    }

    /// Takes and confirms the pending frames of each session, which must be `frames` many. Returns
    /// their size in bytes.
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
            // A wrong number of frames shows in the returned size.
            let _ = outbox.confirm(self.received);
        }
        size
    }
}

/// A session of Parlor mode without a connection. It ends when it is dropped.
pub struct Client(Registration);

impl Client {
    fn enter(hub: &Arc<Hub>, options: &Arc<SessionOptions>) -> Option<Self> {
        let request =
            http::Request::builder().header(SEC_WEBSOCKET_PROTOCOL, PROTOCOL_JSON).body(());
        let request = Request::new(request.ok()?, None);
        let id = SocketId::random().ok()?;
        let registration = Registration::new(id, request, hub, options).ok()?;
        registration.member().signals().register(Waker::noop());
        Some(Self(registration))
    }

    /// Returns whether it has joined the room and was not in it before.
    pub fn join(&self, room: &str) -> bool {
        self.0.member().join(room).unwrap_or(false)
    }

    /// Returns whether it was in the room.
    pub fn leave(&self, room: &str) -> bool {
        self.0.member().leave(room)
    }
}

/// The total time that all threads have waited for locks.
pub fn lock_waits() -> Duration {
    crate::lock::waits::total()
}
