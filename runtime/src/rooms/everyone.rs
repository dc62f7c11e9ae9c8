use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Walk;
use super::members::{Members, Snapshot};
use super::shards::Shards;
use crate::lock::{Lock, rank};
use crate::session::{Member, SocketId};

/// All members of one procedure.
#[derive(Default)]
pub(super) struct Everyone {
    /// Held over a broadcast to everyone.
    order: Lock<(), { rank::EMIT_ORDER }>,
    members: Shards<Members, { rank::MEMBERS }>,
    /// How many members there are. A member is counted before it is inserted and until after it is
    /// removed, so there are never more members than the bound.
    count: AtomicUsize,
    closed: AtomicBool,
}

/// Why nobody more is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    TooManyConnections,
    Draining,
}

impl Everyone {
    pub(super) fn enter(&self, member: &Arc<Member>, max: Option<usize>) -> Result<(), Full> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Full::Draining);
        }
        let max = max.unwrap_or(usize::MAX);
        let reserve = |count| (count < max).then_some(count + 1);
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve)
            .map_err(|_| Full::TooManyConnections)?;
        let mut members = self.members.of(&member.id()).lock();
        // Again, under the lock: see `close`.
        if self.closed.load(Ordering::Relaxed) {
            drop(members);
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::Draining);
        }
        members.insert(member);
        Ok(())
    }

    /// Takes out a member that has entered.
    pub(super) fn exit(&self, socket: SocketId) {
        let member = self.members.of(&socket).lock().remove(socket);
        self.count.fetch_sub(1, Ordering::Relaxed);
        drop(member);
    }

    /// Lets no more members in. A walk that begins after this returns reaches all that have entered.
    ///
    /// `enter` reads the flag under the lock of a shard. If it takes the lock before the walk does, the
    /// walk reaches the member. If it takes the lock after the walk, it sees the flag, because this sets
    /// the flag before the walk takes the lock.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn get(&self, socket: SocketId) -> Option<Arc<Member>> {
        self.members.of(&socket).lock().get(socket).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Shows each member to `visit`, which must not run user code.
    pub(super) fn walk(&self, walk: Walk, visit: impl FnMut(&Arc<Member>)) {
        let order = walk.is_broadcast().then(|| self.order.lock());
        // All before the first visit: a member that entered before the broadcast is in one of them.
        let snapshots = self.members.map(|members| members.snapshot());
        in_turn(&snapshots, visit);
        drop(order);
        // Dropped without it: the last reference to a member drops values of the user.
        drop(snapshots);
    }
}

/// Visits one member of each part in turn: members that entered together lie close together in memory.
fn in_turn<const N: usize>(parts: &[Snapshot; N], mut visit: impl FnMut(&Arc<Member>)) {
    let mut parts = parts.each_ref().map(Snapshot::iter);
    let mut is_over = false;
    while !is_over {
        is_over = true;
        for member in parts.iter_mut().filter_map(Iterator::next) {
            is_over = false;
            visit(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::rooms::tests::enter;

    #[test]
    fn member_that_waits_to_enter_while_it_closes_is_refused() {
        let everyone = Everyone::default();
        let presence = enter(&Arc::default());
        let member = presence.member();
        thread::scope(|scope| {
            let shard = everyone.members.of(&member.id()).lock();
            let entered = scope.spawn(|| everyone.enter(member, None));
            // It has passed the first check, and waits for the lock.
            while everyone.len() == 0 {
                thread::yield_now();
            }
            everyone.close();
            drop(shard);
            assert_eq!(entered.join().ok(), Some(Err(Full::Draining)));
        });
        assert_eq!(everyone.len(), 0);
    }
}
