//! What holds while broadcasts meet changes of who is in a room.

use std::collections::HashMap;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use http::header::SEC_WEBSOCKET_PROTOCOL;

use super::delivery::OutgoingEvents;
use super::{Audience, DeliveryPolicy, Hub, Walk};
use crate::request::Request;
use crate::session::{Limits, Member, PushPolicy, Registration};
use crate::socket_id::SocketId;
use crate::wire::{Frame, PROTOCOL_JSON};

/// A session without a connection.
pub(super) fn enter(hub: &Arc<Hub>) -> Registration {
    enter_with(hub, http::Extensions::new())
}

/// The same, with what middleware has put into its request.
fn enter_with(hub: &Arc<Hub>, extensions: http::Extensions) -> Registration {
    let request = http::Request::builder().header(SEC_WEBSOCKET_PROTOCOL, PROTOCOL_JSON).body(());
    let mut request = Request::new(request.expect("a request"), None);
    *request.extensions_mut() = extensions;
    let id = SocketId::random().expect("random bits");
    let limits = Limits { max_detached: (2, 100), ..Limits::default() };
    Registration::new(id, request, hub, &Arc::new(limits), None).expect("there is room")
}

fn enter_room(hub: &Arc<Hub>, room: &str) -> Registration {
    let registration = enter(hub);
    registration.member().join(room).expect("joined");
    registration
}

/// What `act` returns on another thread. A deadlock fails the test.
fn elsewhere<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(act()));
    result.recv_timeout(Duration::from_secs(30)).expect("it returns")
}

/// Walks a room, and lets `act` return on another thread before the second visit. Counts the visits
/// of each member.
fn walk_while(
    hub: &Hub,
    audience: &Audience,
    act: impl FnOnce() + Send + 'static,
) -> HashMap<SocketId, u32> {
    let mut act = Some(act);
    let mut visits = HashMap::new();
    hub.visit(audience, Walk::Broadcast, |member| {
        *visits.entry(member.id()).or_default() += 1;
        if let Some(act) = act.take() {
            elsewhere(act);
        }
    });
    assert!(act.is_none(), "a broadcast to nobody");
    visits
}

fn members(registrations: &[Registration]) -> Vec<Arc<Member>> {
    registrations.iter().map(|registration| Arc::clone(registration.member())).collect()
}

#[test]
fn join_and_leave_return_while_broadcast_is_walking() {
    let hub = Arc::<Hub>::default();
    let (ada, bob, eve) = (enter_room(&hub, "a"), enter_room(&hub, "a"), enter(&hub));
    let (bob_is, eve_is) = (Arc::clone(bob.member()), Arc::clone(eve.member()));
    let visits = walk_while(&hub, &Audience::of(&"a"), move || {
        assert_eq!(eve_is.join("a"), Ok(true));
        assert!(bob_is.leave("a"));
    });
    let of = |registration: &Registration| visits.get(&registration.member().id()).copied();
    assert_eq!((of(&ada), of(&bob), of(&eve)), (Some(1), Some(1), None));
}

#[test]
fn connect_and_disconnect_return_while_broadcast_is_walking() {
    let hub = Arc::<Hub>::default();
    for audience in [Audience::everyone(), Audience::of(&"a")] {
        let (ada, bob) = (enter_room(&hub, "a"), enter_room(&hub, "a"));
        let theirs = Arc::clone(&hub);
        let visits = walk_while(&hub, &audience, move || {
            drop(bob);
            drop(enter_room(&theirs, "a"));
        });
        assert_eq!(visits.len(), 2);
        drop(ada);
        assert_eq!((hub.connected(), hub.rooms.len()), (0, 0));
    }
}

#[test]
fn look_at_members_returns_while_broadcast_is_walking() {
    let hub = Arc::<Hub>::default();
    let ada = enter_room(&hub, "a");
    let id = ada.member().id();
    for audience in [Audience::everyone(), Audience::of(&"a")] {
        let theirs = Arc::clone(&hub);
        walk_while(&hub, &audience, move || {
            assert_eq!(theirs.select(&Audience::everyone()).len(), 1);
            assert_eq!(theirs.select(&Audience::of(&"a")).len(), 1);
            assert!(theirs.member(id).is_some() && theirs.rooms.contains("a", id));
        });
    }
}

#[test]
fn member_that_leaves_and_joins_again_is_visited_once() {
    let hub = Arc::<Hub>::default();
    let registrations: Vec<_> = (0..300).map(|_| enter_room(&hub, "a")).collect();
    for registration in &registrations {
        registration.member().join("b").expect("joined");
    }
    for audience in [Audience::of(&"a"), Audience::of(&["a", "b"])] {
        let members = members(&registrations);
        let visits = walk_while(&hub, &audience, move || {
            for member in &members {
                assert!(member.leave("a"));
                assert_eq!(member.join("a"), Ok(true));
            }
        });
        assert_eq!(visits.len(), 300);
        assert!(visits.values().all(|visits| *visits == 1), "{visits:?}");
    }
}

#[test]
fn exception_looks_into_the_room_that_is_walked() {
    let hub = Arc::<Hub>::default();
    let (ada, bob) = (enter_room(&hub, "a"), enter_room(&hub, "a"));
    bob.member().join("muted").expect("joined");
    let audience = Audience::of(&super::rooms("a").except("muted"));
    assert_eq!(walk_while(&hub, &audience, || ()).len(), 1);
    let audience = Audience::of(&super::rooms("a").except("a"));
    hub.visit(&audience, Walk::Broadcast, |_| panic!("all are left out"));
    drop(ada);
}

