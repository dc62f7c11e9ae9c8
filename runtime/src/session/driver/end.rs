//! How a connection is lost, and how a session ends.

use std::time::Duration;

use tokio::time::sleep;

use super::Driver;
use super::attachment::Attachment;
use crate::disconnect_reason::DisconnectReason;
use crate::session::signals::{Ending, Signal};
use crate::wire::Unrecovered;

impl Driver {
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
                Ending::Requested(reason) => (reason, Unrecovered::Ended),
                Ending::Overflow => (self.attachment.overflow_reason(), Unrecovered::Overflow),
                Ending::Evicted => (self.attachment.overflow_reason(), Unrecovered::Evicted),
            };
            self.end(reason, why);
        } else if raised.has(Signal::TooSlow)
            && let Attachment::Attached(_) = self.attachment
        {
            self.lose(DisconnectReason::TooSlow);
        }
        if raised.has(Signal::Resume)
            && let Some((generation, connection)) = self.member.resume_slot().take_connection()
            && generation == self.generation
        {
            self.attach(*connection);
        }
    }

    /// Why the session ends.
    pub(in crate::session) fn ending(&self) -> Option<DisconnectReason> {
        self.ended.clone()
    }

    /// The session is to end, and no client comes back to it: not even while its handler still runs,
    /// which may take for ever. The first reason stands; who comes is told `why`.
    pub(in crate::session) fn end(&mut self, reason: DisconnectReason, why: Unrecovered) {
        if self.ended.is_none() {
            self.ended = Some(reason);
            self.member.hub().recovery.end(&self.member, why);
            // Only now: who is turned away asks what has become of the session.
            self.member.resume_slot().close_to_requests();
        }
    }

    /// The session is over: nobody's connection is taken any more.
    pub(in crate::session) fn close_resume_slot(&mut self, reason: &DisconnectReason) {
        self.end(reason.clone(), Unrecovered::Ended);
        self.member.resume_slot().close();
        if *reason == DisconnectReason::ShutDown {
            // What this client has sent and is not received by now never will be.
            self.inbound.acknowledge();
        }
        if let Attachment::Detached { place, .. } = &self.attachment {
            let bytes = self.member.outbox().discard().unwrap_or_default();
            self.member.hub().recovery.attach(*place, bytes);
        }
    }

    /// The connection is of no use any more: the session waits for another, or ends.
    pub(super) fn lose(&mut self, reason: DisconnectReason) {
        if self.ended.is_some() {
            return;
        }
        // A client that was never welcomed has no secret to resume with.
        let was_welcomed = match &self.attachment {
            Attachment::Attached(connection) => {
                connection.is_preamble_written() || self.generation > 0
            }
            Attachment::Detached { .. } => true,
        };
        if !self.member.keeps() || !reason.may_come_back() || !was_welcomed {
            self.end(reason, Unrecovered::Ended);
            return;
        }
        let Attachment::Attached(connection) = &mut self.attachment else { return };
        tracing::debug!(%reason, "connection lost; the session is kept");
        let limits = self.member.limits();
        let place = self
            .member
            .hub()
            .recovery
            .detach(&self.member, connection.detach(self.member.outbox()));
        let expiry = Box::pin(sleep(limits.recovery_window));
        let detached = Attachment::Detached { reason: reason.clone(), place, expiry };
        if let Attachment::Attached(connection) = std::mem::replace(&mut self.attachment, detached)
            && !matches!(reason, DisconnectReason::ConnectionLost { .. })
        {
            let (code, words) = reason.close();
            connection.close_detached(code, words, limits.close_timeout);
        }
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
    pub(in crate::session) async fn finish(mut self: Box<Self>, reason: &DisconnectReason) {
        let (limits, outbox) = (self.member.limits(), self.member.outbox());
        if let Attachment::Attached(connection) = &mut self.attachment
            && !matches!(reason, DisconnectReason::ConnectionLost { .. })
        {
            let (code, text) = reason.close();
            let text = match reason {
                DisconnectReason::ShutDown => with_retry_hint(text, limits.retry_window),
                _ => text.to_owned(),
            };
            // A client that has sent a close frame sends nothing after it.
            let linger = !matches!(reason, DisconnectReason::ClientClosed { .. });
            connection.finish(outbox, (code, &text), linger, limits.close_timeout).await;
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
