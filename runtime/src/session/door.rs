use tokio::sync::oneshot;

use super::secret::Secret;
use crate::lock::{Lock, rank};
use crate::server::{Connection, Reject, Request};

/// Where clients come back to a session: first with a request, then, if that is granted, with the
/// connection. At most one of each waits: who comes later has the session.
#[derive(Default)]
pub(crate) struct Door(Lock<State, { rank::RESUME }>);

#[derive(Default)]
struct State {
    comeback: Option<Box<Comeback>>,
    arrived: Option<(u64, Box<Connection>)>,
    /// Nobody may ask any more.
    over: bool,
    /// Nor is a connection let in.
    shut: bool,
}

/// A client that asks to go on with its session.
pub(crate) struct Comeback {
    pub(crate) request: Request,
    /// How many counted frames it has received.
    pub(crate) received: u64,
    /// What it has shown.
    pub(crate) secret: Secret,
    pub(crate) answer: oneshot::Sender<Result<Granted, Refused>>,
}

/// The session waits for the connection.
pub(crate) struct Granted {
    /// Which comeback it was: only the connection of the last one is taken.
    pub(crate) turn: u64,
    /// How many counted frames the session has received.
    pub(crate) received: u64,
    /// What the client can resume with the next time.
    pub(crate) secret: Secret,
}

/// Why the session does not go on with this client.
pub(crate) enum Refused {
    /// The session's `resumed` said no.
    Rejected(Reject),
    /// The client says that it has received what was never sent.
    Mismatch,
    /// There is no new secret.
    NoRandomBits(getrandom::Error),
}

impl Door {
    /// Leaves a request. Whoever waited is turned away.
    pub(crate) fn ask(&self, comeback: Comeback) {
        let mut comeback = Some(Box::new(comeback));
        let mut state = self.0.lock();
        if !state.over {
            std::mem::swap(&mut state.comeback, &mut comeback);
        }
        // Who is turned away is dropped without the lock: a request has values of the user's.
        drop(state);
    }

    /// Leaves the connection of a granted comeback. One that comes too late is cut: after the end, or
    /// after that of a later comeback.
    pub(crate) fn arrive(&self, turn: u64, connection: Connection) {
        let mut arrived = Some((turn, Box::new(connection)));
        let mut state = self.0.lock();
        let is_late = state.arrived.as_ref().is_some_and(|(before, _)| *before > turn);
        if !state.shut && !is_late {
            std::mem::swap(&mut state.arrived, &mut arrived);
        }
        drop(state);
    }

    /// A client that still waits for its answer.
    pub(super) fn comeback(&self) -> Option<Box<Comeback>> {
        let comeback = self.0.lock().comeback.take()?;
        (!comeback.answer.is_closed()).then_some(comeback)
    }

    pub(super) fn arrived(&self) -> Option<(u64, Box<Connection>)> {
        self.0.lock().arrived.take()
    }

    /// Nobody may ask any more, and who has is turned away; whoever was granted is still let in.
    pub(super) fn turn_away(&self) {
        let mut state = self.0.lock();
        state.over = true;
        let comeback = state.comeback.take();
        drop(state);
        drop(comeback);
    }

    /// Nobody is let in any more: a connection that waited here would keep its session alive.
    pub(super) fn shut(&self) {
        let shut = State { over: true, shut: true, ..State::default() };
        let waited = std::mem::replace(&mut *self.0.lock(), shut);
        drop(waited);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::recovery::tests::{enter, request};

    #[test]
    fn a_connection_that_comes_late_does_not_take_the_place_of_a_later_one() {
        let presence = enter(&Arc::default());
        let door = presence.member().door();
        let connection = || Connection::to_nobody(presence.member());
        door.arrive(2, connection());
        door.arrive(1, connection());
        assert_eq!(door.arrived().map(|(turn, _)| turn), Some(2));
        door.arrive(1, connection());
        door.arrive(2, connection());
        assert_eq!(door.arrived().map(|(turn, _)| turn), Some(2));
    }

    #[test]
    fn nobody_waits_at_a_door_that_is_shut() {
        let presence = enter(&Arc::default());
        let door = presence.member().door();
        let ask = || {
            let (answer, answered) = oneshot::channel();
            let secret = Secret::random().expect("random bits");
            door.ask(Comeback { request: request(), received: 0, secret, answer });
            answered
        };
        let is_turned_away = |answered: &mut oneshot::Receiver<_>| {
            matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Closed))
        };
        let (mut first, second) = (ask(), ask());
        assert!(is_turned_away(&mut first), "who comes later has the session");
        drop(second);
        assert!(door.comeback().is_none(), "nobody waits for the answer");
        let mut third = ask();
        assert!(!is_turned_away(&mut third));
        door.turn_away();
        assert!(is_turned_away(&mut third) && is_turned_away(&mut ask()));
        door.arrive(1, Connection::to_nobody(presence.member()));
        assert!(door.arrived().is_some(), "it was granted before");
        let members = Arc::strong_count(presence.member());
        door.arrive(2, Connection::to_nobody(presence.member()));
        door.shut();
        door.arrive(3, Connection::to_nobody(presence.member()));
        assert_eq!(Arc::strong_count(presence.member()), members, "a connection holds its session");
    }
}
