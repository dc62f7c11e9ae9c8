//! What the nodes of a row emit, what their clients receive, and which losses the nodes report.

use std::collections::HashMap;
use std::time::Duration;

pub(crate) const NODES: usize = 3;
/// Each node has one client in each room.
pub(crate) const ROOMS: usize = 10;

#[derive(Default)]
pub(crate) struct Record {
    /// How many events each node has emitted to each room. Their numbers begin with 0.
    emitted: [[u64; ROOMS]; NODES],
    /// By the node of the client, then by the origin and the room: the numbers, as they arrived.
    received: [[[Vec<u64>; ROOMS]; NODES]; NODES],
    /// By the node that reports, then by the origin and the name of the topic.
    reported: [[HashMap<String, u64>; NODES]; NODES],
    /// When an event was emitted, and how long it took to a client of the same node.
    local: Vec<(Duration, Duration)>,
    /// What must not happen to a client, or to the reports of a node.
    failures: Vec<String>,
}

impl Record {
    /// Returns the number of the next event.
    pub(crate) fn emit(&mut self, node: usize, room: usize) -> u64 {
        let emitted = &mut self.emitted[node][room];
        *emitted += 1;
        *emitted - 1
    }

    pub(crate) fn receive(&mut self, client: usize, origin: usize, room: usize, number: u64) {
        self.received[client][origin][room].push(number);
    }

    pub(crate) fn receive_local(&mut self, sent_at: Duration, took: Duration) {
        self.local.push((sent_at, took));
    }

    pub(crate) fn report(&mut self, node: usize, origin: usize, topic: &str, lost: u64) {
        *self.reported[node][origin].entry(topic.to_owned()).or_default() += lost;
    }

    pub(crate) fn fail(&mut self, what: String) {
        self.failures.push(what);
    }

    /// How many events each node has emitted to a room.
    pub(crate) fn emitted_to(&self, room: usize) -> [u64; NODES] {
        std::array::from_fn(|node| self.emitted[node][room])
    }

    /// Whether each client of a room has an event of each node that is not below a number of that node.
    pub(crate) fn has_from(&self, room: usize, numbers: &[u64; NODES]) -> bool {
        self.received.iter().all(|of_node| {
            of_node.iter().zip(numbers).all(|(of_origin, number)| {
                of_origin[room].last().is_some_and(|last| last >= number)
            })
        })
    }

    /// Whether each client has the last event of each node to its room.
    pub(crate) fn has_last(&self) -> bool {
        (0..ROOMS).all(|room| {
            let last = self.emitted_to(room).map(|emitted| emitted.saturating_sub(1));
            self.has_from(room, &last)
        })
    }

    /// How many events of an origin did not arrive at the clients of a node.
    fn missing(&self, node: usize, origin: usize) -> u64 {
        (0..ROOMS).map(|room| self.missing_in(node, origin, room)).sum()
    }

    fn missing_in(&self, node: usize, origin: usize, room: usize) -> u64 {
        let received = self.received[node][origin][room].len() as u64;
        // Negative if an event arrived twice, which `assert_order` reports.
        self.emitted[origin][room].saturating_sub(received)
    }

    fn reported(&self, node: usize, origin: usize) -> u64 {
        self.reported[node][origin].values().sum()
    }

    /// Returns what is wrong with the counts of losses: nothing if each node has reported of each other one, and of
    /// each room if the engine has a topic for it, what did not arrive.
    pub(crate) fn wrong_counts(&self, topic: Option<fn(usize) -> String>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (node, origin) in pairs() {
            let (missing, reported) = (self.missing(node, origin), self.reported(node, origin));
            if missing != reported {
                wrong.push(format!(
                    "node {node} misses {missing} events of node {origin} and reports {reported}"
                ));
            }
            for room in topic.iter().flat_map(|_| 0..ROOMS) {
                let missing = self.missing_in(node, origin, room);
                let name = topic.map(|topic| topic(room)).unwrap_or_default();
                let reported = self.reported[node][origin].get(&name).copied().unwrap_or_default();
                if missing != reported {
                    wrong.push(format!(
                        "node {node} misses {missing} events of node {origin} to room {room} and reports {reported}"
                    ));
                }
            }
        }
        wrong
    }

    /// The events that did not arrive at a node.
    pub(crate) fn missing_at(&self, node: usize) -> u64 {
        (0..NODES).filter(|origin| *origin != node).map(|origin| self.missing(node, origin)).sum()
    }

    /// Asserts that no event arrived twice, or after a later one of the same node and room.
    pub(crate) fn assert_order(&self) {
        for (node, of_node) in self.received.iter().enumerate() {
            for (origin, of_origin) in of_node.iter().enumerate() {
                for (room, numbers) in of_origin.iter().enumerate() {
                    let wrong = numbers.windows(2).find(|pair| pair[0] >= pair[1]);
                    assert!(
                        wrong.is_none(),
                        "the client of node {node} in room {room} got {wrong:?} of node {origin}"
                    );
                }
            }
        }
    }

    /// Asserts that the clients of the node that emits an event have got each one.
    pub(crate) fn assert_local(&self) {
        assert!(self.failures.is_empty(), "{:?}", self.failures);
        for node in 0..NODES {
            assert_eq!(self.missing(node, node), 0, "local events of node {node}");
        }
    }

    /// The times that local events took which were emitted in a period.
    pub(crate) fn local_times(&self, from: Duration, to: Duration) -> Vec<Duration> {
        let within = self.local.iter().filter(|(sent_at, _)| (from..to).contains(sent_at));
        within.map(|(_, took)| *took).collect()
    }
}

/// A node and another one.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..NODES * NODES).map(|pair| (pair / NODES, pair % NODES)).filter(|(one, other)| one != other)
}
