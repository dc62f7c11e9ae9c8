use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indexmap::IndexMap;

use super::deliveries::{Deliveries, Fates, Outgoing};
use super::{Audience, Membership};
use crate::contract::Contract;
use crate::lock::{Lock, rank};
use crate::session::{
    DisconnectReason, Ending, Member, Policy, Recovery, SocketId, TooLarge, has_emitted,
};
use crate::wire::Frame;

/// What the sessions of one procedure share: who is there, and the rooms.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) procedure: &'static str,
    pub(crate) rooms: Membership,
    pub(crate) recovery: Recovery,
    pub(crate) deliveries: Deliveries,
    members: Lock<IndexMap<SocketId, Arc<Member>>, { rank::MEMBERS }>,
    draining: AtomicBool,
}

/// Why nobody more is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    TooManyConnections,
    Draining,
}

impl Hub {
    pub(crate) fn of<E: Contract>() -> Self {
        Self { procedure: E::NAME, deliveries: Deliveries::of(E::OUTGOING), ..Self::default() }
    }

    pub(crate) fn enter(&self, member: &Arc<Member>, max: Option<usize>) -> Result<(), Full> {
        let mut members = self.members.lock();
        if self.draining.load(Ordering::Relaxed) {
            return Err(Full::Draining);
        }
        if max.is_some_and(|max| members.len() >= max) {
            return Err(Full::TooManyConnections);
        }
        members.insert(member.id(), Arc::clone(member));
        Ok(())
    }

    pub(crate) fn exit(&self, socket: SocketId) {
        self.members.lock().swap_remove(&socket);
    }

    pub(crate) fn member(&self, socket: SocketId) -> Option<Arc<Member>> {
        self.members.lock().get(&socket).map(Arc::clone)
    }

    /// How many members have a connection.
    pub(crate) fn connected(&self) -> usize {
        self.members.lock().len().saturating_sub(self.recovery.absent())
    }

    /// How many members there are, connected or not.
    #[cfg(feature = "test")]
    pub(crate) fn sessions(&self) -> usize {
        self.members.lock().len()
    }

    /// How much is kept for sessions: they, their rooms, their secrets, places without a connection.
    #[cfg(feature = "test")]
    pub(crate) fn entries(&self) -> usize {
        self.sessions() + self.rooms.len() + self.recovery.secrets() + self.recovery.absent()
    }

    /// Lets nobody more in and ends every session: so many.
    pub(crate) fn drain(&self) -> usize {
        let members = {
            let members = self.members.lock();
            self.draining.store(true, Ordering::Relaxed);
            members.values().map(Arc::clone).collect::<Vec<_>>()
        };
        for member in &members {
            member.signals().end(Ending::Asked(DisconnectReason::ShutDown));
        }
        members.len()
    }

    /// Cancels what handlers still run.
    pub(crate) fn cut(&self) {
        for member in self.members.lock().values() {
            member.signals().cancel();
        }
    }

    /// Appends the frame of an event to the outbox of everyone in `audience`.
    ///
    /// All outboxes of a procedure have one limit: what is too large for one is for all.
    pub(super) fn deliver(
        &self,
        audience: &Audience,
        event: &Outgoing,
        frame: &Frame,
        policy: Policy,
    ) -> Result<(), TooLarge> {
        let mut fates = Fates::default();
        let mut delivered = Ok(());
        has_emitted();
        self.visit(audience, |member| match member.push(policy, frame) {
            Ok(fate) => fates.count(fate),
            Err(too_large) => delivered = Err(too_large),
        });
        event.add(&fates);
        delivered
    }

    /// The same for one member, who need not be looked up: `frame` are the bytes of one.
    pub(super) fn deliver_to(
        member: &Arc<Member>,
        event: &Outgoing,
        frame: &[u8],
        policy: Policy,
    ) -> Result<(), TooLarge> {
        let mut fates = Fates::default();
        fates.count(member.push(policy, frame)?);
        event.add(&fates);
        Ok(())
    }

    /// Everyone in `audience`.
    pub(crate) fn select(&self, audience: &Audience) -> Vec<Arc<Member>> {
        let mut selected = Vec::new();
        self.visit(audience, |member| selected.push(Arc::clone(member)));
        selected
    }

    /// Shows each member of the audience to `visit`, once, whatever rooms it shares.
    fn visit(&self, audience: &Audience, mut visit: impl FnMut(&Arc<Member>)) {
        let has_exceptions = audience.has_exceptions();
        let excepted = |member: &Arc<Member>| {
            has_exceptions
                && (audience.excepts(member.id())
                    || audience.excepted_rooms().any(|room| self.rooms.contains(room, member.id())))
        };
        if audience.is_everyone() {
            for member in self.members.lock().values() {
                if !excepted(member) {
                    visit(member);
                }
            }
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
        let excepts_rooms = audience.excepted_rooms().next().is_some();
        for room in audience.rooms() {
            if excepts_rooms {
                // An exception looks into rooms, which must not happen while one is being walked.
                let mut members = Vec::new();
                self.rooms.visit(room, |member| members.push(Arc::clone(member)));
                members.iter().for_each(&mut visit_once);
            } else {
                self.rooms.visit(room, &mut visit_once);
            }
        }
        for socket in audience.sockets() {
            if let Some(member) = self.member(socket) {
                visit_once(&member);
            }
        }
    }
}
