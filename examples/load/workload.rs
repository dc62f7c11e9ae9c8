//! The workloads.

/// Groups of connections, each with a room of its own, that keep `window` messages in flight. The
/// next message is sent when all receivers have one.
pub struct Workload {
    pub name: &'static str,
    /// The description in the chart.
    pub about: String,
    pub traffic: Traffic,
    pub groups: usize,
    /// Connections in each group.
    pub members: usize,
    /// Messages in flight in each group.
    pub window: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// A message goes to all members of the room.
    Broadcast,
    /// A message goes back to its sender.
    Echo,
    /// No messages are sent; memory is measured.
    Idle,
}

const ROOM_SIZE: usize = 4;
pub const MIN_MEMBERS: usize = ROOM_SIZE;

pub fn all(members: usize) -> Vec<Workload> {
    let rooms = members / ROOM_SIZE;
    let (echoing, pipelining) = (members.min(128), members.min(16));
    vec![
        Workload {
            name: "fan-out",
            about: format!("room of {members}, 4 broadcasts in flight"),
            traffic: Traffic::Broadcast,
            groups: 1,
            members,
            window: 4,
        },
        Workload {
            name: "fan-out-single",
            about: format!("room of {members}, one broadcast at a time"),
            traffic: Traffic::Broadcast,
            groups: 1,
            members,
            window: 1,
        },
        Workload {
            name: "rooms",
            about: format!("{rooms} rooms of {ROOM_SIZE}, members send in turn"),
            traffic: Traffic::Broadcast,
            groups: rooms,
            members: ROOM_SIZE,
            window: 1,
        },
        Workload {
            name: "echo",
            about: format!("{echoing} connections, one request at a time"),
            traffic: Traffic::Echo,
            groups: echoing,
            members: 1,
            window: 1,
        },
        Workload {
            name: "pipeline",
            about: format!("{pipelining} connections, 64 requests in flight"),
            traffic: Traffic::Echo,
            groups: pipelining,
            members: 1,
            window: 64,
        },
        Workload {
            name: "idle",
            about: format!("{} idle connections", rooms * ROOM_SIZE),
            traffic: Traffic::Idle,
            groups: rooms,
            members: ROOM_SIZE,
            window: 0,
        },
    ]
}
