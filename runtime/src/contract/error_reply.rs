use crate::wire::{CallId, ErrorBody, ErrorCode, Frame, control};

/// Answers an event or call that failed: an `$err` frame.
pub(crate) struct ErrorReply {
    pub(crate) body: ErrorBody,
    /// The id of the call; `None` for an event.
    pub(crate) call: Option<CallId>,
}

impl ErrorReply {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>, call: Option<CallId>) -> Self {
        Self { body: ErrorBody::new(code, message), call }
    }

    /// The same code with a short message, for a client whose outbox is too small for this reply.
    pub(crate) fn shortened(&self) -> Self {
        let message = "the error reply is larger than the server sends";
        Self::new(self.body.code, message, self.call)
    }

    /// Returns `None` if the details cannot be encoded.
    pub(crate) fn frame(&self) -> Option<Frame> {
        match self.call {
            Some(id) => Frame::reply(control::ERR, &self.body, id.get()),
            None => Frame::event(control::ERR, &self.body),
        }
        .ok()
    }
}
