use super::Answer;
use super::DisconnectReason;
use super::arrivals::Arrival;
use super::driver::{Driver, Run};
use super::guard::{Event, Guard};
use super::reply::{Reply, details};
use crate::contract::{DecodeError, Events, Procedure};
use crate::server::Mode;
use crate::wire::{ErrorBody, ErrorCode, Head, Violation};

/// Guards, decodes and handles one message. `Err` ends the session.
pub(super) async fn dispatch<E: Procedure<S>, S>(
    session: &mut S,
    guard: Option<&Guard<S>>,
    driver: &mut Driver,
    arrival: Arrival,
) -> Result<(), DisconnectReason> {
    let call = arrival.head.id;
    if let Some(guard) = guard
        && let Err(body) = ask::<E, S>(guard, session, &arrival)?
    {
        driver.refuse(&body, call);
        return Ok(());
    }
    let Ok(event) = decode::<E::Incoming>(arrival.name(), arrival.payload()) else {
        let refusal = diagnose::<E>(&arrival.text);
        driver.refuse(&refusal.body, refusal.call);
        return Ok(());
    };
    driver.well_formed();
    // Handlers own their arguments: the message need not wait for them.
    drop(arrival);
    let wanted = call.filter(|_| driver.mode() == Mode::Parlor);
    match driver.drive(call, E::handle(session, event, Reply::new(wanted))).await {
        Run::Done(Answer(frame)) => {
            if let Some(frame) = frame {
                driver.send(&frame);
            }
            Ok(())
        }
        Run::TimedOut => {
            let message = "the handler took longer than it may";
            driver.refuse(&ErrorBody::new(ErrorCode::TimedOut, message), call);
            Ok(())
        }
        Run::Panicked => {
            tracing::error!("a handler panicked; its session ends");
            let message = "the handler failed; the session ends";
            driver.refuse(&ErrorBody::new(ErrorCode::Panicked, message), call);
            Err(DisconnectReason::HandlerPanicked)
        }
        Run::Cut => Err(DisconnectReason::ShutDown),
    }
}

/// Asks the guard about an event of the contract. Outer error: the guard panicked.
fn ask<E: Procedure<S>, S>(
    guard: &Guard<S>,
    session: &S,
    arrival: &Arrival,
) -> Result<Result<(), ErrorBody>, DisconnectReason> {
    let name = arrival.name();
    if !E::INCOMING.contains(&name) {
        return Ok(Ok(()));
    }
    let event = Event { name, size: arrival.payload().len() };
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| guard(session, event)));
    let Ok(verdict) = asked else {
        tracing::error!("a guard panicked; its session ends");
        return Err(DisconnectReason::HandlerPanicked);
    };
    Ok(verdict.map_err(|denied| ErrorBody::new(ErrorCode::Denied, denied.message)))
}

/// Decodes in one pass, straight from the text.
fn decode<I: Events>(name: &str, payload: &str) -> Result<I, DecodeError<serde_json::Error>> {
    let mut deserializer = serde_json::Deserializer::from_str(payload);
    let event = I::decode(name, &mut deserializer)?;
    deserializer.end().map_err(DecodeError::Codec)?;
    Ok(event)
}

struct Refusal {
    body: ErrorBody,
    call: Option<u64>,
}

/// Finds out what is wrong with a message that could not be decoded.
///
/// Slower than [`decode`], which has no time to keep track of where it is.
fn diagnose<E: crate::contract::Contract>(text: &str) -> Refusal {
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
    // What is no JSON to anybody (too deep, a number out of range) is not this event's fault.
    serde_json::from_str::<serde_json::Value>(payload).map_err(Fault::Malformed)?;
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(payload);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    match I::decode(name, tracked) {
        Ok(_) => Ok(()),
        Err(DecodeError::Unknown) => Err(Fault::Unknown),
        Err(DecodeError::Missing(field)) => {
            Err(Fault::Invalid(Violation::new(field, "required", "the field is missing")))
        }
        Err(DecodeError::Invalid(violation)) => Err(Fault::Invalid(violation)),
        Err(DecodeError::Codec(error)) if error.is_data() => {
            let path = match track.path().to_string() {
                root if root == "." => String::new(),
                path => path,
            };
            Err(Fault::Invalid(Violation::new(path, "type", error.to_string())))
        }
        Err(DecodeError::Codec(error)) => Err(Fault::Malformed(error)),
    }
}

fn unknown(name: &str, known: &[&'static str]) -> ErrorBody {
    let nearest = known
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let shown: String = name.chars().take(64).collect();
    let message = match nearest {
        Some((_, nearest)) => format!("no event is called `{shown}`; the nearest is `{nearest}`"),
        None => format!("no event is called `{shown}`; this procedure takes none"),
    };
    ErrorBody::new(ErrorCode::Unknown, message)
}
