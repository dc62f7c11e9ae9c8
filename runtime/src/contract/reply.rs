use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::wire::{CallId, ErrorBody, ErrorCode, Frame, control};

/// Encodes the return value of a handler as the answer to a call. Generated code uses it.
pub struct Reply {
    call: Option<CallId>,
    answer: Option<Result<Frame, serde_json::Error>>,
}

impl Reply {
    /// `call` is the id of the call; `None` for an event, or if the client gets no answers.
    pub(crate) fn new(call: Option<CallId>) -> Self {
        Self { call, answer: None }
    }

    /// The answer, or `None` for an event.
    pub(crate) fn into_answer(self) -> Option<Result<Frame, serde_json::Error>> {
        self.answer
    }

    /// Answers an event that was sent as a call with `null`.
    pub fn none(&mut self) {
        self.value(&());
    }

    /// Answers with the value of a handler that cannot fail.
    pub fn value<T: Serialize>(&mut self, value: &T) {
        self.encode(|id| Frame::reply(control::OK, value, id));
    }

    /// Answers with the value or the typed error of a handler.
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
