//! Random compositions of targets, compared with sets.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::rooms::tests::register;
use crate::rooms::{Hub, Traversal};
use crate::session::Registration;

/// Members, and rooms. Member `m` is in room `r` if bit `r` of `m` is set.
const MEMBERS: usize = 16;
const ROOMS: usize = 4;

/// A target of a user.
#[derive(Debug, Clone)]
enum Expression {
    Room(usize),
    Socket(usize),
    /// Adds its parts one by one.
    Several(Vec<Self>),
    /// Is a `Vec` of targets.
    Listed(Vec<Self>),
    Except(Box<Self>, Vec<Excepted>),
}

#[derive(Debug, Clone, Copy)]
enum Excepted {
    Room(usize),
    Socket(usize),
}

/// An expression and the ids of the members.
#[derive(Clone)]
struct Composed<'a>(&'a Expression, &'a [SocketId]);

impl Target for Composed<'_> {
    fn add_to(&self, audience: &mut Audience) {
        let Self(expression, ids) = self;
        match expression {
            Expression::Room(room) => room_name(*room).add_to(audience),
            Expression::Socket(member) => ids[*member].add_to(audience),
            Expression::Several(list) => {
                for part in list {
                    Composed(part, ids).add_to(audience);
                }
            }
            Expression::Listed(list) => {
                list.iter().map(|it| Composed(it, ids)).collect::<Vec<_>>().add_to(audience);
            }
            Expression::Except(inner, exceptions) => {
                let mut composed = rooms(Composed(inner, ids));
                for exception in exceptions {
                    composed = match exception {
                        Excepted::Room(room) => composed.except(room_name(*room)),
                        Excepted::Socket(member) => composed.except(ids[*member]),
                    };
                }
                composed.add_to(audience);
            }
        }
    }
}

fn room_name(room: usize) -> String {
    format!("room {room}")
}

fn is_in(member: usize, room: usize) -> bool {
    member >> room & 1 == 1
}

/// The members that an expression selects.
fn model(expression: &Expression) -> BTreeSet<usize> {
    let members_of = |room: usize| (0..MEMBERS).filter(move |member| is_in(*member, room));
    match expression {
        Expression::Room(room) => members_of(*room).collect(),
        Expression::Socket(member) => BTreeSet::from([*member]),
        Expression::Several(list) | Expression::Listed(list) => {
            list.iter().flat_map(model).collect()
        }
        Expression::Except(inner, exceptions) => {
            let mut members = model(inner);
            members.retain(|member| {
                !exceptions.iter().any(|exception| match exception {
                    Excepted::Room(room) => is_in(*member, *room),
                    Excepted::Socket(it) => it == member,
                })
            });
            members
        }
    }
}

fn excepted() -> impl Strategy<Value = Excepted> {
    prop_oneof![(0..ROOMS).prop_map(Excepted::Room), (0..MEMBERS).prop_map(Excepted::Socket),]
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        3 => (0..ROOMS).prop_map(Expression::Room),
        1 => (0..MEMBERS).prop_map(Expression::Socket),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4);
        let exceptions = proptest::collection::vec(excepted(), 0..3);
        prop_oneof![
            list.clone().prop_map(Expression::Several),
            list.prop_map(Expression::Listed),
            (inner, exceptions).prop_map(|(it, list)| Expression::Except(Box::new(it), list)),
        ]
    })
}

/// The hub, and a member for each set of rooms.
fn members() -> (Arc<Hub>, Vec<Registration>) {
    let hub = Arc::<Hub>::default();
    let registrations: Vec<_> = (0..MEMBERS).map(|_| register(&hub)).collect();
    for (member, registration) in registrations.iter().enumerate() {
        for room in (0..ROOMS).filter(|room| is_in(member, *room)) {
            registration.member().join(&room_name(room)).expect("joined");
        }
    }
    (hub, registrations)
}

#[test]
#[allow(clippy::needless_borrows_for_generic_args, reason = "borrowed forms are tested too")]
fn each_form_of_several_exceptions_excepts_the_same() {
    let (hub, registrations) = members();
    let id = |member: usize| registrations[member].member().id();
    let selected = |target: &Rooms| {
        let mut count = 0;
        hub.for_each(&Audience::new(&target), Traversal::Query, |_| count += 1);
        count
    };
    let all = || rooms([room_name(0), room_name(1)]);
    let (ids, names) = ([id(1), id(2)], vec!["room 2", "room 3"]);
    // Of the 12 members that are in room 0 or 1.
    for target in [
        all().except(ids),
        all().except(&ids),
        all().except(&ids[..]),
        all().except(ids.to_vec()),
        all().except(&ids.to_vec()),
    ] {
        assert_eq!(selected(&target), 10);
    }
    for target in [
        all().except(["room 2", "room 3"]),
        all().except(&["room 2", "room 3"]),
        all().except(&names[..]),
        all().except(&names),
        all().except(names.clone()),
        all().except([&names[..1], &names[1..]]),
    ] {
        assert_eq!(selected(&target), 3);
    }
    // A target that is mixed of rooms and sockets.
    assert_eq!(selected(&rooms([rooms(room_name(0)), rooms(id(0)), rooms(&all())])), 13);
}

proptest! {
    #[test]
    fn composed_target_selects_the_members_of_the_same_sets_once(
        expression in expression(),
        sender in proptest::option::of(0..MEMBERS),
    ) {
        let (hub, registrations) = members();
        let ids: Vec<_> = registrations.iter().map(|it| it.member().id()).collect();
        let mut audience = Audience::new(&Composed(&expression, &ids));
        let mut expected = model(&expression);
        // As `socket.to` does.
        if let Some(sender) = sender {
            audience = audience.except(ids[sender]);
            expected.remove(&sender);
        }
        for traversal in [Traversal::Broadcast, Traversal::Query] {
            let mut visited = Vec::new();
            hub.for_each(&audience, traversal, |member| {
                visited.extend(ids.iter().position(|id| *id == member.id()));
            });
            visited.sort_unstable();
            prop_assert_eq!(&visited, &expected.iter().copied().collect::<Vec<_>>());
        }
    }
}
