mod random_steps;

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;
use crate::lock::Lock;
use crate::rooms::RoomMember;
use crate::rooms::tests::register;
use crate::session::{Member, Registration};

fn presence(value: u32) -> Presence {
    Presence::new(&value).expect("small")
}

fn state(value: u32, detached: bool) -> MemberState {
    MemberState { presence: presence(value), detached }
}

fn id() -> SocketId {
    SocketId::random().expect("random bits")
}

/// Counts how often it is called.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A watcher that keeps the members as it was told.
struct Watcher {
    hub: Arc<Hub>,
    room: &'static str,
    id: WatcherId,
    members: HashMap<SocketId, MemberState>,
    calls: Arc<Calls>,
}

impl Watcher {
    fn new(hub: &Arc<Hub>, room: &'static str) -> Self {
        let (hub, id) = (Arc::clone(hub), hub.watch(room));
        Self { hub, room, id, members: HashMap::new(), calls: Arc::default() }
    }

    fn poll(&mut self) -> Poll<Option<Taken>> {
        let waker = Waker::from(Arc::clone(&self.calls));
        let taken = self.hub.watchers.poll_take(self.room, self.id, &Context::from_waker(&waker));
        let state = |it: &RoomMember<Presence>| MemberState {
            presence: it.presence.clone(),
            detached: it.detached,
        };
        match &taken {
            Poll::Ready(Some(Taken::Snapshot(members))) => {
                assert!(self.members.is_empty());
                self.members = members.iter().map(|it| (it.id, state(it))).collect();
            }
            Poll::Ready(Some(Taken::Joined(it))) => {
                assert_eq!(self.members.insert(it.id, state(it)), None);
            }
            Poll::Ready(Some(Taken::Changed(it))) => {
                let before = self.members.insert(it.id, state(it)).expect("it has joined");
                assert_ne!(before, state(it));
            }
            Poll::Ready(Some(Taken::Left(id))) => assert!(self.members.remove(id).is_some()),
            Poll::Ready(None) | Poll::Pending => {}
        }
        taken
    }

    fn take(&mut self) -> Taken {
        match self.poll() {
            Poll::Ready(Some(taken)) => taken,
            other => panic!("nothing to take: {other:?}"),
        }
    }

    /// Takes all that is due, and returns the members.
    fn members(&mut self) -> HashMap<SocketId, MemberState> {
        while let Poll::Ready(Some(_)) = self.poll() {}
        self.members.clone()
    }

    /// Entries of what it has taken, and of what is due.
    fn entries(&self) -> usize {
        self.hub.watchers.rooms.lock(self.room)[self.room].cursors[&self.id].entries()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.hub.watchers.remove(self.room, self.id);
    }
}

/// What `members_with` reads.
fn members_of(hub: &Hub, room: &str) -> HashMap<SocketId, MemberState> {
    let mut members = HashMap::new();
    hub.rooms.for_each(Traversal::Query, room, |member| {
        if let Some(RoomMember { id, presence, detached }) = RoomMember::of(member) {
            members.insert(id, MemberState { presence, detached });
        }
    });
    members
}

fn joined(hub: &Arc<Hub>, room: &str, value: u32) -> Registration {
    let registration = register(hub);
    registration.member().set_presence(presence(value)).expect("not ended");
    registration.member().join(room).expect("joined");
    registration
}

