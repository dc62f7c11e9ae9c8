//! One call: the future that waits for its answer, and how the answer becomes typed.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::calls::{Failure, Outcome};
use super::error::CallError;
use super::handle::Client;
use crate::wire::ErrorBody;

/// A call on its way: a future of the typed answer.
///
/// The message is queued when the method is called, so what a handle sends goes out in the order in
/// which it was called, whenever the futures are polled. Dropping the future forgets the call: its
/// answer is ignored, and a call that still waits for the connection is not sent. The future keeps
/// the client open as a handle does.
#[must_use = "the answer comes to whoever awaits it; dropping it forgets the call"]
pub struct Call<T, E> {
    outcome: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    read: fn(Outcome) -> Result<T, CallError<E>>,
}

impl<T: DeserializeOwned, E> Call<T, E> {
    pub(super) fn new<How>(outcome: impl Future<Output = Outcome> + Send + 'static) -> Self
    where
        E: RefusedWith<How>,
    {
        Self { outcome: Box::pin(outcome), read: read::<T, E, How> }
    }
}

impl<T, E> Future for Call<T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.outcome.as_mut().poll(cx).map(this.read)
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

/// An error type that a handler can refuse a call with: one that serde can read, or [`Infallible`]
/// for events that answer without a `Result`.
///
/// `How` only keeps the two apart; the compiler infers it.
pub trait RefusedWith<How>: Sized {
    #[doc(hidden)]
    fn from_details(details: &str) -> Result<Self, String>;
}

#[doc(hidden)]
#[derive(Debug)]
pub enum Typed {}

#[doc(hidden)]
#[derive(Debug)]
pub enum Never {}

impl<E: DeserializeOwned> RefusedWith<Typed> for E {
    fn from_details(details: &str) -> Result<Self, String> {
        serde_json::from_str(details).map_err(|error| format!("the typed error: {error}"))
    }
}

impl RefusedWith<Never> for Infallible {
    fn from_details(_: &str) -> Result<Self, String> {
        Err("the call was refused, but its event has no error type".to_owned())
    }
}

/// Waits for the answer to a call.
pub(super) async fn wait(
    ticket: Ticket,
    outcome: oneshot::Receiver<Outcome>,
    deadline: Option<Instant>,
) -> Outcome {
    let _ticket = ticket;
    let outcome = match deadline {
        Some(deadline) => timeout_at(deadline, outcome).await,
        None => Ok(outcome.await),
    };
    match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::Closed),
        Err(_) => Err(Failure::TimedOut),
    }
}

/// Keeps the client open for one call, and forgets the call when it is over.
pub(super) struct Ticket {
    pub(super) client: Client,
    pub(super) id: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.client.shared().forget(self.id);
    }
}

/// When a call that is made now has waited for `timeout`; `None` if that is past all clocks.
pub(super) fn deadline(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

fn read<T, E, How>(outcome: Outcome) -> Result<T, CallError<E>>
where
    T: DeserializeOwned,
    E: RefusedWith<How>,
{
    let answer = outcome?;
    let payload = answer.head.payload(&answer.text);
    if answer.ok {
        return serde_json::from_str(payload)
            .map_err(|error| CallError::Protocol(format!("the answer: {error}")));
    }
    let body: ErrorBody = serde_json::from_str(payload)
        .map_err(|error| CallError::Protocol(format!("the refusal: {error}")))?;
    let details = body.details.as_deref().map_or("null", |details| details.get());
    let violation = serde_json::from_str(details).ok();
    Err(CallError::from_server(body.code, body.message, violation, || E::from_details(details)))
}
