use std::collections::HashMap;
use std::sync::Arc;

use super::mix::BuildMix;
use crate::session::Member;
use crate::socket_id::SocketId;

/// How many members a chunk has: what is copied when the members change during a walk.
const CHUNK: usize = 256;

/// All chunks but the last are full.
type Chunks = Vec<Arc<Vec<Arc<Member>>>>;

/// The members of a room, or of a part of a procedure.
///
/// They lie close together for a walk over a [`Snapshot`], which needs no lock. A change during such a
/// walk copies the list of chunks and the chunks that it changes. A change at another time copies
/// nothing.
#[derive(Default)]
pub(super) struct Members {
    chunks: Arc<Chunks>,
    places: HashMap<SocketId, usize, BuildMix>,
}

/// The members of one moment.
///
/// Its drop may drop the last reference to a member, and with it values of the user: no lock is held
/// then.
pub(super) struct Snapshot(Arc<Chunks>);

impl Members {
    /// Adds a member that is not among them.
    pub(super) fn insert(&mut self, member: &Arc<Member>) {
        let chunks = Arc::make_mut(&mut self.chunks);
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(Arc::clone(member)),
            _ => chunks.push(Arc::new(vec![Arc::clone(member)])),
        }
        self.places.insert(member.id(), self.places.len());
    }

    /// Takes the member out, for the caller to drop where no lock is held. The last one moves into the
    /// gap.
    ///
    /// A copy that is replaced here is no last reference to any member: the new copy has the same ones.
    #[must_use]
    pub(super) fn remove(&mut self, socket: SocketId) -> Option<Arc<Member>> {
        let place = self.places.remove(&socket)?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(chunks.last_mut()?);
        let last = chunk.pop()?;
        if chunk.is_empty() {
            chunks.pop();
        }
        if last.id() == socket {
            return Some(last);
        }
        let gap = Arc::make_mut(chunks.get_mut(place / CHUNK)?).get_mut(place % CHUNK)?;
        self.places.insert(last.id(), place);
        Some(std::mem::replace(gap, last))
    }

    pub(super) fn contains(&self, socket: SocketId) -> bool {
        self.places.contains_key(&socket)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
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
    use crate::rooms::tests::enter;
    use crate::session::Registration;

    /// Two chunks and a part of a third.
    const POOL: usize = 2 * CHUNK + 40;

    fn pool(size: usize) -> Vec<Registration> {
        let hub = Arc::default();
        (0..size).map(|_| enter(&hub)).collect()
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
        let (spine, first) = (Arc::as_ptr(&members.chunks), chunk(&members));
        assert!(members.remove(pool[0].member().id()).is_some());
        drop(members.snapshot());
        members.insert(pool[0].member());
        assert_eq!((Arc::as_ptr(&members.chunks), chunk(&members)), (spine, first));
    }

    #[test]
    fn change_with_a_snapshot_copies_only_the_chunks_it_changes() {
        let pool = pool(2 * CHUNK + 1);
        let mut members = Members::default();
        for registration in &pool {
            members.insert(registration.member());
        }
        let snapshot = members.snapshot();
        // The member of the last chunk moves into the first.
        assert!(members.remove(pool[0].member().id()).is_some());
        let is_shared = |place: usize| Arc::ptr_eq(&snapshot.0[place], &members.chunks[place]);
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
        let removed = members.remove(id).expect("it is in");
        assert_eq!(removed.id(), id);
        assert!(!members.contains(id) && members.len() == 0);
        assert!(members.remove(id).is_none());
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// Changes whether this one of the pool is among the members.
        Toggle(usize),
        Snapshot,
        /// Drops the oldest snapshot.
        Forget,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..POOL).prop_map(Step::Toggle),
            1 => Just(Step::Snapshot),
            1 => Just(Step::Forget),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The first members fill a chunk but for a few, or no chunk, so that steps cross its bound.
        #[test]
        fn snapshot_has_exactly_the_members_of_its_moment_each_once(
            first in prop_oneof![0..4_usize, CHUNK - 4..CHUNK + 4, 2 * CHUNK - 4..2 * CHUNK + 4],
            steps in proptest::collection::vec(step(), 0..200),
        ) {
            let pool = pool(POOL);
            let mut members = Members::default();
            let mut model = vec![false; POOL];
            let mut snapshots = std::collections::VecDeque::new();
            let sorted = |mut ids: Vec<SocketId>| { ids.sort_unstable(); ids };
            for step in (0..first).map(Step::Toggle).chain(steps) {
                match step {
                    Step::Toggle(place) => {
                        let member = pool[place].member();
                        prop_assert_eq!(members.contains(member.id()), model[place]);
                        if model[place] {
                            let removed = members.remove(member.id());
                            prop_assert!(removed.is_some_and(|it| Arc::ptr_eq(&it, member)));
                        } else {
                            members.insert(member);
                        }
                        model[place] = !model[place];
                    }
                    Step::Snapshot => {
                        let those = pool.iter().zip(&model).filter(|(_, is_in)| **is_in);
                        let those = those.map(|(registration, _)| registration.member().id()).collect();
                        snapshots.push_back((members.snapshot(), sorted(those)));
                    }
                    Step::Forget => drop(snapshots.pop_front()),
                }
            }
            for (snapshot, those) in &snapshots {
                prop_assert_eq!(&sorted(ids(snapshot)), those);
            }
            prop_assert_eq!(ids(&members.snapshot()).len(), model.iter().filter(|is| **is).count());
        }
    }
}
