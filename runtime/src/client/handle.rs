use std::fmt;
use std::sync::{Arc, Weak};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{self, Call, RefusedWith, Ticket};
use super::calls::Failure;
use super::change::ClientStatus;
use super::error::EmitError;
use super::shared::Shared;
use crate::wire::Violation;

/// A handle to a connected client; generated clients wrap it and add a method per event.
///
/// Cheap to clone. When the last handle is dropped, what waits is sent and the client closes.
#[derive(Clone)]
pub struct Client {
    handles: Arc<Handles>,
    /// The session whose hook holds this handle.
    session: Option<u64>,
}

/// What all handles of a client have in common.
pub(super) struct Handles(Arc<Shared>);

impl Drop for Handles {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Client {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { handles: Arc::new(Handles(shared)), session: None }
    }

    /// A handle for the hook of `session`; `None` if all handles are gone.
    pub(super) fn for_hook(handles: &Weak<Handles>, session: u64) -> Option<Self> {
        Some(Self { handles: handles.upgrade()?, session: Some(session) })
    }

    pub(super) fn handles(&self) -> Weak<Handles> {
        Arc::downgrade(&self.handles)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.handles.0
    }

    /// Queues the event `name`. It goes out at once, or when the client is connected again.
    ///
    /// `check` says whether the fields keep the rules of `#[validate]`.
    pub fn emit<P: Serialize + ?Sized>(
        &self,
        name: &'static str,
        payload: &P,
        check: Result<(), Violation>,
    ) -> Result<(), EmitError> {
        check.map_err(EmitError::Invalid)?;
        let text = encode(&(name, payload))?;
        self.shared().emit(self.session, text)
    }

    /// Queues a call of the event `name` at once; the future is that of its answer.
    ///
    /// `check` says whether the fields keep the rules of `#[validate]`.
    pub fn call<T, E, How>(
        &self,
        name: &'static str,
        payload: &(impl Serialize + ?Sized),
        check: Result<(), Violation>,
    ) -> Call<T, E>
    where
        T: DeserializeOwned,
        E: RefusedWith<How>,
    {
        let deadline = call::deadline(self.shared().call_timeout);
        let id = self.shared().new_call_id();
        let queued = check
            .map_err(EmitError::Invalid)
            .and_then(|()| encode(&(name, payload, id)))
            .map_err(Failure::Unsent)
            .and_then(|text| self.shared().call(self.session, id, text));
        // The ticket is made here, so that a future that is never polled forgets its call too.
        let ticket = Ticket { client: self.clone(), id };
        let waiting = queued.map(|outcome| call::wait(ticket, outcome, deadline));
        Call::new(async move { waiting?.await })
    }

    /// Closes the connection with [`CloseCode::NORMAL`](crate::CloseCode::NORMAL) and does not
    /// connect again.
    ///
    /// Calls fail with [`CallError::Closed`](super::CallError::Closed) at once. Events that were
    /// emitted before still go out if the client is connected, for at most 5 seconds, and the close
    /// frame has 1 second more if the server takes nothing. Then the events end with
    /// [`ConnectionChange::Closed`](super::ConnectionChange::Closed).
    pub fn close(&self) {
        self.shared().close();
    }

    /// Whether the client can reach its server right now.
    pub fn status(&self) -> ClientStatus {
        self.shared().status()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("status", &self.status()).finish_non_exhaustive()
    }
}

fn encode<T: Serialize>(message: &T) -> Result<String, EmitError> {
    serde_json::to_string(message).map_err(|error| EmitError::Encode(error.to_string()))
}
