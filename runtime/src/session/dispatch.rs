use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use super::DisconnectReason;
use super::driver::{Driver, Run};
use super::guard::{Event, Guard};
use super::reply::Reply;
use crate::contract::{Contract, Events, Procedure, Refusal, diagnose};
use crate::server::Mode;
use crate::wire::{CallId, ErrorBody, ErrorCode, Head};

/// Guards, decodes and handles one message. `Err` ends the session.
pub(super) async fn dispatch<E: Procedure<S>, S>(
    session: &mut S,
    guard: Option<&Guard<S>>,
    driver: &mut Driver,
) -> Result<(), Box<DisconnectReason>> {
    let (head, text) = driver.arrival();
    let call = head.id;
    let mut prepared = None;
    // The guard, a field's `Deserialize` and a rule may be the user's: their panics are contained.
    let prepare = AssertUnwindSafe(|| prepare::<E, S>(session, guard, head, text, &mut prepared));
    match catch_unwind(prepare) {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) => {
            driver.intake().forget_arrival();
            driver.refuse(&refusal.body, refusal.call);
            return Ok(());
        }
        Err(_) => {
            let (head, text) = driver.arrival();
            let event = known::<E>(head.name(text));
            driver.log(|| {
                tracing::error!(
                    event,
                    "a guard or the decoding of an event panicked; the session ends"
                );
            });
            return Err(Box::new(panicked(driver, call)));
        }
    }
    let Some(event) = prepared.as_ref().map(E::name) else { return Ok(()) };
    driver.intake().forget_arrival();
    driver.intake().well_formed();
    let wanted = call.filter(|_| driver.intake().mode() == Mode::Parlor);
    let mut reply = Reply::new(wanted);
    let run = driver.handle(call, pin!(E::handle(session, &mut prepared, &mut reply))).await;
    match run {
        Run::Done(()) => {
            let refused = match reply.into_answer() {
                None => return Ok(()),
                Some(Ok(frame)) => match driver.intake().send(&frame) {
                    Ok(()) => return Ok(()),
                    Err(error) => {
                        driver.log(|| tracing::error!(event, %error, "an answer was not sent"));
                        "the answer is larger than the server may send"
                    }
                },
                Some(Err(error)) => {
                    driver.log(|| tracing::error!(event, %error, "an answer cannot be encoded"));
                    "the answer cannot be encoded"
                }
            };
            driver.refuse(&ErrorBody::new(ErrorCode::Refused, refused), call);
            Ok(())
        }
        Run::TimedOut => {
            driver.log(|| tracing::warn!(event, "a handler took longer than `handler_timeout`"));
            let message = "the handler took longer than it may";
            driver.refuse(&ErrorBody::new(ErrorCode::TimedOut, message), call);
            Ok(())
        }
        Run::Panicked => {
            driver.log(|| tracing::error!(event, "a handler panicked; its session ends"));
            Err(Box::new(panicked(driver, call)))
        }
        Run::Cancelled => Err(Box::new(driver.ending().unwrap_or(DisconnectReason::ShutDown))),
    }
}

/// Tells the caller that the user's code panicked.
fn panicked(driver: &mut Driver, call: Option<CallId>) -> DisconnectReason {
    let message = "the handler failed; the session ends";
    driver.refuse(&ErrorBody::new(ErrorCode::Panicked, message), call);
    DisconnectReason::HandlerPanicked
}

/// The event of this name, if it is one of the contract's.
fn known<E: Contract>(name: &str) -> Option<&'static str> {
    E::INCOMING.iter().copied().find(|event| *event == name)
}

/// Asks the guard, then decodes into `prepared`.
fn prepare<E: Procedure<S>, S>(
    session: &S,
    guard: Option<&Guard<S>>,
    head: &Head,
    text: &str,
    prepared: &mut Option<E::Incoming>,
) -> Result<(), Box<Refusal>> {
    let payload = head.payload(text);
    if let Some(guard) = guard
        && let Some(name) = known::<E>(head.name(text))
    {
        guard(session, Event { name, size: payload.len() }).map_err(|denied| {
            let body = ErrorBody::new(ErrorCode::Denied, denied.message);
            Box::new(Refusal { body, call: head.id })
        })?;
    }
    E::Incoming::decode_json(head.name(text), payload, prepared).map_err(|_| {
        // Here, where a panic of the user's is contained.
        *prepared = None;
        Box::new(diagnose::<E>(text))
    })
}

/// Takes a message apart and decodes it, without a session. A refusal is the frame that says so.
#[cfg(any(fuzzing, feature = "__bench"))]
pub(crate) fn read<E: Contract>(text: &str) -> Result<E::Incoming, Option<crate::wire::Frame>> {
    let head = Head::parse(text).map_err(|malformed| {
        let body = ErrorBody::new(ErrorCode::Malformed, malformed.to_string());
        super::reply::refusal(&body, None)
    })?;
    let mut event = None;
    let decoded = E::Incoming::decode_json(head.name(text), head.payload(text), &mut event);
    event.filter(|_| decoded.is_ok()).ok_or_else(|| {
        let refusal = diagnose::<E>(text);
        super::reply::refusal(&refusal.body, refusal.call)
    })
}