#[test]
fn bound_on_connections_is_exact_while_many_threads_enter() {
    let hub = Arc::<Hub>::default();
    let enter_some = |hub: Arc<Hub>| {
        let entered = (0..200).filter_map(move |_| {
            let id = SocketId::random().expect("random bits");
            let request = Request::new(http::Request::new(()), None);
            Registration::new(id, request, &hub, &Arc::default(), Some(100)).ok()
        });
        entered.collect::<Vec<_>>()
    };
    let threads = [(); 4].map(|()| {
        let hub = Arc::clone(&hub);
        thread::spawn(move || enter_some(hub))
    });
    let entered: Vec<_> =
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!((entered.len(), hub.connected()), (100, 100));
    drop(entered);
    assert_eq!((hub.connected(), enter_some(Arc::clone(&hub)).len()), (0, 100));
}

#[test]
fn drain_ends_each_session_that_enters_meanwhile_or_refuses_it() {
    for _ in 0..20 {
        let hub = Arc::<Hub>::default();
        let theirs = Arc::clone(&hub);
        let (first, entered) = mpsc::channel();
        let thread = thread::spawn(move || {
            let enter = || {
                let id = SocketId::random().expect("random bits");
                let request = Request::new(http::Request::new(()), None);
                let entered = Registration::new(id, request, &theirs, &Arc::default(), None).ok();
                let _ = first.send(());
                entered
            };
            std::iter::from_fn(enter).take(10_000).collect::<Vec<_>>()
        });
        entered.recv().expect("one has entered");
        let ended = hub.drain();
        let registrations = thread.join().expect("no panic");
        assert_eq!((registrations.len(), hub.connected()), (ended, ended));
        for registration in &registrations {
            assert!(registration.member().signals().ending().is_some());
        }
    }
}

/// A value of the user, in a request, that emits to everyone and to a room when it is dropped.
struct EmitsAtDrop {
    hub: Weak<Hub>,
    dropped: mpsc::Sender<()>,
}

impl Drop for EmitsAtDrop {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            let deliveries = OutgoingEvents::of(&[("gone", DeliveryPolicy::Reliable)]);
            let event = deliveries.get(0).expect("it is the first");
            let frame = Frame::event("gone", &()).expect("encoded");
            for audience in [Audience::everyone(), Audience::of(&"a")] {
                hub.deliver(&audience, event, &frame, PushPolicy::Reliable).expect("small");
            }
            let _ = self.dropped.send(());
        }
    }
}

/// A session with such a value in its request, and what says that it was dropped.
fn enter_that_emits(hub: &Arc<Hub>) -> (Registration, mpsc::Receiver<()>) {
    let (dropped, is_dropped) = mpsc::channel();
    let mut extensions = http::Extensions::new();
    extensions.insert(Arc::new(EmitsAtDrop { hub: Arc::downgrade(hub), dropped }));
    (enter_with(hub, extensions), is_dropped)
}

#[test]
fn value_that_emits_when_dropped_is_dropped_after_the_walk() {
    elsewhere(|| {
        let hub = Arc::<Hub>::default();
        for audience in [Audience::everyone(), Audience::of(&"a")] {
            let ada = enter_room(&hub, "a");
            let (bob, is_dropped) = enter_that_emits(&hub);
            bob.member().join("a").expect("joined");
            let mut bob = Some(bob);
            // The walk has the last reference to the member.
            hub.visit(&audience, Walk::Broadcast, |_| {
                if let Some(bob) = bob.take() {
                    elsewhere(|| drop(bob));
                }
                assert!(is_dropped.try_recv().is_err());
            });
            assert_eq!(is_dropped.try_recv(), Ok(()));
            drop(ada);
        }
    });
}

#[test]
fn value_that_emits_when_dropped_is_dropped_after_its_session_has_left() {
    elsewhere(|| {
        let hub = Arc::<Hub>::default();
        let _ada = enter_room(&hub, "a");
        let (bob, is_dropped) = enter_that_emits(&hub);
        bob.member().join("a").expect("joined");
        drop(bob);
        assert_eq!(is_dropped.try_recv(), Ok(()));
    });
}

#[test]
fn value_that_emits_when_dropped_may_belong_to_a_session_that_a_broadcast_evicts() {
    elsewhere(|| {
        let hub = Arc::<Hub>::default();
        let detach = |registration: &Registration| {
            hub.recovery
                .detach(registration.member(), registration.member().outbox().detach().size);
        };
        let (ghost, is_dropped) = enter_that_emits(&hub);
        detach(&ghost);
        // Its task ends while a broadcast evicts it: the last reference is that of the broadcast.
        drop(ghost);
        let ada = enter_room(&hub, "a");
        detach(&ada);
        let deliveries = OutgoingEvents::of(&[("long", DeliveryPolicy::Reliable)]);
        let frame = Frame::event("long", &"x".repeat(200)).expect("encoded");
        let event = deliveries.get(0).expect("it is the first");
        hub.deliver(&Audience::of(&"a"), event, &frame, PushPolicy::Reliable).expect("small");
        assert_eq!(is_dropped.try_recv(), Ok(()));
    });
}