#[test]
fn changes_of_a_member_are_taken_in_order() {
    let hub = Arc::<Hub>::default();
    let ada = joined(&hub, "a", 1);
    let mut watcher = Watcher::new(&hub, "a");
    let of = |registration: &Registration, state: MemberState| {
        let MemberState { presence, detached } = state;
        RoomMember { id: registration.member().id(), presence, detached }
    };
    assert_eq!(watcher.take(), Taken::Snapshot(vec![of(&ada, state(1, false))]));
    assert_eq!(watcher.poll(), Poll::Pending);

    let bob = register(&hub);
    bob.member().join("a").expect("joined");
    assert_eq!(watcher.poll(), Poll::Pending, "it shows nothing");
    bob.member().set_presence(presence(2)).expect("not ended");
    assert_eq!(watcher.take(), Taken::Joined(of(&bob, state(2, false))));
    bob.member().set_presence(presence(2)).expect("not ended");
    assert_eq!(watcher.poll(), Poll::Pending, "it shows the same");
    bob.member().set_presence(presence(3)).expect("not ended");
    assert_eq!(watcher.take(), Taken::Changed(of(&bob, state(3, false))));

    ada.member().outbox().detach();
    ada.member().publish();
    assert_eq!(watcher.take(), Taken::Changed(of(&ada, state(1, true))));
    ada.member().outbox().attach();
    ada.member().publish();
    assert_eq!(watcher.take(), Taken::Changed(of(&ada, state(1, false))));

    let (ada_id, bob_id) = (ada.member().id(), bob.member().id());
    assert!(bob.member().leave("a"));
    assert_eq!(watcher.take(), Taken::Left(bob_id));
    drop(ada);
    assert_eq!(watcher.take(), Taken::Left(ada_id));
    drop(bob);
    assert_eq!(watcher.poll(), Poll::Pending);
}

#[test]
fn members_of_other_rooms_are_not_taken() {
    let hub = Arc::<Hub>::default();
    let mut watcher = Watcher::new(&hub, "a");
    assert_eq!(watcher.take(), Taken::Snapshot(vec![]));
    let ada = joined(&hub, "b", 1);
    assert_eq!(watcher.poll(), Poll::Pending);
    ada.member().join("a").expect("joined");
    assert!(matches!(watcher.take(), Taken::Joined(_)));
    assert!(ada.member().leave("b"));
    assert_eq!(watcher.poll(), Poll::Pending);
}

#[test]
fn watcher_that_takes_nothing_keeps_no_member_that_has_left() {
    let hub = Arc::<Hub>::default();
    let _ada = joined(&hub, "a", 1);
    let mut watcher = Watcher::new(&hub, "a");
    watcher.take();
    let before = (watcher.entries(), hub.watchers.entries());
    for value in 0..1000 {
        drop(joined(&hub, "a", value));
    }
    assert_eq!((watcher.entries(), hub.watchers.entries()), before);
    assert_eq!(watcher.poll(), Poll::Pending);
}

#[test]
fn member_that_changes_often_does_not_delay_another() {
    let hub = Arc::<Hub>::default();
    let (often, once) = (joined(&hub, "a", 0), joined(&hub, "a", 0));
    let mut watcher = Watcher::new(&hub, "a");
    watcher.take();
    often.member().set_presence(presence(1)).expect("not ended");
    once.member().set_presence(presence(1)).expect("not ended");
    let mut taken = Vec::new();
    for value in 2..4 {
        if let Taken::Changed(member) = watcher.take() {
            taken.push(member.id);
        }
        often.member().set_presence(presence(value)).expect("not ended");
    }
    assert_eq!(taken, [often.member().id(), once.member().id()]);
}

#[test]
fn waiting_watcher_is_woken_once_per_wait() {
    let hub = Arc::<Hub>::default();
    let ada = joined(&hub, "a", 0);
    let mut watcher = Watcher::new(&hub, "a");
    let calls = |watcher: &Watcher| watcher.calls.0.load(Ordering::Relaxed);
    watcher.members();
    for expected in 1..=3 {
        for change in 0..4 {
            ada.member().set_presence(presence(10 * change + 1)).expect("not ended");
        }
        assert_eq!(calls(&watcher), expected as usize);
        ada.member().set_presence(presence(100 + expected)).expect("not ended");
        watcher.members();
    }
}

