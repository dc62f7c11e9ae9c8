use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::latest_key::latest_key;
use super::{Audience, Hub};
use crate::session::{Member, Policy};
use crate::wire::{Frame, Violation};

/// Sends outgoing events to one audience. Generated emitters wrap it and add a method per event.
#[derive(Clone)]
pub struct Emitter {
    contract: &'static str,
    to: Recipients,
}

#[derive(Clone)]
enum Recipients {
    /// One member, who need not be looked up.
    Member(Arc<Member>),
    Audience(Arc<Hub>, Audience),
}

impl Emitter {
    pub(crate) fn to_member(contract: &'static str, member: &Arc<Member>) -> Self {
        Self { contract, to: Recipients::Member(Arc::clone(member)) }
    }

    pub(crate) fn to_audience(contract: &'static str, hub: &Arc<Hub>, audience: Audience) -> Self {
        Self { contract, to: Recipients::Audience(Arc::clone(hub), audience) }
    }

    /// Encodes the event once and appends it to every recipient's outbox.
    ///
    /// What breaks a rule (`check`) or cannot be encoded is logged and not sent.
    pub fn emit<P: Serialize + ?Sized>(
        &self,
        event: &'static str,
        payload: &P,
        check: Result<(), Violation>,
    ) {
        self.send(event, payload, check, Policy::Reliable);
    }

    /// As [`emit`](Self::emit), but recipients that are behind go without it.
    pub fn emit_volatile<P: Serialize + ?Sized>(
        &self,
        event: &'static str,
        payload: &P,
        check: Result<(), Violation>,
    ) {
        self.send(event, payload, check, Policy::Volatile);
    }

    /// As [`emit`](Self::emit), but for recipients that are behind it takes the place of an older one
    /// of this event with an equal `key` that still waits: `&()` where all have the same.
    pub fn emit_latest<P: Serialize + ?Sized, K: Serialize + ?Sized>(
        &self,
        event: &'static str,
        payload: &P,
        check: Result<(), Violation>,
        key: &K,
    ) {
        match latest_key(event, key) {
            Ok(key) => self.send(event, payload, check, Policy::Latest(key)),
            Err(error) => {
                let contract = self.contract;
                self.log(|| {
                    tracing::error!(contract, event, %error, "not sent: its `latest` key cannot be encoded");
                });
            }
        }
    }

    fn send<P: Serialize + ?Sized>(
        &self,
        event: &'static str,
        payload: &P,
        check: Result<(), Violation>,
        policy: Policy,
    ) {
        if let Err(violation) = check {
            self.log(|| {
                tracing::error!(
                    contract = self.contract,
                    event,
                    path = violation.path,
                    rule = violation.rule,
                    "not sent: the event breaks a rule of its `#[validate]`"
                );
            });
            return;
        }
        let frame = match Frame::event(event, payload) {
            Ok(frame) => frame,
            Err(error) => {
                let contract = self.contract;
                self.log(|| {
                    tracing::error!(contract, event, %error, "not sent: the event cannot be encoded");
                });
                return;
            }
        };
        let delivered = match &self.to {
            Recipients::Member(member) => member.hub().deliver_to(member, event, &frame, policy),
            Recipients::Audience(hub, audience) => hub.deliver(audience, event, &frame, policy),
        };
        if let Err(error) = delivered {
            self.log(|| tracing::error!(contract = self.contract, event, %error, "not sent"));
        }
    }

    /// Logs something of who is emitted to, if that is one session.
    fn log(&self, say: impl FnOnce()) {
        match &self.to {
            Recipients::Member(member) => member.log(say),
            Recipients::Audience(..) => say(),
        }
    }
}

impl fmt::Debug for Emitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("contract", &self.contract).finish_non_exhaustive()
    }
}
