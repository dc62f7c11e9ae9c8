//! How connections are lost, and others take their place.

use std::time::Duration;

use tokio::sync::oneshot;

use super::Driver;
use crate::server::Connection;
use crate::session::DisconnectReason;
use crate::session::absence::Absence;
use crate::session::door::{Granted, Refused};
use crate::session::outbox::Ending;
use crate::session::secret::Secret;
use crate::wire::Unrecovered;

/// What a session has of its client.
#[allow(clippy::large_enum_variant, reason = "a connection is there nearly always")]
pub(super) enum Line {
    Up(Connection),
    Down(Absence),
}

impl Line {
    /// The message that was read last.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Up(connection) => connection.text(),
            Self::Down(_) => "",
        }
    }

    /// Why a session ends that keeps more than it may.
    fn overflow_reason(&self) -> DisconnectReason {
        match self {
            Self::Up(_) => DisconnectReason::TooSlow,
            Self::Down(absence) => absence.reason.clone(),
        }
    }
}

impl Driver {
    /// Why the session ends.
    pub(in crate::session) fn ending(&self) -> Option<DisconnectReason> {
        self.ended.clone()
    }

    /// The session is to end, and no client comes back to it: not even while its handler still runs,
    /// which may take for ever. The first reason stands; who comes is told `why`.
    pub(in crate::session) fn end(&mut self, reason: DisconnectReason, why: Unrecovered) {
        if self.ended.is_none() {
            self.ended = Some(reason);
            self.member.hub().recovery.ended(&self.member, why);
            // Only now: who is turned away asks what has become of the session.
            self.member.door().turn_away();
        }
    }

    /// The session is over: nobody's connection is taken any more.
    pub(in crate::session) fn close_door(&mut self, reason: &DisconnectReason) {
        self.end(reason.clone(), Unrecovered::Ended);
        self.member.door().shut();
        if *reason == DisconnectReason::ShutDown {
            // Whatever of this client's was not received by now never will be.
            self.acknowledge();
        }
        if let Line::Down(absence) = &self.line {
            let bytes = self.member.outbox().discard();
            self.member.hub().recovery.attached(absence.place, bytes);
        }
    }

    /// Looks why the task was called: the session is to end, the client is too slow, or back.
    pub(super) fn answer_call(&mut self) {
        if self.member.outbox().take_call() {
            self.look();
        }
    }

    #[cold]
    fn look(&mut self) {
        let outbox = self.member.outbox();
        // Who comes to the door knocks.
        self.visited = true;
        self.cut = outbox.is_cut();
        if let Some(ending) = outbox.ending() {
            let (reason, why) = match ending {
                Ending::Asked(reason) => (reason, Unrecovered::Ended),
                Ending::Overflow => (self.line.overflow_reason(), Unrecovered::Overflow),
                Ending::Evicted => (self.line.overflow_reason(), Unrecovered::Evicted),
            };
            self.end(reason, why);
        } else if outbox.is_slow() {
            self.lose(DisconnectReason::TooSlow);
        }
        if let Some((comeback, connection)) = self.member.door().arrived()
            && comeback == self.comebacks
        {
            self.attach(*connection);
        }
    }

    /// The connection is of no use any more: the session waits for another, or ends.
    pub(super) fn lose(&mut self, reason: DisconnectReason) {
        if self.ended.is_some() {
            return;
        }
        // Who was never welcomed has no secret to come back with.
        let was_welcomed = match &self.line {
            Line::Up(connection) => connection.was_greeted() || self.comebacks > 0,
            Line::Down(_) => true,
        };
        if !self.member.outbox().keeps() || !reason.may_come_back() || !was_welcomed {
            self.end(reason, Unrecovered::Ended);
            return;
        }
        tracing::debug!(%reason, "connection lost; the session is kept");
        let limits = self.member.limits();
        let place = self.detach();
        let absence = Absence::new(reason.clone(), limits.recovery_window, place);
        if let Line::Up(connection) = std::mem::replace(&mut self.line, Line::Down(absence))
            && !matches!(reason, DisconnectReason::ConnectionLost { .. })
        {
            let (code, words) = reason.close();
            connection.hang_up(code, words, limits.close_timeout);
        }
    }

