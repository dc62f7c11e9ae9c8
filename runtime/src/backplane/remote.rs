//! One procedure on the other nodes, as its hub uses it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::health::add;
use super::node::{LocalProcedure, Node};
use super::parcel::{Answer, Ask, Content, Event, Message, Question, Received};
use super::topic::Topic;
use crate::rooms::{
    Answers, Audience, DeliveryPolicy, LatestKey, OutgoingEvent, Presence, Query, Remote,
    RoomMember,
};
use crate::socket_id::SocketId;
use crate::wire::Frame;

/// How long a confirmed join waits.
const CONFIRM_WITHIN: Duration = Duration::from_millis(500);

pub(super) struct RemoteProcedure {
    pub(super) node: Arc<Node>,
    pub(super) procedure: Arc<LocalProcedure>,
}

impl RemoteProcedure {
    pub(super) fn room_topic(&self, room: &str) -> Topic {
        self.node.names.room(&self.procedure.path, room)
    }

    /// The topics that an event for this audience is published on, each once.
    fn topics(&self, audience: &Audience, is_on_procedure: bool) -> Vec<Topic> {
        let all = is_on_procedure.then(|| self.procedure.topic.clone());
        let mut topics = Vec::from_iter(all);
        for room in audience.rooms() {
            let topic = self.room_topic(room);
            if !topics.iter().any(|it| it.id() == topic.id()) {
                topics.push(topic);
            }
        }
        topics
    }
}

impl Remote for RemoteProcedure {
    fn emit(
        &self,
        event: &OutgoingEvent,
        audience: &Audience,
        frame: &Frame,
        key: Option<LatestKey>,
        is_remote: &dyn Fn(SocketId) -> bool,
    ) {
        let node = &*self.node;
        if event.policy == DeliveryPolicy::Volatile && !node.is_up() {
            return add(&node.counts.volatile_dropped, 1);
        }
        let is_on_procedure = audience.has_all_or_socket(is_remote);
        // Before its topics are found: each is compared with all others.
        if audience.is_too_long() {
            if is_on_procedure || audience.rooms().next().is_some() {
                let (procedure, event) = (&*self.procedure.path, event.name);
                node.refuse(&node.logged.long_target, || {
                    tracing::error!(
                        procedure,
                        event,
                        "not sent to other nodes: the target of the event names more than 256 rooms and sockets; further ones are counted in `Health::counters`"
                    );
                });
            }
            return;
        }
        let mut topics = self.topics(audience, is_on_procedure);
        let Some(last) = topics.pop() else { return };
        let about = (&*self.procedure.path, event.name, event.digest);
        let encoded =
            Event::encode(node.id, about, key, is_on_procedure, audience, frame.as_bytes());
        let parcel = encoded.ok().filter(|parcel| parcel.len() <= node.max_parcel_size());
        let Some(parcel) = parcel else {
            let (procedure, event) = (&*self.procedure.path, event.name);
            let max = node.max_parcel_size();
            return node.refuse(&node.logged.large_event, || {
                tracing::error!(
                    procedure,
                    event,
                    max,
                    "not sent to other nodes: the event is too large; further ones are counted in `Health::counters`"
                );
            });
        };
        let mut copies: Vec<_> = topics.into_iter().map(|topic| (topic, parcel.clone())).collect();
        copies.push((last, parcel));
        node.publish_numbered(copies);
    }

    fn room_used(&self, room: &str) {
        self.node.use_topic(&self.room_topic(room));
    }

    fn room_unused(&self, room: &str) {
        self.node.release_topic(&self.room_topic(room));
    }

    fn confirm(&self, room: &str) -> BoxFuture<'_, bool> {
        let topic = self.room_topic(room);
        async move {
            let mut join = WaitingJoin::new(&self.node, topic);
            matches!(timeout(CONFIRM_WITHIN, &mut join.confirmed).await, Ok(Ok(())))
        }
        .boxed()
    }

    fn ask<'a>(&'a self, query: Query<'a>, within: Duration) -> BoxFuture<'a, Answers> {
        self.ask_all(query, within).boxed()
    }
}

/// A join that waits until its topic is confirmed, which is used meanwhile: the join of the first member of the room may
/// not have arrived yet.
struct WaitingJoin<'a> {
    node: &'a Node,
    topic: Topic,
    confirmed: oneshot::Receiver<()>,
}

impl<'a> WaitingJoin<'a> {
    fn new(node: &'a Node, topic: Topic) -> Self {
        let (confirmed, is_new) = node.subscriptions.lock().wait(&topic, Instant::now());
        if is_new {
            node.wanted.notify_one();
        }
        Self { node, topic, confirmed }
    }
}

impl Drop for WaitingJoin<'_> {
    fn drop(&mut self) {
        // Its task is not woken with the lock.
        self.confirmed.close();
        self.node.subscriptions.lock().end_wait(&self.topic, Instant::now());
    }
}

impl RemoteProcedure {
    async fn ask_all(&self, query: Query<'_>, within: Duration) -> Answers {
        let node = &*self.node;
        let procedure = &*self.procedure.path;
        let nodes = node.receiving.lock().peers.serving(procedure);
        if !node.is_up() {
            return Answers { missing: nodes, ..Answers::default() };
        }
        if nodes.is_empty() {
            return Answers { complete: true, ..Answers::default() };
        }
        let question = match query {
            Query::Members(room) => Question::Members { procedure, room },
            Query::Count(room) => Question::Count { procedure, room },
            Query::Presence(room) => Question::Presence { procedure, room },
            Query::Disconnect(audience) => {
                Question::Disconnect { procedure, audience: audience.clone() }
            }
        };
        let id = node.next_ask();
        let bytes = Ask { id, question }.encode(node.id).ok();
        let Some(bytes) = bytes.filter(|bytes| node.can_ask(bytes)) else {
            if matches!(query, Query::Disconnect(_)) {
                node.refuse(&node.logged.long_disconnect, || {
                    tracing::error!(
                        procedure,
                        "only sessions of this node are ended: the target of `disconnect` names more than 256 rooms and sockets, or is too large for the broker or for half of `ClusterOptions::max_queue_size`; further ones are counted in `Health::counters`"
                    );
                });
            }
            return Answers { missing: nodes, ..Answers::default() };
        };
        let Some(waiting) = node.asks.add(id, nodes.clone()) else {
            return Answers { missing: nodes, ..Answers::default() };
        };
        if matches!(query, Query::Disconnect(_)) {
            // Behind the events that were emitted before, which is certain on a control topic only.
            node.publish_in_order(node.names.nodes().clone(), bytes);
        } else if !node.publish_query(self.procedure.topic.clone(), bytes) {
            return Answers { missing: nodes, ..Answers::default() };
        }
        let outcome = waiting.outcome(within).await;
        let mut answers = Answers { complete: outcome.missing.is_empty(), ..Answers::default() };
        answers.missing = outcome.missing;
        for parcel in &outcome.answers {
            if let Ok(Received { message: Message::Answer(Answer { content, .. }), .. }) =
                Received::decode(parcel)
            {
                add_content(&mut answers, content);
            }
        }
        answers
    }
}

fn add_content(answers: &mut Answers, content: Content<'_>) {
    match content {
        Content::Members(members) => answers.members.extend(members),
        Content::Count(count) => answers.count = answers.count.saturating_add(count),
        Content::Presence(members) => {
            answers.presences.extend(members.into_iter().map(|(id, shown)| RoomMember {
                id,
                presence: Presence::from_json(shown.json),
                detached: shown.detached,
            }));
        }
        Content::Marks(_) => {}
    }
}
