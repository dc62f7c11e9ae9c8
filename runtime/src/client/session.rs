//! What the client's task knows of its session on the server, which may outlive a connection.

use futures_util::future::BoxFuture;

use super::welcome::{Secret, Welcome};

use crate::wire::{Receipts, Unrecovered, receipts};

pub(super) struct Session {
    /// Which of this client's sessions it is, from 1.
    number: u64,
    /// What another connection resumes it with, or why none can.
    secret: Result<Secret, Unrecovered>,
    pub(super) received: Receipts,
    /// The session hook, while it runs. Between two connections it is not polled.
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

    /// It goes on in another connection, which brings another secret. That it has arrived is proven
    /// by what the client says first there.
    pub(super) fn recovered(&mut self, welcome: &mut Welcome) {
        self.secret = secret(welcome);
        self.received.ask();
    }

    /// Whether another connection can resume it. If so, each side confirms what it receives.
    pub(super) fn is_kept(&self) -> bool {
        self.secret.is_ok()
    }

    /// What a subprotocol says that resumes it.
    pub(super) fn offer(&self) -> Option<String> {
        let secret = self.secret.as_ref().ok()?;
        Some(format!("{}.{}", secret.as_str(), self.received.received()))
    }

    /// Nothing resumes it any more.
    pub(super) fn end(&mut self, why: Unrecovered) {
        self.hook = None;
        if self.is_kept() {
            self.secret = Err(why);
        }
    }

    /// Why the session that `welcome` begins is not this one.
    pub(super) fn unrecovered(&self, welcome: &Welcome) -> Unrecovered {
        match &self.secret {
            Ok(_) => welcome.reason.unwrap_or(Unrecovered::Unknown),
            Err(why) => *why,
        }
    }
}

fn secret(welcome: &mut Welcome) -> Result<Secret, Unrecovered> {
    welcome.resume.take().ok_or(Unrecovered::Off)
}
