use std::sync::Arc;

use tungstenite::Error;
use tungstenite::protocol::frame::Frame as RawFrame;

use super::Member;
use super::connection::{Connection, Message, disconnect_reason};
use super::outbox::{PushPolicy, TooLarge};
use super::rate_keys::SharedBucket;
use super::read_ahead::{ReadAhead, ReceivedMessage};
use super::token_bucket::TokenBucket;
use crate::contract::ErrorReply;
use crate::disconnect_reason::DisconnectReason;
use crate::request::Mode;
use crate::wire::{
    CallId, CloseCode, ErrorCode, Frame, Head, Receipts, control, is_counted, receipts,
};

/// Handles received messages: answers pings, applies acknowledgements, stores events for the session.
pub(super) struct Inbound {
    member: Arc<Member>,
    mode: Mode,
    /// The event that was read last.
    message: ReceivedMessage,
    read_ahead: ReadAhead,
    /// The call whose handler runs.
    running: Option<CallId>,
    receipts: Receipts,
    rate: Option<Box<TokenBucket>>,
    /// The bucket of all sessions with the key of this one. Boxed, because few servers use it.
    shared_bucket: Option<Box<SharedBucket>>,
    malformed_in_a_row: u32,
}

impl Inbound {
    pub(super) fn new(
        member: &Arc<Member>,
        mode: Mode,
        shared_bucket: Option<Box<SharedBucket>>,
    ) -> Self {
        Self {
            member: Arc::clone(member),
            mode,
            message: ReceivedMessage::default(),
            read_ahead: ReadAhead::default(),
            running: None,
            receipts: Receipts::new(receipts::SERVER),
            rate: member
                .options()
                .limits
                .rate
                .as_ref()
                .map(|rate| Box::new(TokenBucket::new(rate))),
            shared_bucket,
            malformed_in_a_row: 0,
        }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// The message that is handled now, and its text: that of the connection, `read_last`, unless it was
    /// read ahead.
    pub(super) fn message<'a>(&'a self, read_last: &'a str) -> (&'a Head, &'a str) {
        let ReceivedMessage { head, kept } = &self.message;
        (head, kept.as_deref().unwrap_or(read_last))
    }

    /// Frees the text of a message that was decoded.
    pub(super) fn forget_message(&mut self) {
        self.message.kept = None;
    }

    /// The call whose handler runs; `None` for an event, or when no handler runs.
    pub(super) fn set_running(&mut self, call: Option<CallId>) {
        self.running = call;
    }

    /// Takes the first read-ahead message. Returns whether there is one.
    pub(super) fn take_next(&mut self) -> bool {
        let Some(message) = self.read_ahead.pop() else { return false };
        self.message = message;
        true
    }

    /// Stores the event that was read last until the running handler is done.
    pub(super) fn read_ahead(&mut self, text: &str) {
        self.read_ahead.push(std::mem::take(&mut self.message.head), text);
    }

