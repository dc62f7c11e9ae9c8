use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use super::DisconnectReason;
use super::driver::{Driver, Run};
use super::guard::{Event, Guard};
use super::reply::{Reply, details};
use crate::contract::{Contract, DecodeError, Events, Procedure};
use crate::server::Mode;
use crate::wire::{CallId, ErrorBody, ErrorCode, Head, Violation};

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

struct Refusal {
    body: ErrorBody,
    call: Option<CallId>,
}

/// Finds out what is wrong with a message that could not be decoded.
///
/// Slower than [`Events::decode_json`], which has no time to keep track of where it is.
fn diagnose<E: Contract>(text: &str) -> Refusal {
    let head = match Head::parse_strictly(text) {
        Ok(head) => head,
        Err(malformed) => {
            let body = ErrorBody::new(ErrorCode::Malformed, malformed.to_string());
            return Refusal { body, call: None };
        }
    };
    let name = head.name(text);
    let body = match trace::<E::Incoming>(name, head.payload(text)) {
        Err(Fault::Unknown) => unknown(name, E::INCOMING),
        Err(Fault::Malformed(error)) => {
            ErrorBody::new(ErrorCode::Malformed, format!("the payload of `{name}`: {error}"))
        }
        Err(Fault::Invalid(violation)) => {
            let mut body = ErrorBody::new(ErrorCode::Invalid, violation.to_string());
            body.details = details(&violation);
            body
        }
        // What failed straight from the text fails here too; a `Deserialize` that changes its mind
        // is no reason to be silent.
        Ok(()) => ErrorBody::new(ErrorCode::Malformed, format!("the payload of `{name}`")),
    };
    Refusal { body, call: head.id }
}

enum Fault {
    Unknown,
    Malformed(serde_json::Error),
    Invalid(Violation),
}

/// Decodes with a record of the path to what is being read.
fn trace<I: Events>(name: &str, payload: &str) -> Result<(), Fault> {
    // What is no JSON to anybody (too deep, a number out of range) is not this event's fault. What is
    // JSON, and no event, is of a wrong type somewhere, whatever the parser calls it.
    serde_json::from_str::<serde_json::Value>(payload).map_err(Fault::Malformed)?;
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(payload);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    match I::decode(name, tracked, &mut None) {
        Ok(()) => Ok(()),
        Err(DecodeError::Unknown) => Err(Fault::Unknown),
        Err(DecodeError::Missing(field)) => {
            Err(Fault::Invalid(Violation::new(field, "required", "the field is missing")))
        }
        Err(DecodeError::Invalid(violation)) => Err(Fault::Invalid(violation)),
        Err(DecodeError::Codec(error)) => {
            let path = match track.path().to_string() {
                root if root == "." => String::new(),
                path => path,
            };
            Err(Fault::Invalid(Violation::new(path, "type", error.to_string())))
        }
    }
}

fn unknown(name: &str, known: &[&'static str]) -> ErrorBody {
    // The distance takes time in proportion to the name, which is the client's to choose.
    let shown: String = name.chars().take(64).collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(&shown, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let message = match nearest {
        Some((_, nearest)) => format!("no event is called `{shown}`; the nearest is `{nearest}`"),
        None => format!("no event is called `{shown}`; this procedure takes none"),
    };
    ErrorBody::new(ErrorCode::Unknown, message)
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
