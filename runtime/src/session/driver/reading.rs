//! What comes from the client, sorted.

use std::task::{Context, Poll};

use super::line::Line;
use super::{Arrival, Driver};
use crate::server::{Message, Mode, broken};
use crate::session::DisconnectReason;
use crate::session::reply::refusal;
use crate::wire::{CallId, CloseCode, ErrorBody, ErrorCode, Frame, Head, control, is_counted};

/// What a message of the client is.
enum Kind {
    /// With its number, as every sign of life of a client has.
    Ping(Option<u64>),
    Pong,
    /// So many frames were received.
    Ack(Option<u64>),
    Event {
        counted: bool,
    },
}

impl Kind {
    fn of(head: &Head, text: &str) -> Self {
        let name = head.name(text);
        // Most names are told from these by their first byte.
        if !name.starts_with(['p', '$']) {
            return Self::Event { counted: true };
        }
        match name {
            control::PING => Self::Ping(head.payload(text).parse().ok()),
            control::PONG => Self::Pong,
            control::ACK => Self::Ack(head.payload(text).parse().ok()),
            name => Self::Event { counted: is_counted(name) },
        }
    }
}

impl Driver {
    /// Tells the client that a message was refused. Clients of plain mode are told nothing.
    pub(in crate::session) fn refuse(&mut self, body: &ErrorBody, call: Option<CallId>) {
        tracing::debug!(code = %body.code, "message refused");
        if body.code == ErrorCode::Malformed {
            self.count_malformed();
        } else {
            self.well_formed();
        }
        if self.mode == Mode::Parlor
            && let Some(frame) = refusal(body, call)
            && let Err(error) = self.send(&frame)
        {
            self.log(|| tracing::error!(%error, "not sent: a frame of Parlor's own"));
        }
    }

    pub(super) fn count_malformed(&mut self) {
        self.malformed_in_a_row += 1;
        if self.malformed_in_a_row >= self.member.limits().max_malformed {
            self.lose(DisconnectReason::ProtocolViolation {
                code: CloseCode::POLICY,
                message: format!("{} malformed messages in a row", self.malformed_in_a_row),
            });
        }
    }

    /// Whether as much was read ahead as may be.
    pub(super) fn is_full(&self) -> bool {
        self.arrivals.is_full(self.member.limits().max_read_ahead)
    }

    /// A message was well-formed.
    pub(in crate::session) fn well_formed(&mut self) {
        self.malformed_in_a_row = 0;
    }

    /// Reads the next message that is for the session: its text is in the connection. Says whether
    /// there is one, or no connection to read from.
    pub(super) fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.ended.is_none() {
            if self.turn == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let Line::Up(connection) = &mut self.line else { break };
            let Poll::Ready(read) = connection.poll_read(cx) else { return Poll::Pending };
            self.turn -= 1;
            match read {
                Ok(Message::Text) => {
                    let text = connection.text();
                    let bytes = text.len();
                    match Head::parse(text) {
                        Ok(head) => {
                            let (kind, call) = (Kind::of(&head, text), head.id);
                            // What was read ahead before is not this one's text.
                            self.arrival = Arrival { head, kept: None };
                            self.prove();
                            if self.arrive(&kind, call, bytes) {
                                return Poll::Ready(true);
                            }
                        }
                        Err(malformed) => {
                            self.prove();
                            self.count(bytes);
                            let what = malformed.to_string();
                            self.refuse(&ErrorBody::new(ErrorCode::Malformed, what), None);
                        }
                    }
                }
                Ok(Message::Binary) => {
                    let bytes = connection.binary().len();
                    self.count(bytes);
                    let what = "a binary frame: this connection speaks JSON in text frames";
                    self.refuse(&ErrorBody::new(ErrorCode::Malformed, what), None);
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => self.member.outbox().shrink(),
                Ok(Message::Close(frame)) => {
                    let (code, reason) = CloseCode::said(frame);
                    self.lose(DisconnectReason::ClientClosed { code, reason });
                }
                Err(error) => self.lose(broken(&error)),
            }
        }
        Poll::Ready(false)
    }

    /// Whether a message of so many bytes is for the session; what is not is dealt with.
    fn arrive(&mut self, kind: &Kind, call: Option<CallId>, bytes: usize) -> bool {
        match kind {
            Kind::Event { counted: true } => self.count(bytes),
            Kind::Event { counted: false } => {}
            Kind::Ping(number) => {
                self.acknowledge();
                self.member.outbox().shrink();
                if let Ok(frame) = Frame::event(control::PONG, number) {
                    self.member.outbox().push_uncounted(frame);
                }
                self.well_formed();
                return false;
            }
            Kind::Ack(received) => {
                if let Some(received) = received {
                    self.confirm(*received);
                }
                self.well_formed();
                return false;
            }
            Kind::Pong => {
                self.well_formed();
                return false;
            }
        }
        if let Some(rate) = &mut self.rate
            && !rate.allow()
        {
            let body = ErrorBody::new(ErrorCode::Limited, "more events than the rate limit allows");
            self.refuse(&body, call);
            return false;
        }
        if let Some(id) = call
            && (self.running == Some(id) || self.arrivals.has_call(id))
        {
            let message = format!("a call with the id {id} is still running");
            self.refuse(&ErrorBody::new(ErrorCode::Malformed, message), None);
            return false;
        }
        true
    }

    /// A counted frame of so many bytes has come.
    pub(super) fn count(&mut self, bytes: usize) {
        // Others are never told.
        if self.member.outbox().keeps() {
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
            self.member.outbox().push_uncounted(frame);
        }
    }

    /// The client says how much it has received.
    pub(super) fn confirm(&mut self, received: u64) {
        if self.member.outbox().confirm(received).is_err() {
            tracing::debug!(received, "the client confirms what was never sent");
        }
    }

    /// A message came over this connection: the client has the secret of its welcome.
    pub(super) fn prove(&mut self) {
        if self.proven < self.comebacks {
            self.proven = self.comebacks;
            self.member.hub().recovery.proven(&self.member);
        }
    }
}