    /// Counts the session among those without a connection. Returns its place there.
    fn detach(&self) -> u64 {
        let bytes = self.member.outbox().detach();
        self.member.hub().recovery.detached(&self.member, bytes)
    }

    /// Goes on over a new connection.
    fn attach(&mut self, connection: Connection) {
        if let Line::Down(absence) = &self.line {
            let bytes = self.member.outbox().attach();
            self.member.hub().recovery.attached(absence.place, bytes);
            tracing::debug!("the client is back");
            self.line = Line::Up(connection);
            self.stall.over();
            self.malformed_in_a_row = 0;
            self.deaf = false;
            self.liveness.heard();
        }
    }

    /// Lets a client go on with the session: what it has not received waits for its connection.
    pub(in crate::session) fn grant(
        &mut self,
        received: u64,
        secret: &Secret,
        answer: oneshot::Sender<Result<Granted, Refused>>,
    ) {
        self.answer_call();
        // The client may have given up, or the session ended, while `resumed` ran: who is not answered
        // asks what has become of it.
        if self.ended.is_some() || answer.is_closed() {
            return;
        }
        let recovery = &self.member.hub().recovery;
        // Here, where comebacks have an order: the secret of the last one is the last one issued.
        let secret = match recovery.issue(&self.member, Some(secret)) {
            Ok(secret) => secret,
            Err(error) => {
                let _ = answer.send(Err(Refused::NoRandomBits(error)));
                return;
            }
        };
        let Ok(growth) = self.member.outbox().rewind(received) else {
            let _ = answer.send(Err(Refused::Mismatch));
            return;
        };
        recovery.grew(&self.member, growth);
        if let Line::Up(_) = self.line {
            // Half-dead: the client would not be here.
            let error = "the client came back over a new one".to_owned();
            self.lose(DisconnectReason::ConnectionLost { error });
        }
        self.comebacks += 1;
        // The welcome tells how much has come.
        let received = self.receipts.tell();
        let granted = Granted { turn: self.comebacks, received, secret };
        // If nobody waits any more, the client may come once more.
        let _ = answer.send(Ok(granted));
    }

    /// Whether what was read ahead is handled although the session ends: the client was told, or may
    /// have been, that it has arrived.
    pub(super) fn handles_the_rest(&self) -> bool {
        let asked = matches!(
            self.ended,
            Some(DisconnectReason::Closed { .. } | DisconnectReason::Disconnected)
        );
        !asked && !self.cut
    }

    /// Closes the connection: what waits goes out, then a close frame, then TCP's own goodbye.
    pub(in crate::session) async fn finish(mut self: Box<Self>, reason: &DisconnectReason) {
        // Its goodbye may take a while.
        drop(std::mem::take(&mut self.cork));
        let connection = match self.line {
            Line::Up(connection) if !matches!(reason, DisconnectReason::ConnectionLost { .. }) => {
                connection
            }
            _ => {
                self.member.outbox().discard();
                self.member.outbox().forget_task();
                return;
            }
        };
        let limits = self.member.limits();
        let (code, words) = reason.close();
        let words = match reason {
            DisconnectReason::ShutDown => with_retry_hint(words, limits.retry_window),
            _ => words.to_owned(),
        };
        // A client that has said its last word sends nothing that would have to be read.
        let linger = !matches!(reason, DisconnectReason::ClientClosed { .. });
        connection.finish(code, &words, linger, limits.close_timeout).await;
        self.member.outbox().forget_task();
    }
}

/// Tells a client when to come back, so that not all do at once.
fn with_retry_hint(words: &str, window: Duration) -> String {
    // Without random bits, or a window, it is left to the client.
    match getrandom::u32() {
        Ok(random) if !window.is_zero() => {
            let wait = window.as_millis() * u128::from(random) / u128::from(u32::MAX);
            format!("{words}; retry in {wait} ms")
        }
        _ => words.to_owned(),
    }
}
