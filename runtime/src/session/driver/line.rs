//! How connections are lost, and others take their place.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use super::Driver;
use crate::server::Connection;
use crate::session::DisconnectReason;
use crate::session::door::{Granted, Refused};
use crate::session::secret::Secret;
use crate::session::signals::{Ending, Signal};
use crate::wire::Unrecovered;

/// What a session has of its client.
#[allow(clippy::large_enum_variant, reason = "a connection is there nearly always")]
pub(super) enum Line {
    Up(Connection),
    /// The session is detached: its client may resume it until `is_over` is ready.
    Down {
        /// Why the connection was lost.
        reason: DisconnectReason,
        /// Where [`Recovery`](crate::session::Recovery) has the session among the detached ones.
        place: u64,
        is_over: Pin<Box<Sleep>>,
    },
}

impl Line {
    /// The message that was read last.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Up(connection) => connection.text(),
            Self::Down { .. } => "",
        }
    }

    /// Why a session ends that keeps more than it may.
    fn overflow_reason(&self) -> DisconnectReason {
        match self {
            Self::Up(_) => DisconnectReason::TooSlow,
            Self::Down { reason, .. } => reason.clone(),
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
            // What this client has sent and is not received by now never will be.
            self.intake.acknowledge();
        }
        if let Line::Down { place, .. } = &self.line {
            let bytes = self.member.outbox().discard().unwrap_or_default();
            self.member.hub().recovery.attached(*place, bytes);
        }
    }

    /// Looks at the signals: the session is to end, the client is too slow, or back.
    pub(super) fn take_signals(&mut self) {
        if self.member.signals().is_raised() {
            self.handle_signals();
        }
    }

    #[cold]
    fn handle_signals(&mut self) {
        let signals = self.member.signals();
        let raised = signals.take();
        self.cancelled |= raised.has(Signal::Cancel);
        self.resume_requested |= raised.has(Signal::Resume);
        if let Some(ending) = signals.ending() {
            let (reason, why) = match ending {
                Ending::Asked(reason) => (reason, Unrecovered::Ended),
                Ending::Overflow => (self.line.overflow_reason(), Unrecovered::Overflow),
                Ending::Evicted => (self.line.overflow_reason(), Unrecovered::Evicted),
            };
            self.end(reason, why);
        } else if raised.has(Signal::TooSlow)
            && let Line::Up(_) = self.line
        {
            self.lose(DisconnectReason::TooSlow);
        }
        if raised.has(Signal::Resume)
            && let Some((generation, connection)) = self.member.door().arrived()
            && generation == self.generation
        {
            self.attach(*connection);
        }
    }

    /// The connection is of no use any more: the session waits for another, or ends.
    pub(super) fn lose(&mut self, reason: DisconnectReason) {
        if self.ended.is_some() {
            return;
        }
        // A client that was never welcomed has no secret to resume with.
        let was_welcomed = match &self.line {
            Line::Up(connection) => connection.was_greeted() || self.generation > 0,
            Line::Down { .. } => true,
        };
        if !self.member.keeps() || !reason.may_come_back() || !was_welcomed {
            self.end(reason, Unrecovered::Ended);
            return;
        }
        let Line::Up(connection) = &mut self.line else { return };
        tracing::debug!(%reason, "connection lost; the session is kept");
        let limits = self.member.limits();
        let place = self.member.hub().recovery.detached(&self.member, connection.detach());
        let is_over = Box::pin(sleep(limits.recovery_window));
        let down = Line::Down { reason: reason.clone(), place, is_over };
        if let Line::Up(connection) = std::mem::replace(&mut self.line, down)
            && !matches!(reason, DisconnectReason::ConnectionLost { .. })
        {
            let (code, words) = reason.close();
            connection.hang_up(code, words, limits.close_timeout);
        }
    }

    /// Goes on over a new connection.
    fn attach(&mut self, connection: Connection) {
        if let Line::Down { place, .. } = &self.line {
            let bytes = self.member.outbox().attach();
            self.member.hub().recovery.attached(*place, bytes);
            tracing::debug!("the client is back");
            self.line = Line::Up(connection);
            self.stall.over();
            self.intake.well_formed();
            self.heartbeat.restart();
        }
    }

    /// Lets a client go on with the session: what it has not received waits for its connection.
    pub(in crate::session) fn grant(
        &mut self,
        received: u64,
        secret: &Secret,
        answer: oneshot::Sender<Result<Granted, Refused>>,
    ) {
        self.take_signals();
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
        // What the client has received is confirmed; the rest is pending again when it is attached.
        let Ok(growth) = self.member.outbox().confirm(received) else {
            let _ = answer.send(Err(Refused::Mismatch));
            return;
        };
        recovery.grew(&self.member, growth);
        if let Line::Up(_) = self.line {
            // Half-dead: the client would not be here.
            let error = "the client came back over a new one".to_owned();
            self.lose(DisconnectReason::ConnectionLost { error });
        }
        self.generation += 1;
        // The welcome tells how much has come.
        let received = self.intake.tell_received();
        let granted = Granted { turn: self.generation, received, secret };
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
        !asked && !self.cancelled
    }

    /// Closes the connection: what is pending goes out, then a close frame, then TCP's own goodbye.
    pub(in crate::session) async fn finish(self: Box<Self>, reason: &DisconnectReason) {
        let (limits, outbox) = (self.member.limits(), self.member.outbox());
        if let Line::Up(connection) = self.line
            && !matches!(reason, DisconnectReason::ConnectionLost { .. })
        {
            let (code, words) = reason.close();
            let words = match reason {
                DisconnectReason::ShutDown => with_retry_hint(words, limits.retry_window),
                _ => words.to_owned(),
            };
            // A client that has sent a close frame sends nothing that would have to be read.
            let linger = !matches!(reason, DisconnectReason::ClientClosed { .. });
            connection.finish(code, &words, linger, limits.close_timeout).await;
        }
        // A user may keep the socket, which keeps no frames.
        outbox.detach();
        outbox.discard();
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
