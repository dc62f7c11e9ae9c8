use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::wire::{CallId, ErrorBody, ErrorCode, Frame, control};

/// Turns what a handler returns into an answer, if the client wants one. Used by generated code.
pub struct Reply {
    call: Option<CallId>,
    answer: Option<Result<Frame, serde_json::Error>>,
}

impl Reply {
    /// For the call with this id; `None` for events and for calls whose answer nobody wants.
    pub(crate) fn new(call: Option<CallId>) -> Self {
        Self { call, answer: None }
    }

    /// The answer, if one was wanted and is there.
    pub(crate) fn into_answer(self) -> Option<Result<Frame, serde_json::Error>> {
        self.answer
    }

    /// The handler of an event has run. An event that was sent as a call is answered with `null`.
    pub fn none(&mut self) {
        self.value(&());
    }

    /// The answer of a handler that cannot refuse.
    pub fn value<T: Serialize>(&mut self, value: &T) {
        self.encode(|id| Frame::reply(control::OK, value, id));
    }

    /// The answer of a handler that may refuse.
    pub fn result<T: Serialize, E: Serialize>(&mut self, result: &Result<T, E>) {
        match result {
            Ok(value) => self.value(value),
            Err(error) => self.encode(|id| {
                let mut body = ErrorBody::new(ErrorCode::Refused, "the call was refused");
                body.details = Some(to_raw_value(error)?);
                Frame::reply(control::ERR, &body, id)
            }),
        }
    }

    fn encode(&mut self, encode: impl FnOnce(u64) -> Result<Frame, serde_json::Error>) {
        if let Some(id) = self.call {
            self.answer = Some(encode(id.get()));
        }
    }
}
