use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use tokio::time::timeout;
use tracing::{Instrument, Level, Span};

use super::batch::Batched;
use super::closures::Closure;
use super::dispatch::dispatch;
use super::driver::{Driver, Next, Run};
use super::inbound::Inbound;
use super::rate_keys::SharedBucket;
use super::resume_slot::{ResumeError, ResumeRequest};
use super::spawned::Tasks;
use super::{Guard, Registration};
use crate::contract::Procedure;
use crate::disconnect_reason::DisconnectReason;
use crate::reject::Reject;
use crate::request::Mode;
use crate::session::Connection;
use crate::task_tracker::TaskToken;
use crate::user_code::Name;
use crate::wire::Unrecovered;

/// A session that is about to start.
pub(crate) struct Session<S> {
    pub(crate) value: S,
    pub(crate) registration: Registration,
    pub(crate) guard: Option<Guard<S>>,
    /// Held until the session has ended.
    pub(crate) bucket: Option<SharedBucket>,
}

/// Spawns the task of the session. The task drops `token` when it has ended.
pub(crate) fn start<E: Procedure<S>, S: Send + 'static>(
    mut session: Session<S>,
    connection: Connection,
    mode: Mode,
    token: TaskToken,
) {
    let bucket = session.bucket.take().map(Box::new);
    let member = session.registration.member();
    // A span takes several hundred bytes, so sessions have one only if `DEBUG` is enabled.
    let span = if tracing::enabled!(Level::DEBUG) { member.span() } else { Span::none() };
    span.record("peer", tracing::field::debug(member.request().peer_addr()));
    let inbound = Inbound::new(member, mode, bucket);
    let driver = Box::new(Driver::new(connection, Arc::clone(member), inbound));
    tokio::spawn(Batched::new(run::<E, S>(session, driver, token).instrument(span)));
}

/// Handles messages and resume requests until the session ends, then runs `disconnected` and closes.
#[allow(clippy::manual_async_fn, reason = "the future of an `async fn` stores each argument twice")]
fn run<E: Procedure<S>, S: Send + 'static>(
    mut session: Session<S>,
    mut driver: Box<Driver>,
    token: TaskToken,
) -> impl Future<Output = ()> + Send {
    async move {
        driver.begin().await;
        let reason = loop {
            let done = match driver.next().await {
                Ok(Next::Message) => {
                    dispatch::<E, S>(&mut session.value, session.guard.as_ref(), &mut driver).await
                }
                Ok(Next::Closure(closure)) => run_closure(&mut session.value, &driver, closure),
                // Boxed: it is rare, and otherwise every task would reserve memory for it.
                Ok(Next::Detached) => {
                    Box::pin(run_detached::<E, S>(&mut session.value, &mut driver)).await
                }
                Ok(Next::ResumeRequest(request)) => {
                    Box::pin(resume::<E, S>(&mut session.value, &mut driver, *request)).await
                }
                Err(reason) => break reason,
            };
            if let Err(reason) = done {
                break reason;
            }
        };
        driver.log(|| log_end(&reason));
        let tasks = driver.close_to_others(&reason);
        // Boxed for the same reason.
        Box::pin(run_disconnected::<E, S>(&mut session.value, &mut driver, &reason)).await;
        drop(session.value);
        drop(session.registration);
        match tasks {
            None => Box::pin(driver.finish(&reason)).await,
            Some(tasks) => Box::pin(finish_with(tasks, driver, &reason)).await,
        }
        drop(token);
    }
}

/// Closes the connection, and waits meanwhile for the tasks of the session. They are cancelled, but one
/// that blocks its thread ends later, and one on a runtime that does not run never does.
async fn finish_with(tasks: Tasks, driver: Box<Driver>, reason: &DisconnectReason) {
    let member = Arc::clone(driver.member());
    let bound = member.options().timeouts.close;
    let closed = timeout(bound, tasks.closed());
    let ((), closed) = tokio::join!(driver.finish(reason), closed);
    if closed.is_err() {
        let left = tasks.receiver_count();
        member.log(|| {
            tracing::error!(
                left,
                ?bound,
                "tasks of `Socket::spawn` run on after `Timeouts::close`"
            );
        });
    }
}

