use serde::Serialize;

use crate::wire::{CallId, EncodeError, ErrorCode, Frame, control};

/// The [`ErrorBody`](crate::wire::ErrorBody) of a call that was refused, with its typed error.
#[derive(Serialize)]
struct Refusal<'a, E> {
    code: ErrorCode,
    message: &'static str,
    details: &'a E,
}

/// Encodes the return value of a handler as the answer to a call. Generated code uses it.
pub struct Reply {
    call: Option<CallId>,
    answer: Option<Result<Frame, EncodeError>>,
}

impl Reply {
    /// `call` is the id of the call; `None` for an event, or if the client gets no answers.
    pub(crate) fn new(call: Option<CallId>) -> Self {
        Self { call, answer: None }
    }

    /// The answer, or `None` for an event.
    pub(crate) fn into_answer(self) -> Option<Result<Frame, EncodeError>> {
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
                let code = ErrorCode::Refused;
                let body = Refusal { code, message: "the call was refused", details: error };
                Frame::reply(control::ERR, &body, id)
            }),
        }
    }

    fn encode(&mut self, encode: impl FnOnce(u64) -> Result<Frame, EncodeError>) {
        if let Some(id) = self.call {
            self.answer = Some(encode(id.get()));
        }
    }
}