#[test]
fn watcher_ends_when_the_procedure_is_drained_and_the_last_member_has_left() {
    let hub = Arc::<Hub>::default();
    let (ada, bob) = (joined(&hub, "a", 0), joined(&hub, "b", 0));
    let (mut watcher, mut other) = (Watcher::new(&hub, "a"), Watcher::new(&hub, "c"));
    assert!(watcher.members().len() == 1 && other.members().is_empty());
    hub.drain();
    assert_eq!(watcher.calls.0.load(Ordering::Relaxed), 1);
    assert_eq!((watcher.poll(), other.poll()), (Poll::Pending, Poll::Ready(None)));
    let id = ada.member().id();
    drop(ada);
    assert_eq!(watcher.take(), Taken::Left(id));
    assert_eq!(watcher.poll(), Poll::Ready(None));
    let mut late = Watcher::new(&hub, "a");
    assert_eq!((late.take(), late.poll()), (Taken::Snapshot(vec![]), Poll::Ready(None)));
    drop(bob);
}

#[test]
fn dropped_watcher_leaves_nothing_behind() {
    let hub = Arc::<Hub>::default();
    let _ada = joined(&hub, "a", 0);
    let (mut first, second) = (Watcher::new(&hub, "a"), Watcher::new(&hub, "a"));
    first.members();
    assert!(first.poll().is_pending());
    hub.watchers.set_remote("a", 7, id(), Some(state(1, false)));
    assert_eq!(hub.watchers.entries(), 1 + 2 + 2);
    let calls = Arc::clone(&first.calls);
    drop(first);
    assert_eq!(Arc::strong_count(&calls), 1, "its waker is dropped");
    assert_eq!(hub.watchers.entries(), 1 + 2 + 1);
    drop(second);
    assert_eq!((hub.watchers.entries(), hub.watchers.has_rooms()), (0, false));
}

#[test]
fn members_of_other_nodes_join_change_and_leave() {
    let hub = Arc::<Hub>::default();
    let watchers = &hub.watchers;
    let ids: [SocketId; 3] = [id(), id(), id()];
    watchers.set_remote("a", 7, ids[0], Some(state(0, false)));
    assert_eq!(watchers.entries(), 0, "the room is not watched");

    let ada = joined(&hub, "a", 9);
    let mut watcher = Watcher::new(&hub, "a");
    watcher.take();
    watchers.set_remote("a", 7, ids[0], Some(state(1, false)));
    assert!(matches!(watcher.take(), Taken::Joined(member) if member.id == ids[0]));
    watchers.set_remote("a", 7, ids[0], Some(state(1, true)));
    assert!(matches!(watcher.take(), Taken::Changed(member) if member.detached));
    watchers.set_remote("a", 8, ids[0], None);
    assert_eq!(watcher.poll(), Poll::Pending, "it is a member of another node");

    let snapshot = [(ids[1], state(2, false)), (ids[2], state(3, false))];
    watchers.replace_remote("a", 7, snapshot.clone());
    let mut expected = HashMap::from(snapshot);
    expected.insert(ada.member().id(), state(9, false));
    assert_eq!(watcher.members(), expected);
    watchers.replace_remote("a", 8, [(ids[0], state(4, false))]);
    // A watcher that is added later gets the members of other nodes, too.
    assert_eq!(Watcher::new(&hub, "a").members(), watcher.members());
    assert_eq!(watcher.members.len(), 4);

    let mut other = Watcher::new(&hub, "b");
    other.take();
    watchers.set_remote("b", 7, ids[1], Some(state(2, false)));
    assert!(matches!(other.take(), Taken::Joined(_)));
    watchers.remove_node(7);
    assert_eq!(other.take(), Taken::Left(ids[1]));
    let left = [(ada.member().id(), state(9, false)), (ids[0], state(4, false))];
    assert_eq!(watcher.members(), HashMap::from(left));
}

#[test]
fn session_that_moves_between_nodes_stays() {
    let hub = Arc::<Hub>::default();
    let mut watcher = Watcher::new(&hub, "a");
    let id = id();
    watcher.take();
    hub.watchers.set_remote("a", 7, id, Some(state(1, true)));
    hub.watchers.set_remote("a", 8, id, Some(state(1, false)));
    hub.watchers.set_remote("a", 7, id, None);
    assert_eq!(watcher.members(), HashMap::from([(id, state(1, false))]));
    hub.watchers.set_remote("a", 8, id, None);
    assert_eq!(watcher.members(), HashMap::new());
}

