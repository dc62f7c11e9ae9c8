//! What this node publishes: numbers, marks, and the queue.
//!
//! A parcel gets its numbers when it enters the queue. What leaves the queue without being published, because it is too
//! old or there is too much of it, is then missing in the sequence, and each receiver counts it as lost. Marks that leave
//! it so are published again: otherwise no one would count the last losses of a topic.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::engine::Parcel;
use super::parcel::{Message, Received, write_position};
use super::positions::{Mark, Position};
use super::topic::{Topic, TopicId};

/// Topics whose counts are kept. With more, those that were marked twice since they changed are forgotten. If there are
/// none, all are, and what was dropped before is counted by no one.
const MAX_TOPICS: usize = 1_000_000;
/// With more topics than this, those that have not changed for [`FORGET_AFTER`] are forgotten.
const MAX_IDLE_TOPICS: usize = 100_000;
/// A receiver that was away for longer may miss parcels of a forgotten topic without counting them.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// Parcels for the control of the cluster that wait. The oldest are dropped, and asked for again.
const MAX_CONTROL: usize = 4096;
/// The most bytes of these parcels.
const MAX_CONTROL_SIZE: usize = 16 << 20;

pub(super) struct Outgoing {
    max_size: usize,
    max_age: Duration,
    /// The last number.
    number: u64,
    topics: HashMap<TopicId, Sent>,
    /// Topics that have changed since the last marks.
    changed: Vec<TopicId>,
    /// Topics that the last marks have contained for the first time, in order.
    marked: Vec<TopicId>,
    /// When topics were last forgotten.
    forgot: Instant,
    /// A probe that waits. It is published before all others.
    probe: Option<Parcel>,
    /// Published before the queue, since nothing depends on their order.
    control: VecDeque<Parcel>,
    /// The bytes of these.
    control_size: usize,
    /// What callers ask. They come after `control`, so that many callers delay no probe.
    asks: VecDeque<Parcel>,
    /// The bytes of the asks.
    asks_size: usize,
    queue: VecDeque<Queued>,
    /// The bytes of the queue.
    size: usize,
    is_closed: bool,
}

struct Sent {
    number: u64,
    count: u64,
    at: Instant,
    is_changed: bool,
}

struct Queued {
    since: Instant,
    parcel: Parcel,
}

/// Parcels that are published together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) parcels: Vec<Parcel>,
    since: Vec<Instant>,
    /// Parcels that were too old, and are dropped.
    pub(super) aged: u64,
}

impl Outgoing {
    pub(super) fn new(max_size: usize, max_age: Duration, now: Instant) -> Self {
        Self {
            max_size,
            max_age,
            number: 0,
            topics: HashMap::new(),
            changed: Vec::new(),
            marked: Vec::new(),
            forgot: now,
            probe: None,
            control: VecDeque::new(),
            control_size: 0,
            asks: VecDeque::new(),
            asks_size: 0,
            queue: VecDeque::new(),
            size: 0,
            is_closed: false,
        }
    }

    /// The number of the last parcel; 0 if there is none.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The bytes that wait.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Half of what may wait is free for an answer of this size.
    pub(super) fn has_space(&self, size: usize) -> bool {
        self.size + size <= self.max_size / 2
    }

    /// Whether half of what may wait is enough for an answer of this size.
    pub(super) fn can_have_space(&self, size: usize) -> bool {
        size <= self.max_size / 2
    }

    /// Numbers the copies of one event, one per topic, and appends them. Returns how many parcels are
    /// dropped because too many bytes wait.
    pub(super) fn push_numbered(&mut self, copies: Vec<(Topic, Vec<u8>)>, now: Instant) -> u64 {
        if self.is_closed {
            return 0;
        }
        self.number += 1;
        let mut dropped = 0;
        for (topic, mut bytes) in copies {
            let (previous, count) = self.count(topic.id(), now);
            let position = Position { topic: topic.id(), number: self.number, previous, count };
            write_position(&position, &mut bytes);
            dropped += self.push(Parcel { topic, bytes: bytes.into() }, now);
        }
        dropped
    }

