//! Broadcasts while members join, leave, connect and disconnect.

use std::collections::HashMap;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use http::header::SEC_WEBSOCKET_PROTOCOL;

use super::delivery::OutgoingEvents;
use super::{Audience, DeliveryPolicy, Hub, Traversal};
use crate::contract::{Outgoing, Shape};
use crate::request::Request;
use crate::session::options::{Limits, Recovery, SessionOptions};
use crate::session::{Member, PushPolicy, Registration};
use crate::socket_id::SocketId;
use crate::wire::{Frame, PROTOCOL_JSON};

/// A session without a connection.
pub(super) fn register(hub: &Arc<Hub>) -> Registration {
    register_with(hub, http::Extensions::new())
}

/// The same, with extensions in its request.
fn register_with(hub: &Arc<Hub>, extensions: http::Extensions) -> Registration {
    let request = http::Request::builder().header(SEC_WEBSOCKET_PROTOCOL, PROTOCOL_JSON).body(());
    let mut request = Request::new(request.expect("a request"), None);
    *request.extensions_mut() = extensions;
    let id = SocketId::random().expect("random bits");
    let recovery =
        Recovery { max_detached_sessions: 2, max_detached_bytes: 100, ..Recovery::default() };
    let options = SessionOptions { recovery, ..SessionOptions::default() };
    Registration::new(id, request, hub, &Arc::new(options)).expect("below the limit")
}

fn register_in_room(hub: &Arc<Hub>, room: &str) -> Registration {
    let registration = register(hub);
    registration.member().join(room).expect("joined");
    registration
}

/// Runs `act` on another thread and returns its result. A deadlock fails the test.
fn on_other_thread<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(act()));
    result.recv_timeout(Duration::from_secs(30)).expect("no deadlock")
}

/// Broadcasts, and runs `act` to its end on another thread before the second visit. Returns the number
/// of visits of each member.
fn broadcast_while(
    hub: &Hub,
    audience: &Audience,
    act: impl FnOnce() + Send + 'static,
) -> HashMap<SocketId, u32> {
    let mut act = Some(act);
    let mut visits = HashMap::new();
    hub.for_each(audience, Traversal::Broadcast, |member| {
        *visits.entry(member.id()).or_default() += 1;
        if let Some(act) = act.take() {
            on_other_thread(act);
        }
    });
    assert!(act.is_none(), "the audience has no members");
    visits
}

fn members(registrations: &[Registration]) -> Vec<Arc<Member>> {
    registrations.iter().map(|registration| Arc::clone(registration.member())).collect()
}

#[test]
fn join_and_leave_return_during_broadcast() {
    let hub = Arc::<Hub>::default();
    let (ada, bob, eve) =
        (register_in_room(&hub, "a"), register_in_room(&hub, "a"), register(&hub));
    let (bob_member, eve_member) = (Arc::clone(bob.member()), Arc::clone(eve.member()));
    let visits = broadcast_while(&hub, &Audience::new(&"a"), move || {
        assert_eq!(eve_member.join("a"), Ok(true));
        assert!(bob_member.leave("a"));
    });
    let visits_of = |registration: &Registration| visits.get(&registration.member().id()).copied();
    assert_eq!((visits_of(&ada), visits_of(&bob), visits_of(&eve)), (Some(1), Some(1), None));
}

#[test]
fn connect_and_disconnect_return_during_broadcast() {
    let hub = Arc::<Hub>::default();
    for audience in [Audience::all(), Audience::new(&"a")] {
        let (ada, bob) = (register_in_room(&hub, "a"), register_in_room(&hub, "a"));
        let hub_of_thread = Arc::clone(&hub);
        let visits = broadcast_while(&hub, &audience, move || {
            drop(bob);
            drop(register_in_room(&hub_of_thread, "a"));
        });
        assert_eq!(visits.len(), 2);
        drop(ada);
        assert_eq!((hub.connected(), hub.rooms.len()), (0, 0));
    }
}

#[test]
fn query_returns_during_broadcast() {
    let hub = Arc::<Hub>::default();
    let ada = register_in_room(&hub, "a");
    let id = ada.member().id();
    for audience in [Audience::all(), Audience::new(&"a")] {
        let hub_of_thread = Arc::clone(&hub);
        broadcast_while(&hub, &audience, move || {
            assert_eq!(hub_of_thread.select(&Audience::all()).len(), 1);
            assert_eq!(hub_of_thread.select(&Audience::new(&"a")).len(), 1);
            assert!(hub_of_thread.member(id).is_some() && hub_of_thread.rooms.contains("a", id));
        });
    }
}