    /// Whether the read-ahead limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.read_ahead.is_full(&self.member.options().limits)
    }

    /// Handles what the connection has read. Returns whether it is an event, which
    /// [`message`](Self::message) returns then. Fails if the connection is lost.
    pub(super) fn handle(
        &mut self,
        read: Result<Message, Error>,
        connection: &Connection,
    ) -> Result<bool, DisconnectReason> {
        match read {
            Ok(Message::Text) => self.handle_text(connection.text()),
            Ok(Message::Binary) => {
                self.count(connection.binary().len());
                self.send_malformed("a binary frame: this connection speaks JSON in text frames")
            }
            Ok(Message::Ping(payload)) => {
                self.member.push_uncounted(&Frame::from(RawFrame::pong(payload)));
                self.member.outbox().shrink();
                Ok(false)
            }
            Ok(Message::Pong(_)) => {
                self.member.outbox().shrink();
                Ok(false)
            }
            Ok(Message::Close(frame)) => {
                let (code, reason) = CloseCode::from_frame(frame);
                Err(DisconnectReason::ClientClosed { code, reason })
            }
            Err(error) => Err(disconnect_reason(&error)),
        }
    }

    fn handle_text(&mut self, text: &str) -> Result<bool, DisconnectReason> {
        let head = match Head::parse(text) {
            Ok(head) => head,
            Err(malformed) => {
                self.count(text.len());
                return self.send_malformed(malformed.to_string());
            }
        };
        let call = head.id;
        match head.name(text) {
            control::PING => {
                // The pong repeats the number of the ping.
                let number: Option<u64> = head.payload(text).parse().ok();
                self.acknowledge();
                self.member.outbox().shrink();
                if let Ok(pong) = Frame::event(control::PONG, &number) {
                    self.member.push_uncounted(&pong);
                }
                self.well_formed();
                return Ok(false);
            }
            control::PONG | control::ACK => {
                if head.name(text) == control::ACK
                    && let Ok(received) = head.payload(text).parse()
                    && self.member.outbox().confirm(received).is_err()
                {
                    tracing::debug!(received, "the acknowledged number is out of range");
                }
                self.well_formed();
                return Ok(false);
            }
            name if is_counted(name) => self.count(text.len()),
            _ => {}
        }
        self.message = ReceivedMessage { head, kept: None };
        if !self.rate_allows() {
            let message = "more events than the rate limit allows";
            let error = ErrorReply::new(ErrorCode::Limited, message, call);
            return self.send_error(&error).map(|()| false);
        }
        match call {
            Some(id) if self.running == Some(id) || self.read_ahead.has_call(id) => {
                self.send_malformed(format!("a call with the id {id} is still running"))
            }
            _ => Ok(true),
        }
    }

    fn rate_allows(&mut self) -> bool {
        self.rate.as_mut().is_none_or(|rate| rate.allow())
            && self.shared_bucket.as_ref().is_none_or(|bucket| bucket.allow())
    }

    /// Resets the count of malformed messages.
    pub(super) fn well_formed(&mut self) {
        self.malformed_in_a_row = 0;
    }

    fn send_malformed(&mut self, message: impl Into<String>) -> Result<bool, DisconnectReason> {
        let error = ErrorReply::new(ErrorCode::Malformed, message, None);
        self.send_error(&error).map(|()| false)
    }

    /// Sends an error reply; in plain mode, nothing. Fails when too many messages in a row were
    /// malformed.
    pub(super) fn send_error(&mut self, error: &ErrorReply) -> Result<(), DisconnectReason> {
        let code = error.body.code;
        tracing::debug!(%code, "error reply");
        let counted = if code == ErrorCode::Malformed {
            self.count_malformed(&error.body.message)
        } else {
            self.well_formed();
            Ok(())
        };
        if self.mode == Mode::Parlor
            && let Err(TooLarge) = self.send_reply(error)
        {
            let sent = self.send_reply(&error.shortened());
            let outcome = sent.map_or("not sent", |()| "sent with a short message");
            self.member.log(|| tracing::error!(%code, "an error reply is larger than `Limits::max_outbox_size`: {outcome}"));
        }
        counted
    }

    fn send_reply(&self, error: &ErrorReply) -> Result<(), TooLarge> {
        error.frame().map_or(Ok(()), |frame| self.send(&frame))
    }

    /// `problem` has nothing of the message, which may be secret.
    fn count_malformed(&mut self, problem: &str) -> Result<(), DisconnectReason> {
        tracing::debug!(problem, "a malformed message");
        self.malformed_in_a_row += 1;
        if self.malformed_in_a_row < self.member.options().limits.max_malformed {
            return Ok(());
        }
        Err(DisconnectReason::ProtocolViolation {
            code: CloseCode::POLICY,
            message: format!("{} malformed messages in a row: {problem}", self.malformed_in_a_row),
        })
    }

    pub(super) fn max_outbox_size(&self) -> usize {
        self.member.options().limits.max_outbox_size
    }

    pub(super) fn send(&self, frame: &Frame) -> Result<(), TooLarge> {
        self.member.push(PushPolicy::Reliable, frame).map(drop)
    }

    /// Counts a received frame. A session that cannot be resumed sends no acknowledgements.
    fn count(&mut self, bytes: usize) {
        if self.member.is_resumable() {
            self.receipts.count(bytes);
            if self.receipts.is_due() {
                self.acknowledge();
            }
        }
    }

    /// Acknowledges the received frames, if any is not acknowledged yet.
    pub(super) fn acknowledge(&mut self) {
        if self.receipts.has_unacknowledged()
            && let Ok(frame) = Frame::event(control::ACK, &self.receipts.acknowledge())
        {
            self.member.push_uncounted(&frame);
        }
    }

    /// Returns the number of received counted frames, for a welcome, which acknowledges them.
    pub(super) fn acknowledge_by_welcome(&mut self) -> u64 {
        self.receipts.acknowledge()
    }
}
