//! The random steps of a case.

use std::time::Duration;

use proptest::prelude::*;

use crate::backplane::MemoryNode;

/// Rooms that events are emitted to.
pub(super) const ROOMS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Of the random numbers of the nodes.
    pub(super) seed: u64,
    /// Nodes at the start.
    pub(super) nodes: usize,
    /// The rooms share two topics.
    pub(super) buckets: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The node with this index, modulo their number, emits.
    Emit(usize, To),
    /// A member of the node that comes and goes joins or leaves a room.
    Toggle(usize, usize),
    Fault(usize, Fault),
    StopBroker,
    StartBroker,
    /// Milliseconds.
    Wait(u64),
    StartNode,
    /// The node ends with a word, or without.
    EndNode(usize, bool),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    Room(usize),
    TwoRooms(usize, usize),
    /// A room, without the members of another room.
    RoomExcept(usize),
    All,
    /// A room, and the constant member of a node, which may be the one that emits.
    RoomAndSocket(usize, usize),
    /// The constant member of the node with this index.
    Socket(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Cut,
    Stall,
    Resume,
    Partition,
    Heal,
    Delay(u64),
    Drop(usize),
    Duplicate(usize),
}

impl Fault {
    pub(super) fn apply(self, node: &MemoryNode) {
        match self {
            Self::Cut => node.cut(),
            Self::Stall => node.stall(),
            Self::Resume => node.resume(),
            Self::Partition => node.partition(),
            Self::Heal => node.heal(),
            Self::Delay(time) => node.delay(Duration::from_millis(time)),
            Self::Drop(count) => node.drop_next(count),
            Self::Duplicate(count) => node.duplicate_next(count),
        }
    }
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let steps = proptest::collection::vec(step(), 1..60);
    (any::<u64>(), 2..4_usize, any::<bool>(), steps)
        .prop_map(|(seed, nodes, buckets, steps)| Case { seed, nodes, buckets, steps })
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..4_usize;
    let room = 0..ROOMS.len();
    prop_oneof![
        40 => (node.clone(), to()).prop_map(|(node, to)| Step::Emit(node, to)),
        8 => (node.clone(), room).prop_map(|(node, room)| Step::Toggle(node, room)),
        20 => (node.clone(), fault()).prop_map(|(node, fault)| Step::Fault(node, fault)),
        2 => Just(Step::StopBroker),
        4 => Just(Step::StartBroker),
        20 => prop_oneof![Just(0), Just(1), 1..200_u64, 200..5_000_u64, 5_000..20_000_u64].prop_map(Step::Wait),
        2 => Just(Step::StartNode),
        2 => (node, any::<bool>()).prop_map(|(node, bye)| Step::EndNode(node, bye)),
    ]
}

fn to() -> impl Strategy<Value = To> {
    let room = 0..ROOMS.len();
    prop_oneof![
        6 => room.clone().prop_map(To::Room),
        3 => (room.clone(), room.clone()).prop_map(|(one, other)| To::TwoRooms(one, other)),
        1 => room.prop_map(To::RoomExcept),
        2 => Just(To::All),
        1 => (0..ROOMS.len(), 0..4_usize).prop_map(|(room, node)| To::RoomAndSocket(room, node)),
        1 => (0..4_usize).prop_map(To::Socket),
    ]
}

pub(super) fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        1 => Just(Fault::Cut),
        1 => Just(Fault::Stall),
        1 => Just(Fault::Resume),
        1 => Just(Fault::Partition),
        2 => Just(Fault::Heal),
        1 => (1..3_000_u64).prop_map(Fault::Delay),
        1 => (1..4_usize).prop_map(Fault::Drop),
        1 => (1..4_usize).prop_map(Fault::Duplicate),
    ]
}
