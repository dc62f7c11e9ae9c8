//! The random steps of a case.

use proptest::prelude::*;

use crate::backplane::model::steps::{Fault, fault};

/// Rooms that members join.
pub(super) const ROOMS: [&str; 3] = ["a", "b", "c"];
/// Members of each node.
pub(super) const MEMBERS: usize = 3;

#[derive(Debug, Clone)]
pub(in crate::backplane::model) struct Case {
    /// Of the random numbers of the nodes.
    pub(super) seed: u64,
    /// Nodes at the start.
    pub(super) nodes: usize,
    /// The rooms share two topics.
    pub(super) buckets: bool,
    pub(super) steps: Vec<Step>,
}

/// A node is its index, modulo the number of those that are alive.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A member joins or leaves a room.
    Toggle {
        node: usize,
        member: usize,
        room: usize,
    },
    SetPresence {
        node: usize,
        member: usize,
        value: u64,
    },
    /// A session ends, and another one begins.
    EndSession {
        node: usize,
        member: usize,
    },
    /// A watcher comes or goes.
    Watch {
        node: usize,
        room: usize,
    },
    Ask {
        node: usize,
        ask: Ask,
    },
    Fault {
        node: usize,
        fault: Fault,
    },
    StopBroker,
    StartBroker,
    /// Milliseconds.
    Wait(u64),
    /// All faults end, and 20 s pass.
    Heal,
    StartNode,
    EndNode {
        node: usize,
        with_bye: bool,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) question: Question,
    pub(super) room: usize,
    /// Milliseconds.
    pub(super) within: u64,
    /// The caller goes away after this, in milliseconds.
    pub(super) drop_after: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Members,
    Count,
    Presence,
    Disconnect,
}

pub(in crate::backplane::model) fn case() -> impl Strategy<Value = Case> {
    let steps = proptest::collection::vec(step(), 1..60);
    (any::<u64>(), 1..4_usize, any::<bool>(), steps)
        .prop_map(|(seed, nodes, buckets, steps)| Case { seed, nodes, buckets, steps })
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..4_usize;
    let room = 0..ROOMS.len();
    let member = 0..MEMBERS;
    prop_oneof![
        20 => (node.clone(), member.clone(), room.clone())
            .prop_map(|(node, member, room)| Step::Toggle { node, member, room }),
        12 => (node.clone(), member.clone(), 0..4_u64)
            .prop_map(|(node, member, value)| Step::SetPresence { node, member, value }),
        4 => (node.clone(), member).prop_map(|(node, member)| Step::EndSession { node, member }),
        12 => (node.clone(), room).prop_map(|(node, room)| Step::Watch { node, room }),
        20 => (node.clone(), ask()).prop_map(|(node, ask)| Step::Ask { node, ask }),
        12 => (node.clone(), fault()).prop_map(|(node, fault)| Step::Fault { node, fault }),
        1 => Just(Step::StopBroker),
        2 => Just(Step::StartBroker),
        14 => prop_oneof![Just(0), Just(1), 1..200_u64, 200..5_000_u64, 5_000..12_000_u64].prop_map(Step::Wait),
        2 => Just(Step::Heal),
        2 => Just(Step::StartNode),
        2 => (node, any::<bool>()).prop_map(|(node, with_bye)| Step::EndNode { node, with_bye }),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let question = prop_oneof![
        4 => Just(Question::Members),
        3 => Just(Question::Count),
        4 => Just(Question::Presence),
        1 => Just(Question::Disconnect),
    ];
    let within = prop_oneof![4 => Just(1_000_u64), 1 => 0..5_000_u64];
    let drop_after = prop_oneof![3 => Just(None), 1 => (0..1_000_u64).prop_map(Some)];
    (question, 0..ROOMS.len(), within, drop_after)
        .prop_map(|(question, room, within, drop_after)| Ask { question, room, within, drop_after })
}
