use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::rooms::{
    Audience, DeliveryPolicy, Hub, LatestKey, OutgoingEvent, latest_key, stable_latest_key,
};
use crate::session::{Member, PushPolicy};
use crate::wire::{Frame, Violation};

/// Sends outgoing events to one member or audience. Generated emitters wrap it and add a method per
/// event.
#[derive(Clone)]
pub struct Emitter {
    contract: &'static str,
    recipients: Recipients,
}

#[derive(Clone)]
enum Recipients {
    Member(Arc<Member>),
    Audience(Arc<Hub>, Audience),
}

impl Emitter {
    pub(crate) fn to_member(contract: &'static str, member: &Arc<Member>) -> Self {
        Self { contract, recipients: Recipients::Member(Arc::clone(member)) }
    }

    pub(crate) fn to_audience(contract: &'static str, hub: &Arc<Hub>, audience: Audience) -> Self {
        Self { contract, recipients: Recipients::Audience(Arc::clone(hub), audience) }
    }

    /// Encodes an event once and appends it to the outbox of each recipient. `event` is its index in
    /// [`Contract::OUTGOING`](crate::Contract::OUTGOING); an index out of bounds is ignored.
    ///
    /// An event that breaks a rule (`check`) or cannot be encoded is logged and not sent.
    pub fn emit<P: Serialize + ?Sized>(
        &self,
        event: usize,
        payload: &P,
        check: Result<(), Violation>,
    ) {
        if let Some(event) = self.hub().outgoing_events.get(event) {
            let policy = match event.policy {
                DeliveryPolicy::Volatile => PushPolicy::Volatile,
                DeliveryPolicy::Reliable | DeliveryPolicy::Latest => PushPolicy::Reliable,
            };
            self.send(event, payload, check, (policy, None));
        }
    }

    /// As [`emit`](Self::emit), but the event replaces a pending one of the same event with an equal
    /// `key`. Use `&()` as the key to keep only one pending event.
    pub fn emit_latest<P: Serialize + ?Sized, K: Serialize + ?Sized>(
        &self,
        event: usize,
        payload: &P,
        check: Result<(), Violation>,
        key: &K,
    ) {
        let Some(event) = self.hub().outgoing_events.get(event) else { return };
        let policy = match self.hub().remote() {
            None => latest_key(event.name, key).map(|key| (PushPolicy::Latest(key), None)),
            // The other nodes get the key.
            Some(_) => stable_latest_key(event.name, key)
                .map(|key| (PushPolicy::Latest(key.in_this_process()), Some(key))),
        };
        match policy {
            Ok(policy) => self.send(event, payload, check, policy),
            Err(error) => {
                let (contract, event) = (self.contract, event.name);
                self.log(|| {
                    tracing::error!(contract, event, %error, "not sent: the `latest` key of the event cannot be encoded");
                });
            }
        }
    }

    fn send<P: Serialize + ?Sized>(
        &self,
        outgoing: &OutgoingEvent,
        payload: &P,
        check: Result<(), Violation>,
        (policy, key): (PushPolicy, Option<LatestKey>),
    ) {
        let (contract, event) = (self.contract, outgoing.name);
        if let Err(violation) = check {
            self.log(|| {
                tracing::error!(
                    contract,
                    event,
                    path = violation.path,
                    rule = violation.rule,
                    "not sent: a field of the event breaks a rule of its `#[validate]`"
                );
            });
            return;
        }
        let delivered = match &self.recipients {
            Recipients::Member(member) => {
                Frame::with_event(&outgoing.json_prefix, payload, |frame| {
                    Hub::deliver_to_member(member, outgoing, frame, policy)
                })
            }
            Recipients::Audience(hub, audience) => {
                Frame::with_event(&outgoing.json_prefix, payload, Frame::copy)
                    .map(|frame| hub.emit(audience, outgoing, &frame, policy, key))
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
        match &self.recipients {
            Recipients::Member(member) => member.hub(),
            Recipients::Audience(hub, _) => hub,
        }
    }

    /// Runs `log`, within the span of the session if the recipient is one session.
    fn log(&self, log: impl FnOnce()) {
        match &self.recipients {
            Recipients::Member(member) => member.log(log),
            Recipients::Audience(..) => log(),
        }
    }
}

impl fmt::Debug for Emitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("contract", &self.contract).finish_non_exhaustive()
    }
}
