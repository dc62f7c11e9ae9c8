use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream;
use tokio::task::coop::poll_proceed;

use super::change::ConnectionChange;
use super::inbox::Item;
use super::shared::Shared;
use crate::contract::{DecodeError, Events};
use crate::wire::{ErrorBody, Head, control};

/// The events of the server and the changes of the connection, in order.
///
/// It ends after [`ConnectionChange::Closed`], and not when the client gives up
/// ([`ConnectionChange::GaveUp`]). It holds up to 1 MiB of events; then reading stops until
/// some are taken. If none is taken for a second, pending and new calls fail with
/// [`CallError::EventsNotPolled`](super::CallError::EventsNotPolled), because their answers come after
/// the events. The server's acknowledgements come after them, too: with 256 KiB of emits in flight, no more
/// are sent. A client that needs no events drops this: then they are discarded.
///
/// Taking an event is cancel safe, and takes part in tokio's
/// [cooperative scheduling](tokio::task::coop). It is also a [`Stream`].
pub struct ClientEvents<E> {
    shared: Arc<Shared>,
    events: PhantomData<fn() -> E>,
}

impl<E> ClientEvents<E> {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, events: PhantomData }
    }
}

impl<E: Events + From<ConnectionChange>> ClientEvents<E> {
    /// The next event; `None` when the client is closed and everything was taken.
    pub async fn next(&mut self) -> Option<E> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<E>> {
        loop {
            // Skipped items count, too. Otherwise a task with many of them would keep other tasks of its
            // thread from running.
            let budget = ready!(poll_proceed(cx));
            let taken = ready!(self.shared.inbox.poll_take(cx));
            budget.made_progress();
            let Some((item, freed)) = taken else { return Poll::Ready(None) };
            if freed {
                self.shared.wake.notify_one();
            }
            let event = match item {
                Item::Change(change) => Some(change.into()),
                Item::Frame(text, head) => read(&text, &head),
            };
            if event.is_some() {
                return Poll::Ready(event);
            }
        }
    }
}

impl<E: Events + From<ConnectionChange>> Stream for ClientEvents<E> {
    type Item = E;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        self.poll_event(cx)
    }
}

impl<E> Drop for ClientEvents<E> {
    fn drop(&mut self) {
        self.shared.inbox.discard();
        self.shared.wake.notify_one();
    }
}

impl<E> fmt::Debug for ClientEvents<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientEvents").finish_non_exhaustive()
    }
}

/// Decodes the event in a frame. Returns `None` if it is not in the contract.
fn read<E: Events + From<ConnectionChange>>(text: &str, head: &Head) -> Option<E> {
    let (name, payload) = (head.name(text), head.payload(text));
    if name == control::ERR {
        return Some(event_failure(payload).into());
    }
    let problem = match E::decode_json(name, payload) {
        Ok(event) => return Some(event),
        Err(DecodeError::Unknown) => {
            tracing::debug!(event = name, "skipped an event that is not in the contract");
            return None;
        }
        Err(DecodeError::Missing(field)) => format!("the field `{field}` is missing"),
        Err(DecodeError::Invalid(violation)) => violation.to_string(),
        Err(DecodeError::Codec(error)) => error.to_string(),
    };
    Some(ConnectionChange::Undecodable { event: name.to_owned(), problem }.into())
}

/// Decodes an `$err` without an id.
fn event_failure(payload: &str) -> ConnectionChange {
    match serde_json::from_str::<ErrorBody>(payload) {
        Ok(ErrorBody { code, message, details }) => ConnectionChange::EventRefused {
            code,
            message,
            violation: details.and_then(|details| serde_json::from_str(details.get()).ok()),
        },
        Err(error) => ConnectionChange::Undecodable {
            event: control::ERR.to_owned(),
            problem: error.to_string(),
        },
    }
}