/// Keeps what a backplane is told.
#[derive(Default)]
struct Told {
    watched: Lock<Vec<(String, bool)>, { rank::LOG_LIMIT }>,
    members: Lock<HashMap<(String, SocketId), MemberState>, { rank::LOG_LIMIT }>,
}

impl Told {
    fn watched(&self) -> Vec<(String, bool)> {
        self.watched.lock().clone()
    }

    fn members(&self) -> HashMap<(String, SocketId), MemberState> {
        self.members.lock().clone()
    }
}

/// Another node watches the room, and is told all members, as a backplane does.
fn watch_remote(hub: &Hub, told: &Told, room: &str) {
    hub.watch_remote(room, true);
    hub.watchers.with_local(room, |members| {
        let mut told = told.members.lock();
        told.retain(|(of, _), _| of != room);
        told.extend(members.map(|(id, state)| ((room.to_owned(), id), state.clone())));
    });
}

impl OtherNodes for Told {
    fn watched(&self, room: &str, is_watched: bool) {
        self.watched.lock().push((room.to_owned(), is_watched));
    }

    fn changed(&self, room: &str, id: SocketId, state: Option<&MemberState>) {
        let key = (room.to_owned(), id);
        let mut members = self.members.lock();
        match state {
            Some(state) => members.insert(key, state.clone()),
            None => members.remove(&key),
        };
    }
}

#[test]
fn backplane_is_told_which_rooms_are_watched_here() {
    let (hub, told) = (Arc::<Hub>::default(), Arc::<Told>::default());
    hub.watchers.set_other_nodes(Arc::<Told>::clone(&told));
    let (first, second) = (Watcher::new(&hub, "a"), Watcher::new(&hub, "a"));
    hub.watch_remote("a", true);
    drop(first);
    assert_eq!(told.watched(), [("a".to_owned(), true)]);
    drop(second);
    assert_eq!(told.watched(), [("a".to_owned(), true), ("a".to_owned(), false)]);
    hub.watch_remote("a", false);
    assert_eq!((told.watched().len(), hub.watchers.entries()), (2, 0));
}

#[test]
fn backplane_is_told_changes_of_members_in_rooms_that_other_nodes_watch() {
    let (hub, told) = (Arc::<Hub>::default(), Arc::<Told>::default());
    hub.watchers.set_other_nodes(Arc::<Told>::clone(&told));
    let (ada, bob) = (joined(&hub, "a", 1), joined(&hub, "b", 2));
    let watcher = Watcher::new(&hub, "b");
    bob.member().set_presence(presence(3)).expect("not ended");
    assert!(told.members().is_empty(), "no other node watches");

    hub.watch_remote("a", true);
    let read = |room| hub.watchers.with_local(room, |it| it.map(|(id, _)| id).collect::<Vec<_>>());
    assert_eq!(read("a"), [ada.member().id()]);
    let key = ("a".to_owned(), ada.member().id());
    assert!(told.members().is_empty(), "it has not changed since");
    ada.member().outbox().detach();
    ada.member().publish();
    assert_eq!(told.members(), HashMap::from([(key, state(1, true))]));
    drop(ada);
    assert!(told.members().is_empty() && read("a").is_empty());

    hub.watch_remote("a", false);
    drop(watcher);
    assert_eq!(hub.watchers.entries(), 0);
}

#[test]
fn room_that_is_watched_keeps_no_member() {
    let hub = Arc::<Hub>::default();
    let watcher = Watcher::new(&hub, "a");
    let ada = joined(&hub, "a", 1);
    let member: std::sync::Weak<Member> = Arc::downgrade(ada.member());
    drop(ada);
    assert_eq!(member.strong_count(), 0);
    drop(watcher);
}
