//! What was published, and what the members on each node received of it.

use std::time::{Duration, Instant};

/// Where a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    A,
    B,
}

/// An event has a number, which is in its text after `#` in ten digits.
#[derive(Default)]
pub struct Receipts {
    /// When each event was published. The index is its number.
    published: Vec<Instant>,
    a: NodeReceipts,
    b: NodeReceipts,
    /// Whether latencies on B are kept.
    pub keeps_latencies: bool,
    pub latencies: Vec<Duration>,
    /// When Redis was back after a fault.
    pub redis_back: Option<Instant>,
    /// From then until B received an event that was published after it.
    pub returned_after: Option<Duration>,
    /// Why a connection has ended.
    pub broken: Option<String>,
}

/// The members on one node.
#[derive(Default)]
pub struct NodeReceipts {
    members: Vec<Member>,
    pub last: Option<Instant>,
    /// Between two receipts of any member.
    pub longest_pause: Duration,
}

#[derive(Default)]
struct Member {
    /// Whether it has received a text without a number, which shows that the nodes are linked.
    is_linked: bool,
    /// The index is the number of an event.
    received: Vec<bool>,
    count: usize,
    highest: usize,
    twice: usize,
    out_of_order: usize,
}

impl Receipts {
    /// Adds a member. Returns its index.
    pub fn add(&mut self, node: Node) -> usize {
        let members = &mut self.of_mut(node).members;
        members.push(Member::default());
        members.len() - 1
    }

    /// Returns the number of the event that is published now.
    pub fn publish(&mut self) -> usize {
        self.published.push(Instant::now());
        self.published.len() - 1
    }

    pub fn record(&mut self, node: Node, member: usize, text: &[u8], now: Instant) {
        let Some(number) = number(text) else {
            self.of_mut(node).members[member].is_linked = true;
            return;
        };
        let Some(published) = self.published.get(number).copied() else {
            self.broken = Some(format!("event {number} arrived, and was never published"));
            return;
        };
        let of = self.of_mut(node);
        if !of.members[member].record(number) {
            return;
        }
        if let Some(last) = of.last {
            of.longest_pause = of.longest_pause.max(now - last);
        }
        of.last = Some(now);
        if node == Node::B {
            if self.keeps_latencies {
                self.latencies.push(now - published);
            }
            if let (Some(back), None) = (self.redis_back, self.returned_after)
                && published > back
            {
                self.returned_after = Some(now - back);
            }
        }
    }

    pub fn published(&self) -> usize {
        self.published.len()
    }

    /// How many events each member on a node has.
    pub fn complete(&self, node: Node) -> usize {
        self.of(node).members.iter().map(|member| member.count).min().unwrap_or(0)
    }

    /// How many events the member on a node that has the fewest did not get.
    pub fn lost(&self, node: Node) -> usize {
        self.published() - self.complete(node)
    }

    /// How many events arrived again, on both nodes.
    pub fn twice(&self) -> usize {
        self.members().map(|member| member.twice).sum()
    }

    /// How many events arrived after a later one, on both nodes.
    pub fn out_of_order(&self) -> usize {
        self.members().map(|member| member.out_of_order).sum()
    }

    pub fn is_linked(&self) -> bool {
        self.members().all(|member| member.is_linked)
    }

    pub fn of(&self, node: Node) -> &NodeReceipts {
        match node {
            Node::A => &self.a,
            Node::B => &self.b,
        }
    }

    fn of_mut(&mut self, node: Node) -> &mut NodeReceipts {
        match node {
            Node::A => &mut self.a,
            Node::B => &mut self.b,
        }
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        self.a.members.iter().chain(&self.b.members)
    }
}

impl Member {
    /// Returns whether the event is new.
    fn record(&mut self, number: usize) -> bool {
        if self.received.len() <= number {
            self.received.resize(number + 1, false);
        }
        if std::mem::replace(&mut self.received[number], true) {
            self.twice += 1;
            return false;
        }
        self.count += 1;
        self.out_of_order += usize::from(number < self.highest);
        self.highest = self.highest.max(number);
        true
    }
}

/// The number of an event, if its text has one.
fn number(text: &[u8]) -> Option<usize> {
    let start = text.iter().position(|byte| *byte == b'#')? + 1;
    let digits = text.get(start..start + 10)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