fn run_closure<S: 'static>(
    value: &mut S,
    driver: &Driver,
    closure: Closure,
) -> Result<(), Box<DisconnectReason>> {
    let code = driver.user_code(Name::Other("a closure of `Sessions::with`"));
    code.run(|| catch_unwind(AssertUnwindSafe(|| closure(value)))).map_err(|_| {
        driver.log(|| tracing::error!("a closure of `Sessions::with` panicked; its session ends"));
        Box::new(DisconnectReason::HandlerPanicked)
    })
}

async fn run_detached<E: Procedure<S>, S>(
    value: &mut S,
    driver: &mut Driver,
) -> Result<(), Box<DisconnectReason>> {
    let detached = pin!(E::detached(value));
    match driver.handle(None, Name::Other("`detached`"), detached).await {
        Run::Done(()) => Ok(()),
        Run::TimedOut => {
            driver.log(|| tracing::warn!("`detached` took longer than `Timeouts::handler`"));
            Ok(())
        }
        Run::Panicked => {
            driver.log(|| tracing::error!("`detached` panicked; its session ends"));
            Err(Box::new(DisconnectReason::HandlerPanicked))
        }
        Run::Cancelled => driver.cancelled(),
    }
}

/// Checks a request, runs `resumed`, and grants or rejects the request.
async fn resume<E: Procedure<S>, S>(
    value: &mut S,
    driver: &mut Driver,
    request: ResumeRequest,
) -> Result<(), Box<DisconnectReason>> {
    let ResumeRequest { request, received, secret, answer } = request;
    // The client may be gone wherever an answer is sent.
    let next = match driver.check_resume(received, &answer) {
        Some(Ok(next)) => next,
        Some(Err(error)) => {
            let _ = answer.send(Err(error));
            return Ok(());
        }
        None => return Ok(()),
    };
    let peer = request.peer_addr();
    let resumed = pin!(E::resumed(value, request));
    let reject = match driver.handle(None, Name::Other("`resumed`"), resumed).await {
        Run::Done(Ok(())) => {
            tracing::Span::current().record("peer", tracing::field::debug(peer));
            driver.grant(&secret, next, answer);
            return Ok(());
        }
        Run::Done(Err(reject)) => reject,
        Run::TimedOut => {
            driver.log(|| tracing::warn!("`resumed` took longer than `Timeouts::handler`"));
            Reject::try_later("the session took too long to resume")
        }
        Run::Panicked => {
            driver.log(|| tracing::error!("`resumed` panicked; its session ends"));
            // Before `answer` is dropped: the admission looks the session up then.
            driver.end(DisconnectReason::HandlerPanicked, Unrecovered::Ended);
            return Err(Box::new(DisconnectReason::HandlerPanicked));
        }
        Run::Cancelled => return driver.cancelled(),
    };
    let _ = answer.send(Err(ResumeError::Rejected(reject)));
    Ok(())
}

async fn run_disconnected<E: Procedure<S>, S>(
    value: &mut S,
    driver: &mut Driver,
    reason: &DisconnectReason,
) {
    let disconnected = pin!(E::disconnected(value, reason.clone()));
    match driver.disconnect(disconnected).await {
        Run::Done(()) | Run::Cancelled => {}
        Run::Panicked => driver.log(|| tracing::error!("`disconnected` panicked")),
        Run::TimedOut => {
            driver.log(|| tracing::error!("`disconnected` took longer than `Timeouts::close`"));
        }
    }
}

fn log_end(reason: &DisconnectReason) {
    if *reason == DisconnectReason::TooSlow {
        tracing::warn!(%reason, "session ended");
    } else {
        // Any client can break the protocol, as often as it connects.
        tracing::debug!(%reason, "session ended");
    }
}