#[test]
fn member_that_leaves_and_joins_again_is_visited_once() {
    let hub = Arc::<Hub>::default();
    let registrations: Vec<_> = (0..300).map(|_| register_in_room(&hub, "a")).collect();
    for registration in &registrations {
        registration.member().join("b").expect("joined");
    }
    for audience in [Audience::new(&"a"), Audience::new(&["a", "b"])] {
        let members = members(&registrations);
        let visits = broadcast_while(&hub, &audience, move || {
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
fn exception_may_be_the_room_of_the_broadcast() {
    let hub = Arc::<Hub>::default();
    let (ada, bob) = (register_in_room(&hub, "a"), register_in_room(&hub, "a"));
    bob.member().join("muted").expect("joined");
    let audience = Audience::new(&super::rooms("a").except("muted"));
    assert_eq!(broadcast_while(&hub, &audience, || ()).len(), 1);
    let audience = Audience::new(&super::rooms("a").except("a"));
    hub.for_each(&audience, Traversal::Broadcast, |_| panic!("all members are excepted"));
    drop(ada);
}

#[test]
fn connection_limit_is_exact_when_many_threads_register() {
    let hub = Arc::<Hub>::default();
    let register_some = |hub: Arc<Hub>| {
        let limits = Limits { max_connections: Some(100), ..Limits::default() };
        let options = Arc::new(SessionOptions { limits, ..SessionOptions::default() });
        let registrations = (0..200).filter_map(move |_| {
            let id = SocketId::random().expect("random bits");
            let request = Request::new(http::Request::new(()), None);
            Registration::new(id, request, &hub, &options).ok()
        });
        registrations.collect::<Vec<_>>()
    };
    let threads = [(); 4].map(|()| {
        let hub = Arc::clone(&hub);
        thread::spawn(move || register_some(hub))
    });
    let registrations: Vec<_> =
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!((registrations.len(), hub.connected()), (100, 100));
    drop(registrations);
    assert_eq!((hub.connected(), register_some(Arc::clone(&hub)).len()), (0, 100));
}

#[test]
fn drain_ends_or_rejects_each_session_that_registers_meanwhile() {
    for _ in 0..20 {
        let hub = Arc::<Hub>::default();
        let hub_of_thread = Arc::clone(&hub);
        let (first, first_registered) = mpsc::channel();
        let thread = thread::spawn(move || {
            let register = || {
                let id = SocketId::random().expect("random bits");
                let request = Request::new(http::Request::new(()), None);
                let registered =
                    Registration::new(id, request, &hub_of_thread, &Arc::default()).ok();
                let _ = first.send(());
                registered
            };
            std::iter::from_fn(register).take(10_000).collect::<Vec<_>>()
        });
        first_registered.recv().expect("one is registered");
        let ended = hub.drain();
        let registrations = thread.join().expect("no panic");
        assert_eq!((registrations.len(), hub.connected()), (ended, ended));
        for registration in &registrations {
            assert!(registration.member().signals().ending().is_some());
        }
    }
}

/// A user's value in a request that broadcasts to all members and to a room when it is dropped.
struct EmitsAtDrop {
    hub: Weak<Hub>,
    dropped: mpsc::Sender<()>,
}

impl Drop for EmitsAtDrop {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            let events = OutgoingEvents::new(&[outgoing("gone")]);
            let event = events.get(0).expect("the first event");
            let frame = Frame::event("gone", &()).expect("encoded");
            for audience in [Audience::all(), Audience::new(&"a")] {
                hub.deliver(&audience, event, &frame, PushPolicy::Reliable).expect("small");
            }
            let _ = self.dropped.send(());
        }
    }
}

/// A session with such a value in its request, and a channel that receives when it is dropped.
fn register_emits_at_drop(hub: &Arc<Hub>) -> (Registration, mpsc::Receiver<()>) {
    let (dropped, is_dropped) = mpsc::channel();
    let mut extensions = http::Extensions::new();
    extensions.insert(Arc::new(EmitsAtDrop { hub: Arc::downgrade(hub), dropped }));
    (register_with(hub, extensions), is_dropped)
}

#[test]
fn value_that_emits_at_drop_is_dropped_after_the_broadcast() {
    on_other_thread(|| {
        let hub = Arc::<Hub>::default();
        for audience in [Audience::all(), Audience::new(&"a")] {
            let ada = register_in_room(&hub, "a");
            let (bob, is_dropped) = register_emits_at_drop(&hub);
            bob.member().join("a").expect("joined");
            let mut bob = Some(bob);
            // The broadcast has the last reference to the member.
            hub.for_each(&audience, Traversal::Broadcast, |_| {
                if let Some(bob) = bob.take() {
                    on_other_thread(|| drop(bob));
                }
                assert!(is_dropped.try_recv().is_err());
            });
            assert_eq!(is_dropped.try_recv(), Ok(()));
            drop(ada);
        }
    });
}

#[test]
fn value_that_emits_at_drop_is_dropped_after_its_session_has_left() {
    on_other_thread(|| {
        let hub = Arc::<Hub>::default();
        let _ada = register_in_room(&hub, "a");
        let (bob, is_dropped) = register_emits_at_drop(&hub);
        bob.member().join("a").expect("joined");
        drop(bob);
        assert_eq!(is_dropped.try_recv(), Ok(()));
    });
}

#[test]
fn value_that_emits_at_drop_may_belong_to_a_session_that_a_broadcast_evicts() {
    on_other_thread(|| {
        let hub = Arc::<Hub>::default();
        let detach = |registration: &Registration| {
            hub.recovery
                .add_detached(registration.member(), registration.member().outbox().detach().size);
        };
        let (evicted, is_dropped) = register_emits_at_drop(&hub);
        detach(&evicted);
        // Its task has ended, so the broadcast that evicts it has the last reference.
        drop(evicted);
        let ada = register_in_room(&hub, "a");
        detach(&ada);
        let events = OutgoingEvents::new(&[outgoing("long")]);
        let frame = Frame::event("long", &"x".repeat(200)).expect("encoded");
        let event = events.get(0).expect("the first event");
        hub.deliver(&Audience::new(&"a"), event, &frame, PushPolicy::Reliable).expect("small");
        assert_eq!(is_dropped.try_recv(), Ok(()));
    });
}

fn outgoing(name: &'static str) -> Outgoing {
    let shape = Shape { digest: 0, types: &[] };
    Outgoing { name, policy: DeliveryPolicy::Reliable, shape }
}
