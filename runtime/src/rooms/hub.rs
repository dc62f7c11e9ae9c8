use std::collections::HashSet;
use std::sync::Arc;

use super::delivery::{OutcomeCounts, OutgoingEvent, OutgoingEvents};
use super::everyone::{Everyone, RegisterError};
use super::{Audience, Membership, Walk};
use crate::contract::Contract;
use crate::disconnect_reason::DisconnectReason;
use crate::session::{Ending, Member, PushPolicy, Recovery, TooLarge, has_emitted};
use crate::socket_id::SocketId;
use crate::wire::Frame;

/// What the sessions of one procedure share: who is there, and the rooms.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) procedure: &'static str,
    pub(crate) rooms: Membership,
    pub(crate) recovery: Recovery,
    pub(crate) deliveries: OutgoingEvents,
    everyone: Everyone,
}

impl Hub {
    pub(crate) fn of<E: Contract>() -> Self {
        Self { procedure: E::NAME, deliveries: OutgoingEvents::of(E::OUTGOING), ..Self::default() }
    }

    pub(crate) fn enter(
        &self,
        member: &Arc<Member>,
        max: Option<usize>,
    ) -> Result<(), RegisterError> {
        self.everyone.enter(member, max)
    }

    pub(crate) fn exit(&self, socket: SocketId) {
        self.everyone.exit(socket);
    }

    pub(crate) fn member(&self, socket: SocketId) -> Option<Arc<Member>> {
        self.everyone.get(socket)
    }

    /// How many members have a connection.
    pub(crate) fn connected(&self) -> usize {
        self.everyone.len().saturating_sub(self.recovery.detached())
    }

    /// How many members there are, connected or not.
    #[cfg(feature = "test")]
    pub(crate) fn sessions(&self) -> usize {
        self.everyone.len()
    }

    /// How much is kept for sessions: they, their rooms, their secrets, places without a connection.
    #[cfg(feature = "test")]
    pub(crate) fn entries(&self) -> usize {
        self.sessions() + self.rooms.len() + self.recovery.secrets() + self.recovery.detached()
    }

    /// Lets nobody more in and ends every session: so many.
    pub(crate) fn drain(&self) -> usize {
        self.everyone.close();
        let members = self.select(&Audience::everyone());
        for member in &members {
            member.signals().end(Ending::Requested(DisconnectReason::ShutDown));
        }
        members.len()
    }

    /// Cancels the running handlers of all sessions.
    pub(crate) fn cancel_handlers(&self) {
        for member in self.select(&Audience::everyone()) {
            member.signals().cancel();
        }
    }

    /// Appends the frame of an event to the outbox of everyone in `audience`.
    ///
    /// All outboxes of a procedure have one limit: what is too large for one is for all.
    pub(crate) fn deliver(
        &self,
        audience: &Audience,
        event: &OutgoingEvent,
        frame: &Frame,
        policy: PushPolicy,
    ) -> Result<(), TooLarge> {
        let mut outcomes = OutcomeCounts::default();
        let mut delivered = Ok(());
        // Dropped after the walk, when no lock is held: these may be last references.
        let mut evicted = Vec::new();
        has_emitted();
        self.visit(audience, Walk::Broadcast, |member| {
            match member.push_evicting(policy, frame, Some(&mut evicted)) {
                Ok(outcome) => outcomes.count(outcome),
                Err(too_large) => delivered = Err(too_large),
            }
        });
        event.add(&outcomes);
        delivered
    }

    /// The same for one member, who need not be looked up: `frame` are the bytes of one.
    pub(crate) fn deliver_to(
        member: &Arc<Member>,
        event: &OutgoingEvent,
        frame: &[u8],
        policy: PushPolicy,
    ) -> Result<(), TooLarge> {
        let mut outcomes = OutcomeCounts::default();
        outcomes.count(member.push(policy, frame)?);
        event.add(&outcomes);
        Ok(())
    }

    /// Everyone in `audience`.
    pub(crate) fn select(&self, audience: &Audience) -> Vec<Arc<Member>> {
        let mut selected = Vec::new();
        self.visit(audience, Walk::Look, |member| selected.push(Arc::clone(member)));
        selected
    }

    /// Shows each member of the audience to `visit`, once, whatever rooms it shares.
    pub(super) fn visit(
        &self,
        audience: &Audience,
        walk: Walk,
        mut visit: impl FnMut(&Arc<Member>),
    ) {
        let has_exceptions = audience.has_exceptions();
        let excepted = |member: &Arc<Member>| {
            has_exceptions
                && (audience.excepts(member.id())
                    || audience.excepted_rooms().any(|room| self.rooms.contains(room, member.id())))
        };
        if audience.is_everyone() {
            self.everyone.walk(walk, |member| {
                if !excepted(member) {
                    visit(member);
                }
            });
            return;
        }
        // Within one room nobody is met twice; the set is for those in several.
        let mut met = HashSet::new();
        let may_overlap = audience.may_overlap();
        let mut visit_once = |member: &Arc<Member>| {
            if !excepted(member) && (!may_overlap || met.insert(member.id())) {
                visit(member);
            }
        };
        for room in audience.rooms() {
            self.rooms.walk(walk, room, &mut visit_once);
        }
        for socket in audience.sockets() {
            if let Some(member) = self.member(socket) {
                visit_once(&member);
            }
        }
    }
}
