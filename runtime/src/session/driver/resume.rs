//! How a session continues over a new connection.

use tokio::sync::oneshot;

use super::Driver;
use super::attachment::Attachment;
use crate::disconnect_reason::DisconnectReason;
use crate::session::Connection;
use crate::session::resume_slot::{ResumeError, ResumeGrant};
use crate::wire::Secret;

impl Driver {
    /// Continues over a new connection.
    pub(super) fn attach(&mut self, connection: Connection) {
        if let Attachment::Detached { detached_id, .. } = &self.attachment {
            let bytes = self.member.outbox().attach();
            self.member.hub().recovery.remove_detached(*detached_id, bytes);
            tracing::debug!("session resumed");
            self.attachment = Attachment::Attached(connection);
            self.write_timeout.stop();
            self.inbound.well_formed();
            self.heartbeat.restart();
        }
    }

    /// Grants a resume request. The frames that the client has not received are pending for its
    /// connection.
    pub(in crate::session) fn grant(
        &mut self,
        received: u64,
        secret: &Secret,
        answer: oneshot::Sender<Result<ResumeGrant, ResumeError>>,
    ) {
        self.take_signals();
        // The client may be gone, or the session may have ended, while `resumed` ran. Without an answer
        // the admission looks the session up once more.
        if self.ended.is_some() || answer.is_closed() {
            return;
        }
        let recovery = &self.member.hub().recovery;
        // Issued here, where requests have an order: the newest secret belongs to the newest grant.
        let secret = match recovery.issue_secret(&self.member, Some(secret)) {
            Ok(secret) => secret,
            Err(error) => {
                let _ = answer.send(Err(ResumeError::NoRandomBits(error)));
                return;
            }
        };
        // Frames that the client has received are confirmed. `attach` makes the others pending again.
        let Ok(growth) = self.member.outbox().confirm(received) else {
            let _ = answer.send(Err(ResumeError::Mismatch));
            return;
        };
        recovery.add_bytes(&self.member, growth);
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
