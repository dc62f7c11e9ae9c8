//! Clients that send numbered messages to their rooms, and record what they receive.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use parlor_tests::{RawClient, within_timeout};
use serde_json::{Value, json};
use tokio::time::timeout;

/// The clients of a test. Each is known by its position.
pub(crate) struct Members {
    members: Vec<Member>,
    /// How many messages each has sent to each room.
    sent: HashMap<Origin, usize>,
}

/// A room and the position of a sender.
type Origin = (String, usize);

/// A client in rooms.
pub(crate) struct Member {
    pub(crate) node: usize,
    client: RawClient,
    rooms: Vec<String>,
    /// The numbers of the messages of each origin, in the order in which they were received.
    received: HashMap<Origin, Vec<usize>>,
}

impl Members {
    pub(crate) fn new(members: Vec<Member>) -> Self {
        Self { members, sent: HashMap::new() }
    }

    /// Each member sends `count` further messages to each of its rooms, all at the same time.
    ///
    /// What the members receive waits in the outboxes of their sessions, so there are at most some 5 000 messages
    /// before the next [`receive_all`](Self::receive_all).
    pub(crate) async fn send(&mut self, count: usize) {
        let Self { members, sent } = self;
        let sending = members.iter_mut().enumerate().map(|(position, member)| {
            let room = |room: &String| {
                let sent = sent.get(&(room.clone(), position)).copied().unwrap_or_default();
                (room.clone(), sent)
            };
            let rooms = member.rooms.iter().map(room).collect::<Vec<_>>();
            member.send(position, rooms, count)
        });
        join_all(sending).await;
        for (position, member) in members.iter().enumerate() {
            for room in &member.rooms {
                *sent.entry((room.clone(), position)).or_default() += count;
            }
        }
    }

    /// Receives until each member has got each message to its rooms. Asserts that it got each once, and in the order
    /// in which its sender has sent it.
    pub(crate) async fn receive_all(&mut self) {
        let Self { members, sent } = self;
        join_all(members.iter_mut().map(|member| member.receive_all(sent))).await;
        self.assert_order();
    }

    /// Each member receives until it has its own last messages: its node has emitted all that it has sent.
    pub(crate) async fn receive_own(&mut self) {
        let Self { members, sent } = self;
        let receiving = members.iter_mut().enumerate().map(async |(position, member)| {
            let own = sent.iter().filter(|((_, sender), _)| *sender == position);
            member.receive_last(own).await;
        });
        within_timeout("own messages", join_all(receiving)).await;
    }

    /// Members receive until each has the last messages of the others among these positions.
    #[cfg(any(feature = "nats", feature = "redis"))]
    pub(crate) async fn receive_between(&mut self, positions: &[usize]) {
        let Self { members, sent } = self;
        let members = members.iter_mut().enumerate();
        let members = members.filter(|(position, _)| positions.contains(position));
        let receiving = members.map(async |(_, member)| {
            let sent = sent.iter().filter(|((_, sender), _)| positions.contains(sender));
            member.receive_last(sent).await;
        });
        within_timeout("messages of some", join_all(receiving)).await;
    }

    /// Each member sends messages until each has received the last one of every sender. What was sent before is lost
    /// then, or has arrived.
    pub(crate) async fn send_until_last_is_received(&mut self) {
        let sending = async {
            loop {
                self.send(1).await;
                let Self { members, sent } = self;
                let receiving =
                    join_all(members.iter_mut().map(|member| member.receive_last(&*sent)));
                // It may be lost, too.
                if timeout(Duration::from_millis(500), receiving).await.is_ok() {
                    return;
                }
            }
        };
        within_timeout("the last message", sending).await;
    }

    /// Asserts that no member got a message twice, or a message after a later one of the same sender and room.
    pub(crate) fn assert_order(&self) {
        for (position, member) in self.members.iter().enumerate() {
            for (origin, numbers) in &member.received {
                let pair = numbers.windows(2).find(|pair| pair[0] >= pair[1]);
                assert!(pair.is_none(), "member {position} got {pair:?} of {origin:?}");
                let sent = self.sent.get(origin).copied().unwrap_or_default();
                assert!(numbers.last() < Some(&sent), "member {position}: {origin:?} {numbers:?}");
            }
        }
    }

    /// How many messages the members of `node` have not received, which members of other nodes have sent. Each is
    /// counted once per member.
    pub(crate) fn missing_from_other_nodes(&self, node: usize) -> usize {
        let members = self.members.iter().filter(|member| member.node == node);
        let missing = |member: &Member| {
            let sent = self.sent.iter().filter(|((room, sender), _)| {
                member.rooms.contains(room) && self.members[*sender].node != node
            });
            sent.map(|(origin, sent)| sent - member.count(origin)).sum::<usize>()
        };
        members.map(missing).sum()
    }
}

impl Member {
    pub(crate) fn new(node: usize, client: RawClient, rooms: &[&str]) -> Self {
        let rooms = rooms.iter().map(ToString::to_string).collect();
        Self { node, client, rooms, received: HashMap::new() }
    }

    /// Sends messages to rooms, with numbers from those beside the rooms on.
    async fn send(&mut self, sender: usize, rooms: Vec<(String, usize)>, count: usize) {
        for number in 0..count {
            for (room, first) in &rooms {
                let message = json!({ "room": room, "sender": sender, "number": first + number });
                self.client.emit("tell", message).await;
            }
        }
    }

    async fn receive_all(&mut self, sent: &HashMap<Origin, usize>) {
        let sent = sent.iter().filter(|((room, _), _)| self.rooms.contains(room));
        let sent: usize = sent.map(|(_, sent)| sent).sum();
        while self.received.values().map(Vec::len).sum::<usize>() < sent {
            let message = self.client.receive().await;
            self.record(&message);
        }
        self.client.assert_nothing_received().await;
    }

    /// Receives until it has the last messages of these origins, as far as it is in their rooms.
    async fn receive_last<'a>(&mut self, sent: impl IntoIterator<Item = (&'a Origin, &'a usize)>) {
        let sent = sent.into_iter().filter(|((room, _), _)| self.rooms.contains(room));
        let sent: Vec<_> = sent.collect();
        while sent.iter().any(|(origin, sent)| self.last(origin) != sent.checked_sub(1)) {
            let message = self.client.receive().await;
            self.record(&message);
        }
    }

    fn record(&mut self, message: &Value) {
        assert_eq!(message[0], "told", "{message}");
        let number = |name: &str| {
            let number = message[1][name].as_u64().expect("a number");
            usize::try_from(number).expect("small")
        };
        let room = message[1]["room"].as_str().expect("a room").to_owned();
        self.received.entry((room, number("sender"))).or_default().push(number("number"));
    }

    fn last(&self, origin: &Origin) -> Option<usize> {
        self.received.get(origin)?.last().copied()
    }

    fn count(&self, origin: &Origin) -> usize {
        self.received.get(origin).map_or(0, Vec::len)
    }
}
