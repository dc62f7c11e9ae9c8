use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::rooms::{Audience, DeliveryPolicy, Hub, OutgoingEvent, latest_key};
use crate::session::{Member, PushPolicy};
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

    /// Encodes the event in this place of [`Contract::OUTGOING`](crate::Contract::OUTGOING) once and
    /// appends it to every recipient's outbox.
    ///
    /// What breaks a rule (`check`) or cannot be encoded is logged and not sent; a place that is not in
    /// the table is no event.
    pub fn emit<P: Serialize + ?Sized>(
        &self,
        event: usize,
        payload: &P,
        check: Result<(), Violation>,
    ) {
        if let Some(event) = self.hub().deliveries.get(event) {
            let policy = match event.policy {
                DeliveryPolicy::Volatile => PushPolicy::Volatile,
                DeliveryPolicy::Reliable | DeliveryPolicy::Latest => PushPolicy::Reliable,
            };
            self.send(event, payload, check, policy);
        }
    }

    /// As [`emit`](Self::emit), but for recipients that are behind it takes the place of an older one
    /// of this event with an equal `key` that still waits: `&()` where all have the same.
    pub fn emit_latest<P: Serialize + ?Sized, K: Serialize + ?Sized>(
        &self,
        event: usize,
        payload: &P,
        check: Result<(), Violation>,
        key: &K,
    ) {
        let Some(event) = self.hub().deliveries.get(event) else { return };
        match latest_key(event.event, key) {
            Ok(key) => self.send(event, payload, check, PushPolicy::Latest(key)),
            Err(error) => {
                let (contract, event) = (self.contract, event.event);
                self.log(|| {
                    tracing::error!(contract, event, %error, "not sent: its `latest` key cannot be encoded");
                });
            }
        }
    }

    fn send<P: Serialize + ?Sized>(
        &self,
        outgoing: &OutgoingEvent,
        payload: &P,
        check: Result<(), Violation>,
        policy: PushPolicy,
    ) {
        let (contract, event) = (self.contract, outgoing.event);
        if let Err(violation) = check {
            self.log(|| {
                tracing::error!(
                    contract,
                    event,
                    path = violation.path,
                    rule = violation.rule,
                    "not sent: the event breaks a rule of its `#[validate]`"
                );
            });
            return;
        }
        let delivered = match &self.to {
            Recipients::Member(member) => Frame::with_event(&outgoing.opening, payload, |frame| {
                Hub::deliver_to(member, outgoing, frame, policy)
            }),
            Recipients::Audience(hub, audience) => {
                Frame::with_event(&outgoing.opening, payload, Frame::copy)
                    .map(|frame| hub.deliver(audience, outgoing, &frame, policy))
            }
        };
        match delivered {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.log(|| tracing::error!(contract, event, %error, "not sent")),
            Err(error) => self.log(|| {
                tracing::error!(contract, event, %error, "not sent: the event cannot be encoded");
            }),
        }
    }

    fn hub(&self) -> &Hub {
        match &self.to {
            Recipients::Member(member) => member.hub(),
            Recipients::Audience(hub, _) => hub,
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
