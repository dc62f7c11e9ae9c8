//! One call: the future that waits for its answer and decodes it.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::calls::{Failure, Outcome};
use super::close::Close;
use super::error::CallError;
use super::shared::CloseOnDrop;
use crate::wire::ErrorBody;

/// A call without an answer yet: a future of the typed answer.
///
/// The message is queued when the method is called. So a handle sends in the order of its method calls,
/// whenever the futures are polled. Dropping the future cancels the call: its answer is ignored, and a
/// call that is still queued is not sent. The future keeps the client open, as a handle does.
#[must_use = "await it for the answer; dropping it cancels the call"]
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

/// An error type with which a handler can refuse a call: one that serde can deserialize, or
/// [`Infallible`] for events without a `Result`.
///
/// `How` distinguishes the two; the compiler infers it.
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
        serde_json::from_str(details)
            .map_err(|error| format!("the typed error cannot be decoded: {error}"))
    }
}

impl RefusedWith<Never> for Infallible {
    fn from_details(_: &str) -> Result<Self, String> {
        Err("the call was refused, but its event has no error type".to_owned())
    }
}

/// Waits for the answer to a call.
pub(super) async fn wait(
    guard: CallGuard,
    outcome: oneshot::Receiver<Outcome>,
    deadline: Option<Instant>,
) -> Outcome {
    let outcome = match deadline {
        Some(deadline) => timeout_at(deadline, outcome).await,
        None => Ok(outcome.await),
    };
    match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => {
            Err(Failure::Closed(guard.handles.0.last_close().unwrap_or_else(Close::by_client)))
        }
        Err(_) => Err(Failure::TimedOut),
    }
}

/// Keeps the client open for one call. Removes the call when it is dropped.
pub(super) struct CallGuard {
    pub(super) handles: Arc<CloseOnDrop>,
    pub(super) id: u64,
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.handles.0.remove_call(self.id);
    }
}

/// The deadline of a call that is made now; `None` if the timeout is too long for an `Instant`.
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
        return serde_json::from_str(payload).map_err(|error| {
            CallError::Protocol(format!("the answer cannot be decoded: {error}"))
        });
    }
    let body: ErrorBody = serde_json::from_str(payload).map_err(|error| {
        CallError::Protocol(format!("the `$err` frame cannot be decoded: {error}"))
    })?;
    let details = body.details.as_deref().map_or("null", |details| details.get());
    let violation = serde_json::from_str(details).ok();
    Err(CallError::from_server(body.code, body.message, violation, || E::from_details(details)))
}
