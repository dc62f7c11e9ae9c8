use std::fmt;
use std::sync::{Arc, Weak};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{self, Call, CallGuard, RefusedWith};
use super::calls::Failure;
use super::change::ClientStatus;
use super::close::Close;
use super::error::EmitError;
use super::shared::{CloseOnDrop, Shared};
use crate::wire::{Violation, encode_message};

/// A handle to a connected client; generated clients wrap it and add a method per event.
///
/// Cheap to clone. When the last handle is dropped, queued events are sent and the client closes.
#[derive(Clone)]
pub struct Client {
    handles: Arc<CloseOnDrop>,
    /// The session whose hook holds this handle.
    session: Option<u64>,
}

impl Client {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { handles: Arc::new(CloseOnDrop(shared)), session: None }
    }

    /// A handle for the hook of `session`; `None` if all handles were dropped.
    pub(super) fn for_hook(handles: &Weak<CloseOnDrop>, session: u64) -> Option<Self> {
        Some(Self { handles: handles.upgrade()?, session: Some(session) })
    }

    pub(super) fn handles(&self) -> Weak<CloseOnDrop> {
        Arc::downgrade(&self.handles)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.handles.0
    }

    /// Queues the event `name`. It is sent at once, or when the client has reconnected.
    ///
    /// `check`: the result of the rules of `#[validate]`.
    pub fn emit<P: Serialize + ?Sized>(
        &self,
        name: &'static str,
        payload: &P,
        check: Result<(), Violation>,
    ) -> Result<(), EmitError> {
        check.map_err(EmitError::Invalid)?;
        let text = encode(name, payload, None)?;
        self.shared().emit(self.session, text)
    }

    /// Queues a call of the event `name` at once. The future resolves to its answer.
    ///
    /// `check`: the result of the rules of `#[validate]`.
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
            .and_then(|()| encode(name, payload, Some(id)))
            .map_err(Failure::Unsent)
            .and_then(|text| self.shared().call(self.session, id, text));
        // Created here, so that a future that is never polled removes its call, too.
        let guard = CallGuard { handles: Arc::clone(&self.handles), id };
        let waiting = queued.map(|outcome| call::wait(guard, outcome, deadline));
        Call::new(async move { waiting?.await })
    }

    /// Closes the connection with [`CloseCode::NORMAL`](crate::wire::CloseCode::NORMAL) and does not
    /// reconnect.
    ///
    /// Calls fail with [`CallError::Closed`](super::CallError::Closed) at once. If the client is
    /// connected, events that were emitted before are still sent, for at most 5 seconds, and the close
    /// frame has 1 second more if the server reads nothing. Then the events end with
    /// [`ConnectionChange::Closed`](super::ConnectionChange::Closed).
    pub fn close(&self) {
        self.shared().close();
    }

    /// How the last connection, or attempt to reconnect, ended; `None` before the first end. It tells apart
    /// who ended it by its [`cause`](super::Close::cause).
    pub fn last_close(&self) -> Option<Close> {
        self.shared().last_close()
    }

    /// Whether the client is connected to its server.
    pub fn status(&self) -> ClientStatus {
        self.shared().status()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("status", &self.status()).finish_non_exhaustive()
    }
}

fn encode<P: Serialize + ?Sized>(
    name: &str,
    payload: &P,
    id: Option<u64>,
) -> Result<String, EmitError> {
    encode_message(name, payload, id).map_err(|error| EmitError::Encode(error.to_string()))
}
