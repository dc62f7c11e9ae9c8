use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use tracing::{Instrument, Level, Span};

use super::batch::Batched;
use super::dispatch::dispatch;
use super::driver::{Driver, Next, Run};
use super::resume_slot::{ResumeError, ResumeRequest};
use super::{Guard, Registration};
use crate::contract::Procedure;
use crate::disconnect_reason::DisconnectReason;
use crate::reject::Reject;
use crate::request::Mode;
use crate::session::Connection;
use crate::task_tracker::TaskToken;
use crate::wire::Unrecovered;

/// One client's session: the user's value, and its place among the others.
pub(crate) struct Session<S> {
    pub(crate) value: S,
    pub(crate) registration: Registration,
    pub(crate) guard: Option<Guard<S>>,
}

/// Starts the session's task and hands it its connection; `token` is dropped when it has ended.
pub(crate) fn start<E: Procedure<S>, S: Send + 'static>(
    session: Session<S>,
    connection: Connection,
    mode: Mode,
    token: TaskToken,
) {
    let member = session.registration.member();
    // Logs keep several hundred bytes for each span, so only who asks for details has one per session.
    let span = if tracing::enabled!(Level::DEBUG) { member.span() } else { Span::none() };
    span.record("peer", tracing::field::debug(member.request().peer_addr()));
    let driver = Box::new(Driver::new(connection, Arc::clone(member), mode));
    tokio::spawn(Batched::new(run::<E, S>(session, driver, token).instrument(span)));
}

/// Handles what the connection brings until it ends, then says goodbye.
#[allow(
    clippy::manual_async_fn,
    reason = "an `async fn` holds twice what it is given, as argument and as variable"
)]
fn run<E: Procedure<S>, S: Send>(
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
                Ok(Next::ResumeRequest(comeback)) => {
                    // On the heap: it is rare, and every task would have room for it.
                    Box::pin(welcome_back::<E, S>(&mut session.value, &mut driver, *comeback)).await
                }
                Err(reason) => break reason,
            };
            if let Err(reason) = done {
                break reason;
            }
        };
        driver.log(|| log(&reason));
        driver.close_resume_slot(&reason);
        // So are these, for the end comes once.
        Box::pin(say_goodbye::<E, S>(&mut session.value, &mut driver, &reason)).await;
        drop(session.value);
        drop(session.registration);
        Box::pin(driver.finish(&reason)).await;
        drop(token);
    }
}

/// Asks the session whether it goes on with the client that has come back.
async fn welcome_back<E: Procedure<S>, S>(
    value: &mut S,
    driver: &mut Driver,
    comeback: ResumeRequest,
) -> Result<(), Box<DisconnectReason>> {
    let ResumeRequest { request, received, secret, answer } = comeback;
    let peer = request.peer_addr();
    let resumed = pin!(E::resumed(value, request));
    let reject = match driver.handle(None, resumed).await {
        Run::Done(Ok(())) => {
            tracing::Span::current().record("peer", tracing::field::debug(peer));
            driver.grant(received, &secret, answer);
            return Ok(());
        }
        Run::Done(Err(reject)) => reject,
        Run::TimedOut => {
            driver.log(|| tracing::warn!("`resumed` took longer than `handler_timeout`"));
            Reject::try_later("the session took too long to resume")
        }
        Run::Panicked => {
            driver.log(|| tracing::error!("`resumed` panicked; its session ends"));
            // Before the client is turned away, which asks then what has become of the session.
            driver.end(DisconnectReason::HandlerPanicked, Unrecovered::Ended);
            return Err(Box::new(DisconnectReason::HandlerPanicked));
        }
        Run::Cancelled => {
            return Err(Box::new(driver.ending().unwrap_or(DisconnectReason::ShutDown)));
        }
    };
    // If nobody waits any more, there is nobody to refuse.
    let _ = answer.send(Err(ResumeError::Rejected(reject)));
    Ok(())
}

async fn say_goodbye<E: Procedure<S>, S>(
    value: &mut S,
    driver: &mut Driver,
    reason: &DisconnectReason,
) {
    let goodbye = pin!(E::disconnected(value, reason.clone()));
    match driver.disconnect(goodbye).await {
        Run::Done(()) | Run::Cancelled => {}
        Run::Panicked => driver.log(|| tracing::error!("`disconnected` panicked")),
        Run::TimedOut => {
            driver.log(|| tracing::error!("`disconnected` took longer than `close_timeout`"));
        }
    }
}

fn log(reason: &DisconnectReason) {
    match reason {
        DisconnectReason::TooSlow | DisconnectReason::ProtocolViolation { .. } => {
            tracing::warn!(%reason, "session ended");
        }
        _ => tracing::debug!(%reason, "session ended"),
    }
}