    /// Counts a parcel on a topic. Returns its previous number and its count.
    fn count(&mut self, topic: TopicId, now: Instant) -> (u64, u64) {
        if self.topics.len() >= MAX_TOPICS && !self.topics.contains_key(&topic) {
            self.forget_unchanged(None);
        }
        let new = || Sent { number: 0, count: 0, at: now, is_changed: false };
        let sent = self.topics.entry(topic).or_insert_with(new);
        let previous = std::mem::replace(&mut sent.number, self.number);
        sent.count += 1;
        sent.at = now;
        if !std::mem::replace(&mut sent.is_changed, true) {
            self.changed.push(topic);
        }
        (previous, sent.count)
    }

    /// Appends a parcel behind all others. Returns how many parcels are dropped.
    pub(super) fn push(&mut self, parcel: Parcel, now: Instant) -> u64 {
        if self.is_closed {
            return 0;
        }
        self.size += size(&parcel);
        self.queue.push_back(Queued { since: now, parcel });
        let mut dropped = 0;
        while self.size > self.max_size
            && let Some(queued) = self.pop()
        {
            self.keep_marks_of(&queued.parcel);
            dropped += 1;
        }
        dropped
    }

    /// Replaces the probe that is published next.
    pub(super) fn set_probe(&mut self, topic: Topic, bytes: Vec<u8>) {
        self.probe = Some(Parcel { topic, bytes: bytes.into() });
    }

    /// Whether half of what may wait for the control of the cluster is free.
    pub(super) fn has_control_space(&self) -> bool {
        self.control.len() < MAX_CONTROL / 2 && self.control_size < MAX_CONTROL_SIZE / 2
    }

    /// Publishes nothing that is appended from here on: the node has said that it ends.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// The node has ended: as [`close`](Self::close), without the parcels and the counts so far. The caller drops these
    /// without the lock.
    pub(super) fn end(&mut self) -> Self {
        let empty = Self::new(self.max_size, self.max_age, self.forgot);
        std::mem::replace(self, Self { is_closed: true, ..empty })
    }

    /// Appends a parcel that is published before those of the queue.
    pub(super) fn push_control(&mut self, topic: Topic, bytes: Vec<u8>) {
        if self.is_closed {
            return;
        }
        let parcel = Parcel { topic, bytes: bytes.into() };
        self.control_size += size(&parcel);
        self.control.push_back(parcel);
        while self.control.len() > MAX_CONTROL || self.control_size > MAX_CONTROL_SIZE {
            self.pop_control();
        }
    }

    fn pop_control(&mut self) -> Option<Parcel> {
        let parcel = self.control.pop_front()?;
        self.control_size -= size(&parcel);
        Some(parcel)
    }

    /// Appends what a caller asks. Returns `false` if too many bytes of asks wait.
    pub(super) fn push_ask(&mut self, topic: Topic, bytes: Vec<u8>) -> bool {
        let parcel = Parcel { topic, bytes: bytes.into() };
        let size = size(&parcel);
        let has_space = !self.is_closed && self.asks_size + size <= self.max_size;
        if has_space {
            self.asks_size += size;
            self.asks.push_back(parcel);
        }
        has_space
    }

    fn pop_ask(&mut self) -> Option<Parcel> {
        let parcel = self.asks.pop_front()?;
        self.asks_size -= size(&parcel);
        Some(parcel)
    }

    fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.size -= size(&queued.parcel);
        Some(queued)
    }

    /// Takes at most `max` parcels, those that are too old excepted.
    pub(super) fn take(&mut self, max: usize, now: Instant) -> Batch {
        let mut batch = Batch::default();
        while batch.parcels.len() < max {
            let probe = self.probe.take();
            let queued = match probe.or_else(|| self.pop_control()).or_else(|| self.pop_ask()) {
                Some(parcel) => Queued { since: now, parcel },
                None => match self.pop() {
                    Some(queued) => queued,
                    None => break,
                },
            };
            if now.duration_since(queued.since) > self.max_age {
                self.keep_marks_of(&queued.parcel);
                batch.aged += 1;
                continue;
            }
            batch.since.push(queued.since);
            batch.parcels.push(queued.parcel);
        }
        batch
    }

    /// Drops the parcels of `batch`, which was published with an unknown outcome, that are too old by now.
    pub(super) fn drop_aged(&self, batch: Batch, now: Instant) -> Batch {
        let mut fresh = Batch::default();
        for (parcel, since) in batch.parcels.into_iter().zip(batch.since) {
            if now.duration_since(since) > self.max_age {
                fresh.aged += 1;
            } else {
                fresh.parcels.push(parcel);
                fresh.since.push(since);
            }
        }
        fresh
    }

    /// Drops what is too old. Returns how many parcels.
    pub(super) fn drop_old(&mut self, now: Instant) -> u64 {
        let mut dropped = 0;
        while let Some(first) = self.queue.front()
            && now.duration_since(first.since) > self.max_age
            && let Some(queued) = self.pop()
        {
            self.keep_marks_of(&queued.parcel);
            dropped += 1;
        }
        dropped
    }

    /// A parcel of the queue is not published. If it contains marks, they are in the next ones.
    fn keep_marks_of(&mut self, parcel: &Parcel) {
        if parcel.topic.is_control()
            && let Ok(Received { message: Message::Marks { marks, .. }, .. }) =
                Received::decode(&parcel.bytes)
        {
            self.keep_marks(&marks);
        }
    }

    /// The marks of all topics that have changed since the last but one call.
    pub(super) fn marks(&mut self, now: Instant) -> Vec<Mark> {
        for topic in &self.changed {
            if let Some(sent) = self.topics.get_mut(topic) {
                sent.is_changed = false;
            }
        }
        let again = std::mem::replace(&mut self.marked, std::mem::take(&mut self.changed));
        self.marked.sort_unstable();
        let mut topics = again;
        topics.extend(&self.marked);
        topics.sort_unstable();
        topics.dedup();
        let marks = topics.into_iter().map(|topic| self.mark(topic)).collect();
        if self.topics.len() > MAX_IDLE_TOPICS
            && now.duration_since(self.forgot) > FORGET_AFTER / 10
        {
            self.forget_unchanged(Some(now));
        }
        marks
    }

    /// The marks of these topics were not published: they are in the next ones.
    pub(super) fn keep_marks(&mut self, marks: &[Mark]) {
        for mark in marks {
            if let Some(sent) = self.topics.get_mut(&mark.topic)
                && !std::mem::replace(&mut sent.is_changed, true)
            {
                self.changed.push(mark.topic);
            }
        }
    }

    pub(super) fn mark(&self, topic: TopicId) -> Mark {
        let sent = self.topics.get(&topic);
        let (number, count) = sent.map_or((0, 0), |sent| (sent.number, sent.count));
        Mark { topic, number, count }
    }

    /// Forgets topics that were marked twice since they changed: those that have not changed for
    /// [`FORGET_AFTER`] before `now`, or all.
    fn forget_unchanged(&mut self, now: Option<Instant>) {
        let marked = &self.marked;
        self.topics.retain(|topic, sent| {
            let is_recent = now.is_some_and(|now| now.duration_since(sent.at) < FORGET_AFTER);
            sent.is_changed || is_recent || marked.binary_search(topic).is_ok()
        });
        if let Some(now) = now {
            self.forgot = now;
        } else if self.topics.len() >= MAX_TOPICS {
            self.topics.clear();
            self.changed.clear();
            self.marked.clear();
        }
    }
}

fn size(parcel: &Parcel) -> usize {
    parcel.bytes.len() + parcel.topic.name().len() + size_of::<Queued>()
}
