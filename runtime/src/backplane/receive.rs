//! What this node does with the parcels that arrive.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::answer::answer;
use super::health::add;
use super::inbox::Deliveries;
use super::node::Node;
use super::parcel::{
    Answer, Ask, Bad, Content, Event, Hello, MAX_LIST, Message, Question, Received, encode_marks,
    is_probe, origin,
};
use super::peers::Contact;
use super::positions::{Mark, Position, Verdict};
use super::subscriptions::MarksAsk;
use super::topic::TopicId;
use crate::node_id::NodeId;
use crate::rooms::{DeliveryPolicy, OutgoingEvent};
use crate::session::{PushPolicy, flush};
use crate::wire::Frame;

/// Parcels that are received before the members that they are delivered to are flushed.
const MAX_BATCH: usize = 128;

/// Asks for marks that wait, each for at most 1 000 topics: 64 MiB. With more, a node that returns is not asked,
/// and its next parcel or mark on each topic tells what did not arrive.
const MAX_ASKS: usize = 4096;

/// Receives what a link delivers, until the link is dropped.
pub(super) async fn receive(node: Arc<Node>, mut deliveries: Deliveries) {
    let mut parcels = Vec::with_capacity(MAX_BATCH);
    while deliveries.receive(&mut parcels, MAX_BATCH).await {
        node.remove_lost_nodes();
        for parcel in parcels.drain(..) {
            node.receive(parcel);
        }
        add(&node.counts.inbox_overflowed, deliveries.take_dropped());
        flush().await;
    }
}

impl Node {
    fn receive(&self, parcel: Bytes) {
        let verified = match &self.signer {
            Some(signer) => signer.verify(&parcel),
            None => Some(parcel),
        };
        let Some(parcel) = verified else { return add(&self.counts.bad_signature, 1) };
        if origin(&parcel) == Some(self.id) && !is_probe(&parcel) {
            return;
        }
        match Received::decode(&parcel) {
            Ok(Received { node, message: Message::Probe(probe) }) if node == self.id => {
                self.receive_probe(probe);
            }
            Ok(Received { node, message }) => self.receive_from(node, message, &parcel),
            Err(Bad::Version) => add(&self.counts.bad_version, 1),
            Err(Bad::Malformed) => add(&self.counts.bad_format, 1),
        }
    }

