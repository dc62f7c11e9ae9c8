//! What comes from the client, sorted: heartbeats and confirmations are handled here, messages are for
//! the session.

use std::sync::Arc;

use super::Member;
use super::connection::{Connection, Message, disconnect_reason};
use super::outbox::{PushPolicy, TooLarge};
use super::rate_limit::RateLimit;
use super::read_ahead::{ReadAhead, ReceivedMessage};
use crate::contract::ErrorReply;
use crate::disconnect_reason::DisconnectReason;
use crate::request::Mode;
use crate::wire::{
    CallId, CloseCode, ErrorCode, Frame, Head, Receipts, control, is_counted, receipts,
};
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;

/// What a session has received and not handled, and what it counts of it.
pub(super) struct Inbound {
    member: Arc<Member>,
    mode: Mode,
    /// The message that was read last, if it is for the session.
    message: ReceivedMessage,
    /// Messages that were read while a handler ran.
    read_ahead: ReadAhead,
    /// The call whose handler runs.
    running: Option<CallId>,
    receipts: Receipts,
    rate: Option<Box<RateLimit>>,
    malformed_in_a_row: u32,
}

impl Inbound {
    pub(super) fn new(member: &Arc<Member>, mode: Mode) -> Self {
        Self {
            member: Arc::clone(member),
            mode,
            message: ReceivedMessage::default(),
            read_ahead: ReadAhead::default(),
            running: None,
            receipts: Receipts::new(receipts::SERVER),
            rate: member.limits().rate.map(|rate| Box::new(RateLimit::new(rate))),
            malformed_in_a_row: 0,
        }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// The message that is to be handled now, and its text, which the connection has if it was read
    /// last.
    pub(super) fn message<'a>(&'a self, read_last: &'a str) -> (&'a Head, &'a str) {
        let ReceivedMessage { head, kept } = &self.message;
        (head, kept.as_deref().unwrap_or(read_last))
    }

    /// The message was decoded.
    pub(super) fn forget_message(&mut self) {
        self.message.kept = None;
    }

    /// The handler of a call, or of an event, begins or has ended.
    pub(super) fn set_running(&mut self, call: Option<CallId>) {
        self.running = call;
    }

    /// Goes on with what was read ahead, if anything was.
    pub(super) fn take_next(&mut self) -> bool {
        let Some(message) = self.read_ahead.pop() else { return false };
        self.message = message;
        true
    }

    /// Keeps the message that was read last until the running handler is done.
    pub(super) fn keep(&mut self, text: &str) {
        self.read_ahead.push(std::mem::take(&mut self.message.head), text);
    }

    /// Whether as much was read ahead as may be.
    pub(super) fn is_full(&self) -> bool {
        self.read_ahead.is_full(self.member.limits().max_read_ahead)
    }

    /// Handles what the connection has read. Says whether it is a message for the session; an error is
    /// why the connection is of no use any more.
    pub(super) fn sort(
        &mut self,
        read: Result<Message, tokio_tungstenite::tungstenite::Error>,
        connection: &Connection,
    ) -> Result<bool, DisconnectReason> {
        match read {
            Ok(Message::Text) => self.sort_text(connection.text()),
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
                let (code, reason) = CloseCode::said(frame);
                Err(DisconnectReason::ClientClosed { code, reason })
            }
            Err(error) => Err(disconnect_reason(&error)),
        }
    }

    fn sort_text(&mut self, text: &str) -> Result<bool, DisconnectReason> {
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
                // With its number, as every heartbeat of a client has.
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
                    tracing::debug!(received, "the client confirms a number that is out of range");
                }
                self.well_formed();
                return Ok(false);
            }
            name if is_counted(name) => self.count(text.len()),
            _ => {}
        }
        // What was read ahead before is not this one's text.
        self.message = ReceivedMessage { head, kept: None };
        if let Some(rate) = &mut self.rate
            && !rate.allow()
        {
            let what = "more events than the rate limit allows";
            let error = ErrorReply::new(ErrorCode::Limited, what, call);
            return self.send_error(&error).map(|()| false);
        }
        match call {
            Some(id) if self.running == Some(id) || self.read_ahead.has_call(id) => {
                self.send_malformed(format!("a call with the id {id} is still running"))
            }
            _ => Ok(true),
        }
    }

    /// A message was well-formed, or there is a new connection.
    pub(super) fn well_formed(&mut self) {
        self.malformed_in_a_row = 0;
    }

    fn send_malformed(&mut self, what: impl Into<String>) -> Result<bool, DisconnectReason> {
        let error = ErrorReply::new(ErrorCode::Malformed, what, None);
        self.send_error(&error).map(|()| false)
    }

    /// Sends an error reply; in plain mode, nothing. Fails when too many messages in a row were
    /// malformed.
    pub(super) fn send_error(&mut self, error: &ErrorReply) -> Result<(), DisconnectReason> {
        let code = error.body.code;
        tracing::debug!(%code, "error reply");
        let counted = if code == ErrorCode::Malformed {
            self.count_malformed()
        } else {
            self.well_formed();
            Ok(())
        };
        if self.mode == Mode::Parlor
            && let Some(frame) = error.frame()
            && let Err(error) = self.send(&frame)
        {
            self.member.log(|| tracing::error!(%error, "an error reply was not sent"));
        }
        counted
    }

    fn count_malformed(&mut self) -> Result<(), DisconnectReason> {
        self.malformed_in_a_row += 1;
        if self.malformed_in_a_row < self.member.limits().max_malformed {
            return Ok(());
        }
        Err(DisconnectReason::ProtocolViolation {
            code: CloseCode::POLICY,
            message: format!("{} malformed messages in a row", self.malformed_in_a_row),
        })
    }

    /// Sends a frame to this client.
    pub(super) fn send(&self, frame: &Frame) -> Result<(), TooLarge> {
        self.member.push(PushPolicy::Reliable, frame).map(drop)
    }

    /// A counted frame of `bytes` has come. Clients that resume no session get no acknowledgement.
    fn count(&mut self, bytes: usize) {
        if self.member.keeps() {
            self.receipts.count(bytes);
            if self.receipts.is_due() {
                self.acknowledge();
            }
        }
    }

    /// Tells the client how much has come, if it does not know.
    pub(super) fn acknowledge(&mut self) {
        if self.receipts.is_owed()
            && let Ok(frame) = Frame::event(control::ACK, &self.receipts.tell())
        {
            self.member.push_uncounted(&frame);
        }
    }

    /// How many counted frames have come, for a welcome, which acknowledges them.
    pub(super) fn tell_received(&mut self) -> u64 {
        self.receipts.tell()
    }
}
