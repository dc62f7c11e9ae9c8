use tokio::sync::oneshot;

use super::Connection;
use crate::lock::{Lock, rank};
use crate::reject::Reject;
use crate::request::Request;
use crate::wire::Secret;

/// Where clients that resume a session leave a request, and later their connection, for its task.
///
/// It holds one request and one connection. A newer one replaces an older one.
#[derive(Default)]
pub(crate) struct ResumeSlot(Lock<State, { rank::RESUME }>);

#[derive(Default)]
struct State {
    request: Option<Box<ResumeRequest>>,
    /// A connection with its generation.
    connection: Option<Box<(u64, Connection)>>,
    accepts: Accepts,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Accepts {
    #[default]
    Requests,
    /// Only the connections of granted requests.
    Connections,
    Nothing,
}

/// A request to resume a session.
pub(crate) struct ResumeRequest {
    pub(crate) request: Request,
    /// Counted frames that the client has received.
    pub(crate) received: u64,
    /// The secret in the request.
    pub(crate) secret: Secret,
    pub(crate) answer: Answer,
}

/// Takes the answer to a resume request.
pub(crate) type Answer = oneshot::Sender<Result<ResumeGrant, ResumeError>>;

/// The session waits for the connection of this generation.
pub(crate) struct ResumeGrant {
    pub(crate) generation: u64,
    /// Counted frames that the session has received.
    pub(crate) received: u64,
    /// The secret of the next resume request.
    pub(crate) secret: Secret,
}

/// Why a session is not resumed.
pub(crate) enum ResumeError {
    /// The session's `resumed` returned an error.
    Rejected(Reject),
    /// The client reports more received frames than were sent.
    Mismatch,
    /// The system has no random bits for a new secret.
    NoRandomBits(getrandom::Error),
}

impl ResumeSlot {
    /// Stores a request. The answer channel of a request that it replaces is dropped.
    pub(crate) fn request(&self, request: ResumeRequest) {
        let mut request = Some(Box::new(request));
        let mut state = self.0.lock();
        if state.accepts == Accepts::Requests {
            std::mem::swap(&mut state.request, &mut request);
        }
        // A request holds values of the user, so it is dropped after the lock is released.
        drop(state);
    }

    /// Stores the connection of a granted request. It is dropped if the session has ended, or if one
    /// of a later generation is stored.
    pub(crate) fn connect(&self, generation: u64, connection: Connection) {
        let mut connection = Some(Box::new((generation, connection)));
        let mut state = self.0.lock();
        let is_late = state.connection.as_ref().is_some_and(|newest| newest.0 > generation);
        if state.accepts != Accepts::Nothing && !is_late {
            std::mem::swap(&mut state.connection, &mut connection);
        }
        drop(state);
    }

    /// Takes the request, if its client still waits for the answer.
    pub(super) fn take_request(&self) -> Option<Box<ResumeRequest>> {
        let request = self.0.lock().request.take()?;
        (!request.answer.is_closed()).then_some(request)
    }

    pub(super) fn take_connection(&self) -> Option<Box<(u64, Connection)>> {
        self.0.lock().connection.take()
    }

    /// Drops the request and accepts no other. The connection of a granted request is still accepted.
    pub(super) fn close_to_requests(&self) {
        let mut state = self.0.lock();
        if state.accepts == Accepts::Requests {
            state.accepts = Accepts::Connections;
        }
        let request = state.request.take();
        drop(state);
        drop(request);
    }

    /// Drops request and connection, and accepts no other.
    pub(super) fn close(&self) {
        let closed = State { accepts: Accepts::Nothing, ..State::default() };
        let stored = std::mem::replace(&mut *self.0.lock(), closed);
        drop(stored);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;
    use crate::session::recovery::tests::{register, request};
    use crate::transport::Transport;

    /// A connection, and the client's end of it.
    fn connection() -> (Connection, DuplexStream) {
        let (server, client) = duplex(1);
        let transport = Transport::Other(Box::new(server));
        (Connection::new(transport, Vec::new(), Vec::new(), 1), client)
    }

    #[test]
    fn late_connection_does_not_replace_one_of_a_later_generation() {
        let registration = register(&Arc::default());
        let slot = registration.member().resume_slot();
        slot.connect(2, connection().0);
        slot.connect(1, connection().0);
        assert_eq!(slot.take_connection().map(|connection| connection.0), Some(2));
        slot.connect(1, connection().0);
        slot.connect(2, connection().0);
        assert_eq!(slot.take_connection().map(|connection| connection.0), Some(2));
    }

    #[tokio::test]
    async fn closed_slot_drops_what_it_holds_and_accepts_nothing() {
        let registration = register(&Arc::default());
        let slot = registration.member().resume_slot();
        let send_request = || {
            let (answer, answered) = oneshot::channel();
            let secret = Secret::random().expect("random bits");
            slot.request(ResumeRequest { request: request(), received: 0, secret, answer });
            answered
        };
        let is_dropped = |answered: &mut oneshot::Receiver<_>| {
            matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Closed))
        };
        let (mut first, second) = (send_request(), send_request());
        assert!(is_dropped(&mut first), "the newer request replaces it");
        drop(second);
        assert!(slot.take_request().is_none(), "its client is gone");
        let mut third = send_request();
        assert!(!is_dropped(&mut third));
        slot.close_to_requests();
        assert!(is_dropped(&mut third) && is_dropped(&mut send_request()));
        slot.connect(1, connection().0);
        assert!(slot.take_connection().is_some(), "its request was granted before");
        let (before, mut client) = connection();
        slot.connect(2, before);
        slot.close();
        assert_eq!(client.read(&mut [0]).await.expect("no error"), 0, "the connection is dropped");
        let (after, mut client) = connection();
        slot.connect(3, after);
        assert_eq!(client.read(&mut [0]).await.expect("no error"), 0, "the connection is dropped");
    }
}