    fn receive_probe(&self, probe: u64) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let found = state.probes_sent.iter().find(|(number, _)| *number == probe);
        if let Some((_, sent)) = found.copied() {
            state.probes_sent.clear();
            state.probe_received = Some((now, now.duration_since(sent)));
            drop(state);
            self.probed.notify_one();
        }
    }

    fn receive_from(&self, node: NodeId, message: Message<'_>, parcel: &Bytes) {
        if matches!(message, Message::Bye) {
            return self.remove_peer(node);
        }
        let contact = self.receiving.lock().peers.seen(node, Instant::now());
        match contact {
            Contact::Refused => return add(&self.counts.too_many_nodes, 1),
            // Its hello follows.
            Contact::New => self.greet(node, &message),
            Contact::Back => {
                // Before anything that it says now.
                self.remove_lost_nodes();
                self.greet(node, &message);
                if !matches!(message, Message::Hello(Hello { wants_answer: true, .. })) {
                    self.ask_for_presence_of(node);
                }
            }
            Contact::Known => {}
        }
        match message {
            Message::Event(position, event) => self.receive_event(node, position, event),
            Message::Presence(position, update) => {
                self.receive_presence(node, position, update);
            }
            Message::Marks { incarnation, marks } => {
                self.receiving.lock().peers.set_incarnation(node, incarnation);
                self.greeted.notify_one();
                self.receive_marks(node, &marks);
            }
            Message::Hello(hello) => self.receive_hello(node, &hello),
            Message::Ask(Ask { id, question: Question::Marks(topics) }) => {
                self.answer_marks(node, id, &topics);
            }
            Message::Ask(ask) => answer(self, node, ask),
            Message::Answer(Answer { id, content: Content::Marks(marks), .. }) => {
                self.receive_marks(node, &marks);
                let joins = self.subscriptions.lock().answered(id, node);
                joins.complete();
            }
            Message::Answer(Answer { id, page, is_last, .. }) => {
                self.asks.answer(id, node, page, parcel, is_last);
            }
            Message::Bye | Message::Probe(_) => {}
        }
    }

    /// A node is new, or is back. Its marks tell what did not arrive meanwhile.
    fn greet(&self, node: NodeId, message: &Message<'_>) {
        match message {
            // It has published nothing yet.
            Message::Hello(Hello { number: 0, .. }) => {
                self.receiving.lock().positions.begin(node);
            }
            // Asked for with the hello.
            Message::Hello(Hello { wants_answer: true, .. }) => {}
            _ => self.ask_for_all_marks(node),
        }
        if !matches!(message, Message::Hello(_))
            && let Some(hello) = self.hello(true)
        {
            self.publish_first(self.names.node(node), hello);
        }
    }

    /// Says hello to nodes whose own hello was lost.
    pub(super) fn repeat_hello(&self) {
        let nodes = self.receiving.lock().peers.unknown();
        for node in nodes {
            if let Some(hello) = self.hello(true) {
                self.publish_first(self.names.node(node), hello);
            }
        }
    }

    /// Asks one node for the marks of all topics.
    fn ask_for_all_marks(&self, node: NodeId) {
        let topics = self.subscriptions.lock().confirmed_for(node);
        for topics in topics.chunks(MAX_LIST) {
            if self.subscriptions.lock().asks() >= MAX_ASKS {
                return;
            }
            self.ask_for_marks(topics.to_vec(), vec![node], false);
        }
    }

    /// Asks nodes for the marks of topics, which tell what this node did not get.
    /// `confirms`: the topics are confirmed when all nodes have answered.
    pub(super) fn ask_for_marks(&self, topics: Vec<TopicId>, nodes: Vec<NodeId>, confirms: bool) {
        let ask = MarksAsk { id: self.next_ask(), topics, nodes, confirms };
        let joins = self.subscriptions.lock().ask(&ask, Instant::now());
        joins.complete();
        self.publish_ask(ask);
    }

    fn publish_ask(&self, ask: MarksAsk) {
        let MarksAsk { id, topics, nodes, .. } = ask;
        let Ok(bytes) = (Ask { id, question: Question::Marks(topics) }).encode(self.id) else {
            return;
        };
        for node in nodes {
            self.publish_first(self.names.node(node), bytes.clone());
        }
    }

    /// Repeats the asks for marks that were not answered.
    pub(super) fn repeat_asks(&self) {
        let alive: BTreeSet<NodeId> = self.receiving.lock().peers.alive().collect();
        let (unanswered, joins) = self.subscriptions.lock().unanswered(Instant::now(), &alive);
        joins.complete();
        for ask in unanswered {
            // The others are repeated later: what cannot be published in time displaces other parcels.
            if self.with_outgoing(|outgoing| outgoing.has_control_space()) {
                self.publish_ask(ask);
            }
        }
    }

    fn receive_event(&self, node: NodeId, position: Position, event: Event<'_>) {
        let rooms = event.audience.rooms().map(|room| self.names.room(event.procedure, room).id());
        // An event on one topic has no copies.
        let topics: Vec<TopicId> = if event.audience.may_overlap() {
            let all = event.is_on_procedure.then(|| self.names.procedure(event.procedure).id());
            rooms.chain(all).collect()
        } else {
            Vec::new()
        };
        let verdict = self.receiving.lock().positions.receive(node, position, &topics);
        match verdict {
            Verdict::Deliver { lost } => {
                self.report_lost(position.topic, node, lost);
                self.deliver(node, &event);
            }
            Verdict::Copy { lost } => self.report_lost(position.topic, node, lost),
            Verdict::Duplicate => add(&self.counts.duplicates, 1),
            Verdict::Malformed => add(&self.counts.bad_format, 1),
            Verdict::Unsubscribed => {}
        }
    }

    fn deliver(&self, node: NodeId, event: &Event<'_>) {
        let Some(procedure) = self.procedure(event.procedure) else {
            return add(&self.counts.unknown_procedure, 1);
        };
        let Some(hub) = procedure.hub.upgrade() else { return };
        let outgoing = procedure.events.get(event.name);
        let Some(outgoing) = outgoing.and_then(|index| hub.outgoing_events.get(*index)) else {
            self.warn_of(node, &procedure.path, event.name, "is not in the contract of this node");
            return add(&self.counts.unknown_event, 1);
        };
        if outgoing.digest != event.digest {
            self.warn_of(
                node,
                &procedure.path,
                event.name,
                "has other fields in the contract of this node",
            );
            return add(&self.counts.different_event, 1);
        }
        let Some(frame) = Frame::checked(event.frame, &outgoing.json_prefix) else {
            return add(&self.counts.bad_format, 1);
        };
        let policy = push_policy(outgoing, event);
        match hub.deliver(&event.audience, outgoing, &frame, policy) {
            Ok(()) => add(&self.counts.received, 1),
            Err(_) => add(&self.counts.too_large, 1),
        }
    }

    /// Logs the first mismatch with the contract of a node.
    fn warn_of(&self, node: NodeId, procedure: &str, event: &str, problem: &str) {
        if self.receiving.lock().peers.warn(node) {
            tracing::warn!(
                %node, procedure, event,
                "events of another node are dropped: this one {problem}; do all nodes run the same version, and is `ClusterOptions::prefix` that of one cluster?"
            );
        }
    }

    fn receive_marks(&self, node: NodeId, marks: &[Mark]) {
        let mut topics = Vec::new();
        for mark in marks {
            let lost = self.receiving.lock().positions.mark(node, *mark);
            match lost {
                None => add(&self.counts.bad_format, 1),
                Some(0) => {}
                Some(lost) => {
                    self.count_lost(mark.topic, node, lost);
                    topics.push(mark.topic);
                }
            }
        }
        self.ask_for_lost_presence(node, topics);
    }

    fn receive_hello(&self, node: NodeId, hello: &Hello<'_>) {
        let paths = hello.procedures.iter().map(|(path, _)| *path);
        let is_new = self.receiving.lock().peers.hello(node, hello.incarnation, paths);
        self.greeted.notify_one();
        for (path, events) in &hello.procedures {
            let Some(procedure) = self.procedure(path) else { continue };
            let Some(hub) = procedure.hub.upgrade() else { continue };
            for (name, digest) in events {
                let known = procedure.events.get(name);
                let known = known.and_then(|index| hub.outgoing_events.get(*index));
                match known {
                    None => self.warn_of(node, path, name, "is not in the contract of this node"),
                    Some(event) if event.digest != *digest => {
                        self.warn_of(
                            node,
                            path,
                            name,
                            "has other fields in the contract of this node",
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        if hello.wants_answer && hello.number > 0 {
            // Its link was lost, and maybe its last marks.
            self.ask_for_all_marks(node);
        }
        if hello.wants_answer || is_new {
            self.ask_for_presence_of(node);
        }
        if hello.wants_answer
            && let Some(answer) = self.hello(false)
        {
            self.publish_first(self.names.node(node), answer);
        }
    }

    /// Answers behind all events that wait: the marks are right when they arrive.
    fn answer_marks(&self, node: NodeId, id: u64, topics: &[TopicId]) {
        let marks = self
            .with_outgoing(|outgoing| topics.iter().map(|topic| outgoing.mark(*topic)).collect());
        let answer = Answer { id, page: 0, is_last: true, content: Content::Marks(marks) };
        // Without space it is not answered: answers never displace events, and the other node asks again.
        if let Ok(bytes) = answer.encode(self.id)
            && self.with_outgoing(|outgoing| outgoing.has_space(bytes.len()))
        {
            self.publish_in_order(self.names.node(node), bytes);
        }
    }

    /// Publishes the marks of the topics that have changed, which also show that this node is alive.
    pub(super) fn publish_marks(&self) {
        let now = Instant::now();
        let incarnation = self.state.lock().incarnation;
        let marks = self.with_outgoing(|outgoing| outgoing.marks(now));
        let lists = marks.chunks(MAX_LIST);
        // Without marks it is a heartbeat.
        let empty = marks.is_empty().then_some(&[][..]);
        for marks in lists.chain(empty) {
            let Ok(bytes) = encode_marks(self.id, incarnation, marks) else { continue };
            // Marks never displace events. The first ones are also a heartbeat.
            let has_space = self.with_outgoing(|outgoing| {
                let has_space = marks.is_empty() || outgoing.has_space(bytes.len());
                if !has_space {
                    outgoing.keep_marks(marks);
                }
                has_space
            });
            if has_space {
                self.publish_in_order(self.names.nodes().clone(), bytes);
            }
        }
    }

    /// A node has ended, with its sessions.
    fn remove_peer(&self, node: NodeId) {
        let mut receiving = self.receiving.lock();
        let was_known = receiving.peers.remove(node);
        if was_known {
            receiving.positions.forget(node);
            receiving.lost.push(node);
        }
        drop(receiving);
        if was_known {
            self.peer_lost(node);
            self.remove_lost_nodes();
            self.peer_forgotten(node);
        }
    }

    /// Nothing waits for a node any more.
    pub(super) fn peer_lost(&self, node: NodeId) {
        self.asks.node_lost(node);
        let joins = self.subscriptions.lock().node_lost(node);
        joins.complete();
        self.greeted.notify_one();
    }
}

fn push_policy(outgoing: &OutgoingEvent, event: &Event<'_>) -> PushPolicy {
    match (outgoing.policy, event.key) {
        (DeliveryPolicy::Volatile, _) => PushPolicy::Volatile,
        (DeliveryPolicy::Latest, Some(key)) => PushPolicy::Latest(key.in_this_process()),
        (DeliveryPolicy::Reliable | DeliveryPolicy::Latest, _) => PushPolicy::Reliable,
    }
}
