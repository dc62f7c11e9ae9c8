//! The session on the server, as the client's task sees it. It may outlive a connection.

use futures::future::BoxFuture;

use crate::wire::{Receipts, Secret, Unrecovered, Welcome, receipts};

pub(super) struct Session {
    /// Counts the sessions of this client, from 1.
    number: u64,
    /// Resumes the session over another connection, or why that is impossible.
    secret: Result<Secret, Unrecovered>,
    pub(super) received: Receipts,
    /// The running session hook. It is not polled without a connection.
    pub(super) hook: Option<BoxFuture<'static, ()>>,
}

impl Session {
    pub(super) fn fresh(number: u64, welcome: &mut Welcome) -> Self {
        Self {
            number,
            secret: secret(welcome),
            received: Receipts::new(receipts::CLIENT),
            hook: None,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The session continues over another connection, with a new secret. The first acknowledgement there
    /// shows the server that the client has it.
    pub(super) fn recovered(&mut self, welcome: &mut Welcome) {
        self.secret = secret(welcome);
        self.received.force_acknowledgement();
    }

    /// Whether another connection can resume it. If so, both sides acknowledge what they receive.
    pub(super) fn is_kept(&self) -> bool {
        self.secret.is_ok()
    }

    /// `<secret>.<received>`, the end of the subprotocol that resumes it.
    pub(super) fn secret_and_received(&self) -> Option<String> {
        let secret = self.secret.as_ref().ok()?;
        Some(format!("{}.{}", secret.encode(), self.received.received()))
    }

    /// It cannot be resumed.
    pub(super) fn end(&mut self, reason: Unrecovered) {
        self.hook = None;
        if self.is_kept() {
            self.secret = Err(reason);
        }
    }

    /// Why the session that `welcome` begins is not this one.
    pub(super) fn unrecovered(&self, welcome: &Welcome) -> Unrecovered {
        match &self.secret {
            Ok(_) => welcome.reason.unwrap_or(Unrecovered::Unknown),
            Err(reason) => *reason,
        }
    }
}

fn secret(welcome: &mut Welcome) -> Result<Secret, Unrecovered> {
    welcome.resume.take().ok_or(Unrecovered::Off)
}
