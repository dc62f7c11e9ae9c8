//! How a session continues over a new connection.

use super::Driver;
use super::attachment::Attachment;
use crate::disconnect_reason::DisconnectReason;
use crate::session::Connection;
use crate::session::resume_slot::{Answer, ResumeError, ResumeGrant};
use crate::wire::Secret;

impl Driver {
    /// Continues over a new connection.
    pub(super) fn attach(&mut self, connection: Connection) {
        if let Attachment::Detached { detached_id, .. } = &self.attachment {
            let bytes = self.member.outbox().attach();
            self.member.publish();
            self.member.hub().recovery.remove_detached(*detached_id, bytes);
            tracing::debug!("session resumed");
            self.attachment = Attachment::Attached(connection);
            self.write_timeout.stop();
            self.inbound.well_formed();
            self.heartbeat.restart();
        }
    }

    /// Checks a resume request before `resumed` runs, so that `resumed` runs for no client that cannot
    /// return. Confirms the frames that the client has received; `attach` makes the others pending again.
    /// Returns the next secret, or `None` if nothing waits for the answer.
    pub(in crate::session) fn check_resume(
        &mut self,
        received: u64,
        answer: &Answer,
    ) -> Option<Result<Secret, ResumeError>> {
        if answer.is_closed() {
            return None;
        }
        let Ok(growth) = self.member.outbox().confirm(received) else {
            return Some(Err(ResumeError::Mismatch));
        };
        self.member.hub().recovery.add_bytes(&self.member, growth);
        Some(Secret::random().map_err(ResumeError::NoRandomBits))
    }

    /// Grants a resume request, after `resumed` has run. `shown` is the secret in the request. The frames
    /// that the client has not received are pending for its connection.
    pub(in crate::session) fn grant(&mut self, shown: &Secret, secret: Secret, answer: Answer) {
        self.take_signals();
        // The client may be gone, or the session may have ended, while `resumed` ran. Without an answer
        // the admission looks the session up once more.
        if self.ended.is_some() || answer.is_closed() {
            // `resumed` has run, and the client is not back.
            self.work.detached |= matches!(self.attachment, Attachment::Detached { .. });
            return;
        }
        // Added here, where requests have an order: the newest secret belongs to the newest grant.
        self.member.hub().recovery.add_secret(&self.member, &secret, Some(shown));
        if let Attachment::Attached(_) = self.attachment {
            // The client does not use the old connection any more.
            let error = "the client resumed the session over a new one".to_owned();
            self.lose(DisconnectReason::ConnectionLost { error });
        }
        // The client is back, and `resumed` has run.
        self.work.detached = false;
        self.generation += 1;
        // The welcome acknowledges the received frames.
        let received = self.inbound.acknowledge_by_welcome();
        let grant = ResumeGrant { generation: self.generation, received, secret };
        // If the receiver is gone, the client can send another request.
        let _ = answer.send(Ok(grant));
    }
}
