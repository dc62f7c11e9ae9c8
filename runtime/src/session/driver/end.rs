//! How a session loses its connection, and how it ends.

use std::time::Duration;

use tokio::time::sleep;

use super::Driver;
use super::attachment::Attachment;
use crate::disconnect_reason::DisconnectReason;
use crate::session::signals::{Ending, Signal};
use crate::session::spawned::Tasks;
use crate::wire::Unrecovered;

impl Driver {
    /// Handles raised signals: end, cancel, too slow, resume, closure.
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
        self.work.resume_request |= raised.has(Signal::Resume);
        if raised.has(Signal::Closure) {
            self.work.add_closure();
        }
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
            && let Some(new) = self.member.resume_slot().take_connection()
            && let (generation, connection) = *new
            && generation == self.generation
        {
            self.attach(connection);
        }
    }

    /// Why the session ends, after its handler was cancelled.
    pub(in crate::session) fn cancelled(&self) -> Result<(), Box<DisconnectReason>> {
        Err(Box::new(self.ended.clone().unwrap_or(DisconnectReason::ShutDown)))
    }

    /// Ends the session. Its running handler may take any time, but from here on no client resumes it: a
    /// resume request gets `why`. The first reason stands.
    pub(in crate::session) fn end(&mut self, reason: DisconnectReason, why: Unrecovered) {
        if self.ended.is_none() {
            self.ended = Some(reason);
            self.member.hub().recovery.end(&self.member, why);
            // After `recovery`: the admission of a dropped request looks the session up there.
            self.member.resume_slot().close_to_requests();
        }
    }

    /// Ends the session, and accepts no connection of a granted resume request, and no closure. Cancels
    /// the tasks of the session, and returns them if there are any.
    pub(in crate::session) fn close_to_others(
        &mut self,
        reason: &DisconnectReason,
    ) -> Option<Tasks> {
        self.end(reason.clone(), Unrecovered::Ended);
        self.member.resume_slot().close();
        self.member.closures().close();
        let tasks = self.member.tasks().end();
        if *reason == DisconnectReason::ShutDown {
            // Nothing more is read, so this is the final number.
            self.inbound.acknowledge();
        }
        if let Attachment::Detached { detached_id, .. } = &self.attachment {
            let bytes = self.member.outbox().discard().unwrap_or_default();
            self.member.hub().recovery.remove_detached(*detached_id, bytes);
        }
        tasks
    }

    /// Drops the connection. The session is detached, or ends if it cannot be resumed.
    pub(super) fn lose(&mut self, reason: DisconnectReason) {
        if self.ended.is_some() {
            return;
        }
        // A client without a welcome has no secret to resume with.
        let was_welcomed = match &self.attachment {
            Attachment::Attached(connection) => {
                connection.is_preamble_written() || self.generation > 0
            }
            Attachment::Detached { .. } => true,
        };
        if !self.member.is_resumable() || !reason.may_resume() || !was_welcomed {
            self.end(reason, Unrecovered::Ended);
            return;
        }
        let Attachment::Attached(connection) = &mut self.attachment else { return };
        tracing::debug!(%reason, "connection lost; the session is detached");
        let options = self.member.options();
        let bytes = connection.detach(self.member.outbox());
        self.member.publish();
        let detached_id = self.member.hub().recovery.add_detached(&self.member, bytes);
        self.work.detached = true;
        let expiry = Box::pin(sleep(options.recovery.window));
        let detached = Attachment::Detached { reason: reason.clone(), detached_id, expiry };
        if let Attachment::Attached(connection) = std::mem::replace(&mut self.attachment, detached)
            && !matches!(reason, DisconnectReason::ConnectionLost { .. })
        {
            let (code, text) = reason.close();
            connection.close_detached(code, text, options.timeouts.close);
        }
    }

    /// Whether read-ahead messages are handled although the session ends: they may have been
    /// acknowledged to the client.
    pub(super) fn handles_read_ahead(&self) -> bool {
        let ended_by_user = matches!(
            self.ended,
            Some(DisconnectReason::Closed { .. } | DisconnectReason::Disconnected)
        );
        !ended_by_user && !self.cancelled
    }

    /// Closes the connection: writes the pending frames, then a close frame, then shuts it down.
    pub(in crate::session) async fn finish(mut self: Box<Self>, reason: &DisconnectReason) {
        let (options, outbox) = (self.member.options(), self.member.outbox());
        if let Attachment::Attached(connection) = &mut self.attachment
            && !matches!(reason, DisconnectReason::ConnectionLost { .. })
        {
            let (code, text) = reason.close();
            let text = match reason {
                DisconnectReason::ShutDown => with_retry_hint(text, options.retry_window),
                _ => text.to_owned(),
            };
            // A client that has sent a close frame sends nothing after it.
            let linger = !matches!(reason, DisconnectReason::ClientClosed { .. });
            connection.finish(outbox, (code, &text), linger, options.timeouts.close).await;
        }
        // A user may keep the socket, which must keep no frames.
        outbox.detach();
        outbox.discard();
    }
}

/// Adds a random retry delay to a close reason, so that clients do not all reconnect at once.
fn with_retry_hint(reason: &str, window: Duration) -> String {
    // Without random bits or a window the client chooses the delay.
    match getrandom::u32() {
        Ok(random) if !window.is_zero() => {
            let delay = window.as_millis() * u128::from(random) / u128::from(u32::MAX);
            format!("{reason}; retry in {delay} ms")
        }
        _ => reason.to_owned(),
    }
}
