use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::all_members::{AllMembers, RegisterError};
use super::audience::Recipients;
use super::delivery::{OutcomeCounts, OutgoingEvent, OutgoingEvents};
use super::gaps::GapReports;
use super::{Audience, LatestKey, Membership, OtherNodes, Remote, Traversal, Watchers};
use crate::contract::Outgoing;
use crate::disconnect_reason::DisconnectReason;
use crate::session::{Ending, Member, PushPolicy, RecoveryTable, TooLarge, has_emitted};
use crate::socket_id::SocketId;
use crate::wire::Frame;

/// What the sessions of one procedure share: the list of members, the rooms, the recovery.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) procedure: &'static str,
    pub(crate) rooms: Membership,
    pub(crate) watchers: Watchers,
    pub(crate) recovery: RecoveryTable,
    pub(crate) outgoing_events: OutgoingEvents,
    pub(crate) gaps: GapReports,
    all_members: AllMembers,
    /// The other nodes, if there is a backplane.
    remote: OnceLock<Arc<dyn Remote>>,
}

impl Hub {
    /// `outgoing`: the outgoing events, in the order of the trait.
    pub(crate) fn new(procedure: &'static str, outgoing: &[Outgoing]) -> Self {
        let outgoing_events = OutgoingEvents::new(outgoing);
        Self { procedure, outgoing_events, ..Self::default() }
    }

    /// The same procedure on the other nodes; `None` without a backplane.
    pub(crate) fn remote(&self) -> Option<&dyn Remote> {
        self.remote.get().map(AsRef::as_ref)
    }

    /// Has an effect once.
    pub(crate) fn set_remote<R: Remote + OtherNodes + 'static>(
        &self,
        make: impl FnOnce() -> Arc<R>,
    ) {
        let mut created = None;
        self.remote.get_or_init(|| {
            let remote = make();
            created = Some(Arc::clone(&remote));
            remote
        });
        if let Some(remote) = created {
            self.watchers.set_other_nodes(remote);
        }
    }

    pub(crate) fn register(
        &self,
        member: &Arc<Member>,
        max: Option<usize>,
    ) -> Result<(), RegisterError> {
        self.all_members.insert(member, max)
    }

    pub(crate) fn unregister(&self, socket: SocketId) {
        self.all_members.remove(socket);
    }

    pub(crate) fn member(&self, socket: SocketId) -> Option<Arc<Member>> {
        self.all_members.get(socket)
    }

    /// The number of members with a connection.
    pub(crate) fn connected(&self) -> usize {
        self.all_members.len().saturating_sub(self.recovery.detached())
    }

    /// The number of members with and without a connection.
    #[cfg(feature = "test")]
    pub(crate) fn sessions(&self) -> usize {
        self.all_members.len()
    }

    /// The number of entries in all tables: members, rooms, watched rooms with their members and watchers,
    /// secrets, detached sessions.
    #[cfg(feature = "test")]
    pub(crate) fn entries(&self) -> usize {
        self.sessions()
            + self.rooms.len()
            + self.watchers.entries()
            + self.recovery.secrets()
            + self.recovery.detached()
    }

    /// Registers no further members and ends all sessions. Returns the number of sessions.
    pub(crate) fn drain(&self) -> usize {
        self.all_members.close();
        self.watchers.close();
        self.end_sessions(&Audience::all(), DisconnectReason::ShutDown)
    }

    /// Ends the sessions of the audience. Returns their number.
    pub(crate) fn end_sessions(&self, audience: &Audience, reason: DisconnectReason) -> usize {
        let members = self.select(audience);
        let ending = Ending::Requested(reason);
        for member in &members {
            member.signals().end(ending.clone());
        }
        members.len()
    }

    /// Cancels the handlers that still run.
    pub(crate) fn cancel_handlers(&self) {
        for member in self.select(&Audience::all()) {
            member.signals().cancel();
        }
    }

    /// Delivers the frame of an event to the members here, then publishes it for those of other nodes. `key`: of a
    /// `latest` event, if there are other nodes.
    pub(crate) fn emit(
        &self,
        audience: &Audience,
        event: &OutgoingEvent,
        frame: &Frame,
        policy: PushPolicy,
        key: Option<LatestKey>,
    ) -> Result<(), TooLarge> {
        self.deliver(audience, event, frame, policy)?;
        if let Some(remote) = self.remote() {
            remote.emit(event, audience, frame, key, &|socket| self.member(socket).is_none());
        }
        Ok(())
    }

    /// Appends the frame of an event to the outbox of each member in `audience`.
    ///
    /// All outboxes of a procedure have the same limit: a frame that is too large for one is too large
    /// for all.
    pub(crate) fn deliver(
        &self,
        audience: &Audience,
        event: &OutgoingEvent,
        frame: &Frame,
        policy: PushPolicy,
    ) -> Result<(), TooLarge> {
        let mut outcomes = OutcomeCounts::default();
        let mut delivered = Ok(());
        // Dropped after the traversal, without a lock: these may be the last references.
        let mut evicted = Vec::new();
        has_emitted();
        self.for_each(audience, Traversal::Broadcast, |member| {
            match member.push_evicting(policy, frame, Some(&mut evicted)) {
                Ok(outcome) => outcomes.add(outcome),
                Err(too_large) => delivered = Err(too_large),
            }
        });
        event.add_counts(&outcomes);
        delivered
    }

    /// As [`deliver`](Self::deliver), for one member that is at hand. `frame` holds the bytes of a frame.
    pub(crate) fn deliver_to_member(
        member: &Arc<Member>,
        event: &OutgoingEvent,
        frame: &[u8],
        policy: PushPolicy,
    ) -> Result<(), TooLarge> {
        let mut outcomes = OutcomeCounts::default();
        outcomes.add(member.push(policy, frame)?);
        event.add_counts(&outcomes);
        Ok(())
    }

    /// The members in `audience`.
    pub(crate) fn select(&self, audience: &Audience) -> Vec<Arc<Member>> {
        let mut selected = Vec::new();
        self.for_each(audience, Traversal::Query, |member| selected.push(Arc::clone(member)));
        selected
    }

    /// Calls `visit` once with each member of the audience. `visit` must not run user code.
    pub(super) fn for_each(
        &self,
        audience: &Audience,
        traversal: Traversal,
        mut visit: impl FnMut(&Arc<Member>),
    ) {
        // One part has each member once. The set finds members of several parts.
        let mut visited = HashSet::new();
        let may_overlap = audience.may_overlap();
        for (part, recipients) in audience.parts() {
            let has_exceptions = audience.exceptions(part).next().is_some();
            let is_excepted = |id: SocketId| {
                audience.exceptions(part).any(|exception| self.includes(exception, id))
            };
            let visit_once = |member: &Arc<Member>| {
                if !(has_exceptions && is_excepted(member.id()))
                    && (!may_overlap || visited.insert(member.id()))
                {
                    visit(member);
                }
            };
            match recipients {
                Recipients::All => self.all_members.for_each(traversal, visit_once),
                Recipients::Room(name) => self.rooms.for_each(traversal, name, visit_once),
                Recipients::Socket(socket) => self.member(socket).iter().for_each(visit_once),
            }
        }
    }

    fn includes(&self, recipients: Recipients<'_>, socket: SocketId) -> bool {
        match recipients {
            Recipients::All => true,
            Recipients::Room(name) => self.rooms.contains(name, socket),
            Recipients::Socket(it) => it == socket,
        }
    }
}
