use std::collections::HashMap;
use std::sync::Arc;

use super::fast_hasher::BuildFastHasher;
use crate::session::Member;
use crate::socket_id::SocketId;

/// Members per chunk. A change during a traversal copies one or two chunks.
const CHUNK_SIZE: usize = 256;

/// All chunks but the last are full.
type Chunks = Vec<Arc<Vec<Arc<Member>>>>;

/// The members of a room or a procedure.
///
/// They are stored in chunks, and a [`Snapshot`] is traversed without a lock. A change while a snapshot
/// exists copies the list of chunks and the chunks that it changes. Any other change copies nothing.
#[derive(Default)]
pub(super) struct Members {
    chunks: Arc<Chunks>,
    /// The index of each member over all chunks.
    indices: HashMap<SocketId, usize, BuildFastHasher>,
}

/// The members at one moment.
///
/// Drop it without holding a lock: it may hold the last reference to a member, and with it values of
/// the user.
pub(super) struct Snapshot(Arc<Chunks>);

impl Members {
    /// Adds a member that is not present.
    pub(super) fn insert(&mut self, member: &Arc<Member>) {
        let chunks = Arc::make_mut(&mut self.chunks);
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_SIZE => {
                Arc::make_mut(chunk).push(Arc::clone(member));
            }
            _ => chunks.push(Arc::new(vec![Arc::clone(member)])),
        }
        self.indices.insert(member.id(), self.indices.len());
    }

    /// Removes the member and returns it, so that the caller drops it without holding a lock. The last
    /// member moves into the gap.
    ///
    /// A chunk that is replaced here holds no last reference: its copy has the same members.
    #[must_use]
    pub(super) fn remove(&mut self, socket: SocketId) -> Option<Arc<Member>> {
        let index = self.indices.remove(&socket)?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(chunks.last_mut()?);
        let last = chunk.pop()?;
        if chunk.is_empty() {
            chunks.pop();
        }
        if last.id() == socket {
            return Some(last);
        }
        let gap = Arc::make_mut(chunks.get_mut(index / CHUNK_SIZE)?).get_mut(index % CHUNK_SIZE)?;
        self.indices.insert(last.id(), index);
        Some(std::mem::replace(gap, last))
    }

    pub(super) fn contains(&self, socket: SocketId) -> bool {
        self.indices.contains_key(&socket)
    }

    pub(super) fn len(&self) -> usize {
        self.indices.len()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::clone(&self.chunks))
    }
}

impl Snapshot {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.0.iter().flat_map(|chunk| chunk.iter())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rooms::tests::register;
    use crate::session::Registration;

    /// Two chunks and part of a third.
    const POOL_SIZE: usize = 2 * CHUNK_SIZE + 40;

    fn pool(size: usize) -> Vec<Registration> {
        let hub = Arc::default();
        (0..size).map(|_| register(&hub)).collect()
    }

    fn ids(snapshot: &Snapshot) -> Vec<SocketId> {
        snapshot.iter().map(|member| member.id()).collect()
    }

    #[test]
    fn change_without_a_snapshot_copies_nothing() {
        let pool = pool(3);
        let mut members = Members::default();
        for registration in &pool {
            members.insert(registration.member());
        }
        let chunk = |members: &Members| members.chunks.first().map(Arc::as_ptr);
        let (list, first) = (Arc::as_ptr(&members.chunks), chunk(&members));
        assert!(members.remove(pool[0].member().id()).is_some());
        drop(members.snapshot());
        members.insert(pool[0].member());
        assert_eq!((Arc::as_ptr(&members.chunks), chunk(&members)), (list, first));
    }

    #[test]
    fn change_with_a_snapshot_copies_only_the_chunks_it_changes() {
        let pool = pool(2 * CHUNK_SIZE + 1);
        let mut members = Members::default();
        for registration in &pool {
            members.insert(registration.member());
        }
        let snapshot = members.snapshot();
        // The member of the last chunk moves into the first.
        assert!(members.remove(pool[0].member().id()).is_some());
        let is_shared = |index: usize| Arc::ptr_eq(&snapshot.0[index], &members.chunks[index]);
        assert_eq!((is_shared(0), is_shared(1), members.chunks.len()), (false, true, 2));
    }

    #[test]
    fn removed_member_is_returned_and_its_id_is_unknown() {
        let pool = pool(2);
        let mut members = Members::default();
        members.insert(pool[0].member());
        let id = pool[0].member().id();
        assert!(members.remove(pool[1].member().id()).is_none());
        assert!(members.contains(id));
        let removed = members.remove(id).expect("present");
        assert_eq!(removed.id(), id);
        assert!(!members.contains(id) && members.len() == 0);
        assert!(members.remove(id).is_none());
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// Inserts the member with this index of the pool, or removes it.
        Toggle(usize),
        Snapshot,
        /// Drops the oldest snapshot.
        DropSnapshot,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..POOL_SIZE).prop_map(Step::Toggle),
            1 => Just(Step::Snapshot),
            1 => Just(Step::DropSnapshot),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// There are about zero, one or two chunks of initial members, so that steps cross a chunk's edge.
        #[test]
        fn snapshot_has_each_member_of_its_moment_once(
            initial in prop_oneof![0..4_usize, CHUNK_SIZE - 4..CHUNK_SIZE + 4, 2 * CHUNK_SIZE - 4..2 * CHUNK_SIZE + 4],
            steps in proptest::collection::vec(step(), 0..200),
        ) {
            let pool = pool(POOL_SIZE);
            let mut members = Members::default();
            let mut model = vec![false; POOL_SIZE];
            let mut snapshots = std::collections::VecDeque::new();
            let sorted = |mut ids: Vec<SocketId>| { ids.sort_unstable(); ids };
            for step in (0..initial).map(Step::Toggle).chain(steps) {
                match step {
                    Step::Toggle(index) => {
                        let member = pool[index].member();
                        prop_assert_eq!(members.contains(member.id()), model[index]);
                        if model[index] {
                            let removed = members.remove(member.id());
                            prop_assert!(removed.is_some_and(|it| Arc::ptr_eq(&it, member)));
                        } else {
                            members.insert(member);
                        }
                        model[index] = !model[index];
                    }
                    Step::Snapshot => {
                        let present = pool.iter().zip(&model).filter(|(_, is_present)| **is_present);
                        let expected = present.map(|(registration, _)| registration.member().id()).collect();
                        snapshots.push_back((members.snapshot(), sorted(expected)));
                    }
                    Step::DropSnapshot => drop(snapshots.pop_front()),
                }
            }
            for (snapshot, expected) in &snapshots {
                prop_assert_eq!(&sorted(ids(snapshot)), expected);
            }
            prop_assert_eq!(ids(&members.snapshot()).len(), model.iter().filter(|is| **is).count());
        }
    }
}
