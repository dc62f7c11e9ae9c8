use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::thread;

use super::driver::{Driver, Run};
use super::guard::{Event, Guard};
use crate::contract::{Contract, ErrorReply, Events, Procedure, Reply, diagnose};
use crate::disconnect_reason::DisconnectReason;
use crate::request::Mode;
use crate::user_code::Name;
use crate::wire::{CallId, EncodeError, ErrorCode, Frame, Head};

/// Runs the guard, decodes one message and runs its handler. `Err` ends the session.
pub(super) async fn dispatch<E: Procedure<S>, S>(
    session: &mut S,
    guard: Option<&Guard<S>>,
    driver: &mut Driver,
) -> Result<(), Box<DisconnectReason>> {
    let call = driver.message().0.id;
    let (event, incoming) = match catch_prepare::<E, S>(session, guard, driver) {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(error)) => {
            driver.inbound().forget_message();
            driver.send_error(&error);
            return Ok(());
        }
        Err(_) => {
            let (head, text) = driver.message();
            let event = known::<E>(head.name(text));
            driver.log(|| {
                tracing::error!(
                    event,
                    "a guard or the decoding of an event panicked; the session ends"
                );
            });
            return Err(Box::new(panicked(driver, call)));
        }
    };
    driver.inbound().forget_message();
    driver.inbound().well_formed();
    let wanted = call.filter(|_| driver.inbound().mode() == Mode::Parlor);
    let mut reply = Reply::new(wanted);
    let name = Name::Handler(event);
    let run = driver.handle(call, name, pin!(E::handle(session, incoming, &mut reply))).await;
    match run {
        Run::Done(()) => {
            let Some(answer) = reply.into_answer() else { return Ok(()) };
            if let Err(message) = send_answer(event, answer, driver) {
                driver.send_error(&ErrorReply::new(ErrorCode::Failed, message, call));
            }
            Ok(())
        }
        Run::TimedOut => {
            driver.log(|| tracing::warn!(event, "a handler took longer than `Timeouts::handler`"));
            let message = "the handler took longer than it may";
            driver.send_error(&ErrorReply::new(ErrorCode::TimedOut, message, call));
            Ok(())
        }
        Run::Panicked => {
            driver.log(|| tracing::error!(event, "a handler panicked; its session ends"));
            Err(Box::new(panicked(driver, call)))
        }
        Run::Cancelled => driver.cancelled(),
    }
}

/// Sends the answer to a call. `Err` is what its client learns if it cannot be sent.
fn send_answer(
    event: &'static str,
    answer: Result<Frame, EncodeError>,
    driver: &mut Driver,
) -> Result<(), String> {
    let frame = answer.map_err(|error| {
        driver.log(|| tracing::error!(event, %error, "an answer cannot be encoded"));
        format!("the answer cannot be encoded: {}", error.for_client())
    })?;
    driver.inbound().send(&frame).map_err(|error| {
        driver.log(|| tracing::error!(event, size = frame.len(), %error, "an answer was not sent"));
        let limit = driver.inbound().max_outbox_size();
        format!("the answer has {} bytes; the server sends at most {limit}", frame.len())
    })
}

/// Sends an error reply, because code of the user panicked.
fn panicked(driver: &mut Driver, call: Option<CallId>) -> DisconnectReason {
    let message = "the handler failed; the session ends";
    driver.send_error(&ErrorReply::new(ErrorCode::Panicked, message, call));
    DisconnectReason::HandlerPanicked
}

/// The event of this name, if it is one of the contract's.
fn known<E: Contract>(name: &str) -> Option<&'static str> {
    E::INCOMING.iter().copied().find(|event| *event == name)
}

/// Prepares the message that is handled now, and catches a panic.
///
/// The guard, a `Deserialize` and a rule may be code of the user: their panics end this session only.
fn catch_prepare<E: Procedure<S>, S>(
    session: &S,
    guard: Option<&Guard<S>>,
    driver: &Driver,
) -> thread::Result<Prepared<E::Incoming>> {
    let (head, text) = driver.message();
    let Some(guard) = guard else {
        // To watch a decoding costs as much as to watch a handler, and it hardly ever blocks.
        return catch_unwind(AssertUnwindSafe(|| decode::<E>(head, text)));
    };
    let event = known::<E>(head.name(text));
    let check_and_decode = AssertUnwindSafe(|| {
        if let Some(name) = event {
            let size = head.payload(text).len();
            guard(session, Event { name, size }).map_err(|denied| {
                Box::new(ErrorReply::new(ErrorCode::Denied, denied.message, head.id))
            })?;
        }
        decode::<E>(head, text)
    });
    driver.user_code(Name::Guard(event)).run(|| catch_unwind(check_and_decode))
}

/// The name of an event and the event, or why there is none.
type Prepared<Event> = Result<(&'static str, Event), Box<ErrorReply>>;

/// Decodes the event. Returns its name, too: a borrow of the event in the future of [`dispatch`] would
/// make that store the event twice.
fn decode<E: Contract>(head: &Head, text: &str) -> Prepared<E::Incoming> {
    let event = E::Incoming::decode_json(head.name(text), head.payload(text))
        .map_err(|error| Box::new(diagnose::<E>(text, error)))?;
    Ok((E::name(&event), event))
}

/// Parses and decodes a message without a session. `Err` is the frame of the error reply.
#[cfg(any(fuzzing, feature = "__bench"))]
pub(crate) fn read<E: Contract>(text: &str) -> Result<E::Incoming, Option<crate::wire::Frame>> {
    let head = Head::parse(text).map_err(|malformed| {
        ErrorReply::new(ErrorCode::Malformed, malformed.to_string(), None).frame()
    })?;
    E::Incoming::decode_json(head.name(text), head.payload(text))
        .map_err(|error| diagnose::<E>(text, error).frame())
}
