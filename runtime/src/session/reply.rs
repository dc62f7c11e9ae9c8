use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::wire::{CallId, ErrorBody, ErrorCode, Frame, control};

/// Turns what a handler returns into an answer, if the client wants one. Used by generated code.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    call: Option<CallId>,
}

/// What a handler's run comes to. Used by generated code.
pub struct Answer(pub(super) Option<Result<Frame, serde_json::Error>>);

impl Reply {
    /// For the call with this id; `None` for events and for calls whose answer nobody wants.
    pub(super) fn new(call: Option<CallId>) -> Self {
        Self { call }
    }

    /// The handler of an event has run. An event that was sent as a call is answered with `null`.
    pub fn none(self) -> Answer {
        self.value(&())
    }

    /// The answer of a handler that cannot refuse.
    pub fn value<T: Serialize>(self, value: &T) -> Answer {
        self.encode(|id| Frame::reply(control::OK, value, id))
    }

    /// The answer of a handler that may refuse.
    pub fn result<T: Serialize, E: Serialize>(self, result: &Result<T, E>) -> Answer {
        match result {
            Ok(value) => self.value(value),
            Err(error) => self.encode(|id| {
                let mut body = ErrorBody::new(ErrorCode::Refused, "the call was refused");
                body.details = Some(to_raw_value(error)?);
                Frame::reply(control::ERR, &body, id)
            }),
        }
    }

    fn encode(self, encode: impl FnOnce(u64) -> Result<Frame, serde_json::Error>) -> Answer {
        let Some(id) = self.call.map(CallId::get) else { return Answer(None) };
        Answer(Some(encode(id)))
    }
}

/// The frame of a refusal: of the call with this id, else of an event.
pub(super) fn refusal(body: &ErrorBody, call: Option<CallId>) -> Option<Frame> {
    match call {
        Some(id) => Frame::reply(control::ERR, body, id.get()),
        None => Frame::event(control::ERR, body),
    }
    .ok()
}

/// `details` of an `$err`.
pub(super) fn details<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}
