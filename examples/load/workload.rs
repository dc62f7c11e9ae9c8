//! What is asked of the servers.

/// Groups of connections, each with a room of its own, that keep some messages in flight: when all who
/// should have one of them have it, the next is sent.
pub struct Workload {
    pub name: &'static str,
    /// For who reads the chart.
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
    /// A message goes back to who sent it.
    Echo,
    /// Nobody says a thing; what counts is memory.
    Silence,
}

const ROOM: usize = 4;
pub const FEWEST_MEMBERS: usize = ROOM;

pub fn all(members: usize) -> Vec<Workload> {
    let rooms = members / ROOM;
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
            about: format!("{rooms} rooms of {ROOM}, members speak in turn"),
            traffic: Traffic::Broadcast,
            groups: rooms,
            members: ROOM,
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
            about: format!("{} connections that wait", rooms * ROOM),
            traffic: Traffic::Silence,
            groups: rooms,
            members: ROOM,
            window: 0,
        },
    ]
}
