//! How a client resumes its session over a new connection.

use tokio::sync::oneshot;

use super::Driver;
use super::attachment::Attachment;
use crate::disconnect_reason::DisconnectReason;
use crate::session::Connection;
use crate::session::resume_slot::{ResumeError, ResumeGrant};
use crate::session::secret::Secret;

impl Driver {
    /// Goes on over a new connection.
    pub(super) fn attach(&mut self, connection: Connection) {
        if let Attachment::Detached { place, .. } = &self.attachment {
            let bytes = self.member.outbox().attach();
            self.member.hub().recovery.attach(*place, bytes);
            tracing::debug!("the client is back");
            self.attachment = Attachment::Attached(connection);
            self.write_timeout.stop();
            self.inbound.well_formed();
            self.heartbeat.restart();
        }
    }

    /// Lets a client go on with the session: what it has not received waits for its connection.
    pub(in crate::session) fn grant(
        &mut self,
        received: u64,
        secret: &Secret,
        answer: oneshot::Sender<Result<ResumeGrant, ResumeError>>,
    ) {
        self.take_signals();
        // The client may have given up, or the session ended, while `resumed` ran: who is not answered
        // asks what has become of it.
        if self.ended.is_some() || answer.is_closed() {
            return;
        }
        let recovery = &self.member.hub().recovery;
        // Here, where comebacks have an order: the secret of the last one is the last one issued.
        let secret = match recovery.issue_secret(&self.member, Some(secret)) {
            Ok(secret) => secret,
            Err(error) => {
                let _ = answer.send(Err(ResumeError::NoRandomBits(error)));
                return;
            }
        };
        // What the client has received is confirmed; the rest is pending again when it is attached.
        let Ok(growth) = self.member.outbox().confirm(received) else {
            let _ = answer.send(Err(ResumeError::Mismatch));
            return;
        };
        recovery.add_bytes(&self.member, growth);
        if let Attachment::Attached(_) = self.attachment {
            // Half-dead: the client would not be here.
            let error = "the client came back over a new one".to_owned();
            self.lose(DisconnectReason::ConnectionLost { error });
        }
        self.generation += 1;
        // The welcome tells how much has come.
        let received = self.inbound.tell_received();
        let granted = ResumeGrant { generation: self.generation, received, secret };
        // If nobody waits any more, the client may come once more.
        let _ = answer.send(Ok(granted));
    }
}
