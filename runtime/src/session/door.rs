use tokio::sync::oneshot;

use super::Secret;
use crate::lock::Lock;
use crate::server::{Connection, Reject, Request};

/// Where clients come back to a session: first with a request, then, if that is granted, with the
/// connection. At most one of each waits: who comes later has the session.
#[derive(Default)]
pub(crate) struct Door(Lock<State>);

#[derive(Default)]
struct State {
    comeback: Option<Box<Comeback>>,
    arrived: Option<(u64, Box<Connection>)>,
    shut: bool,
}

/// A client that asks to go on with its session.
pub(crate) struct Comeback {
    pub(crate) request: Request,
    /// How many counted frames it has received.
    pub(crate) received: u64,
    pub(crate) answer: oneshot::Sender<Result<Granted, Refused>>,
}

/// The session waits for the connection.
pub(crate) struct Granted {
    /// Which comeback it was: only the connection of the last one is taken.
    pub(crate) turn: u64,
    /// How many counted frames the session has received.
    pub(crate) received: u64,
    /// The newest secret is that of the newest turn.
    pub(crate) secret: Secret,
}

/// Why the session does not go on with this client.
pub(crate) enum Refused {
    /// The session's `resumed` said no.
    Rejected(Reject),
    /// The client says that it has received what was never sent.
    Mismatch,
    NoRandomBits(getrandom::Error),
}

impl Door {
    /// Leaves a request. Whoever waited is turned away.
    pub(crate) fn ask(&self, comeback: Comeback) {
        let mut state = self.0.lock();
        if !state.shut {
            state.comeback = Some(Box::new(comeback));
        }
    }

    /// Leaves the connection of a granted comeback. One that comes too late is cut.
    pub(crate) fn arrive(&self, turn: u64, connection: Connection) {
        let mut state = self.0.lock();
        if !state.shut {
            state.arrived = Some((turn, Box::new(connection)));
        }
    }

    pub(super) fn comeback(&self) -> Option<Comeback> {
        self.0.lock().comeback.take().map(|comeback| *comeback)
    }

    pub(super) fn arrived(&self) -> Option<(u64, Box<Connection>)> {
        self.0.lock().arrived.take()
    }

    /// Nobody is let in any more: a connection that waited here would keep its session alive.
    pub(super) fn shut(&self) {
        let mut state = self.0.lock();
        *state = State { shut: true, ..State::default() };
    }
}
