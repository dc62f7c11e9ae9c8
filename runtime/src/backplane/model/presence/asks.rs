//! An ask that runs, and what its answer must be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::steps::{Ask, Question, ROOMS};
use crate::backplane::tests::fixture::ModelContract;
use crate::backplane::{ClusterAnswer, NodeId};
use crate::handle::Io;
use crate::socket_id::SocketId;

/// What each node shows in a room.
pub(super) type Shown = BTreeMap<NodeId, BTreeMap<SocketId, Option<u64>>>;

/// The state of all nodes when an ask begins.
pub(super) struct Before {
    pub(super) asking: NodeId,
    pub(super) room: Shown,
    /// The other nodes that the asking one counts as alive.
    pub(super) known: BTreeSet<NodeId>,
    pub(super) is_up: bool,
    /// No fault is active, and none was for a while.
    pub(super) is_quiet: bool,
    /// Nodes that have ended.
    pub(super) ended: BTreeSet<NodeId>,
    /// Counts each change of members and nodes, and each fault.
    pub(super) epoch: u64,
}

pub(super) struct RunningAsk {
    ask: Ask,
    before: Before,
    begun: Instant,
    task: JoinHandle<Option<Ended>>,
}

struct Ended {
    at: Instant,
    epoch: u64,
    answer: Value,
    missing: BTreeSet<NodeId>,
    complete: bool,
}

enum Value {
    Count(usize),
    Members(Vec<SocketId>),
    Presence(Vec<(SocketId, u64)>),
}

/// What was proved about an ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It ended within its bound, with the members here.
    Ended,
    /// It was complete, and equals the members of all nodes.
    Right,
    /// A node that had ended was missing.
    Missing,
    /// The link was down, and it ended at once.
    Local,
    /// The caller had gone away.
    Dropped,
}

impl RunningAsk {
    pub(super) fn begin(
        io: &Io<ModelContract>,
        ask: Ask,
        before: Before,
        epoch: &Arc<AtomicU64>,
    ) -> Self {
        let within = Duration::from_millis(ask.within);
        let mut asking = call(io, ask, within);
        // The members here are those of this moment.
        let first = (&mut asking).now_or_never();
        let epoch = Arc::clone(epoch);
        let task = async move {
            let (answer, missing, complete) = match (first, ask.drop_after) {
                (Some(answer), _) => answer,
                (None, None) => asking.await,
                (None, Some(after)) => timeout(Duration::from_millis(after), asking).await.ok()?,
            };
            let epoch = epoch.load(Ordering::Relaxed);
            Some(Ended { at: Instant::now(), epoch, answer, missing, complete })
        };
        Self { ask, before, begun: Instant::now(), task: tokio::spawn(task) }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    pub(super) async fn check(self) -> Result<Proof, String> {
        let Self { ask, before, begun, task } = self;
        // The clock is paused: a task that never ends would let this end after an hour at once.
        let Ok(ended) = timeout(Duration::from_secs(3600), task).await else {
            return Err(format!("{ask:?} does not end"));
        };
        let Some(ended) = ended.map_err(|error| error.to_string())? else {
            return Ok(Proof::Dropped);
        };
        let fail = |what: &str| {
            let Ended { missing, complete, .. } = &ended;
            let value = ended.answer.describe();
            Err(format!(
                "{what}: {ask:?} at {} is {value}, missing {missing:?}, complete {complete}; members {:?}, known {:?}",
                before.asking, before.room, before.known
            ))
        };
        // A timer may be late by a millisecond.
        if ended.at - begun > Duration::from_millis(ask.within + 2) {
            return fail("too late");
        }
        if ended.complete != (ended.missing.is_empty() && (before.is_up || ended.complete)) {
            return fail("complete with missing nodes");
        }
        let is_disconnect = ask.question == Question::Disconnect;
        let here = &before.room[&before.asking];
        if !ended.answer.contains(ask.question, here) {
            return fail("without the members of this node");
        }
        if !before.is_up {
            let is_local = ended.at == begun && !ended.complete;
            return if is_local { Ok(Proof::Local) } else { fail("not at once without a link") };
        }
        let died: Vec<_> = before.known.intersection(&before.ended).collect();
        if !died.iter().all(|node| ended.missing.contains(node)) {
            return fail("without a node that has ended");
        }
        if before.is_quiet && !ended.complete && ask.within >= 50 && before.epoch == ended.epoch {
            return fail("not complete without a fault");
        }
        if before.epoch == ended.epoch && !is_disconnect {
            let asked = before.room.iter().filter(|(node, _)| {
                **node == before.asking
                    || (before.known.contains(node) && !ended.missing.contains(node))
            });
            let members = asked.flat_map(|(_, members)| members.clone()).collect();
            // A page more of a node that counts as missing may have arrived.
            let is_right = if ended.complete {
                ended.answer.equals(ask.question, &members)
            } else {
                ended.answer.contains(ask.question, &members)
            };
            if !is_right {
                return fail("not the members of the nodes that have answered");
            }
            if ended.complete && before.known.len() + 1 == before.room.len() {
                return Ok(Proof::Right);
            }
        }
        Ok(if died.is_empty() { Proof::Ended } else { Proof::Missing })
    }
}

type Answered = (Value, BTreeSet<NodeId>, bool);

fn call(io: &Io<ModelContract>, ask: Ask, within: Duration) -> BoxFuture<'static, Answered> {
    let (asking, room) = (io.ask().within(within), ROOMS[ask.room]);
    match ask.question {
        Question::Members => async move {
            let ClusterAnswer { value, missing, complete } = asking.members(room).await;
            (Value::Members(value), missing.into_iter().collect(), complete)
        }
        .boxed(),
        Question::Count => async move {
            let ClusterAnswer { value, missing, complete } = asking.count(room).await;
            (Value::Count(value), missing.into_iter().collect(), complete)
        }
        .boxed(),
        Question::Presence => async move {
            let answer = asking.presence::<u64>(room).await.expect("numbers");
            let ClusterAnswer { value, missing, complete } = answer;
            let members = value.into_iter().map(|member| (member.id, member.presence)).collect();
            (Value::Presence(members), missing.into_iter().collect(), complete)
        }
        .boxed(),
        Question::Disconnect => async move {
            let ClusterAnswer { value, missing, complete } = asking.disconnect(room).await;
            (Value::Count(value), missing.into_iter().collect(), complete)
        }
        .boxed(),
    }
}

impl Value {
    fn describe(&self) -> String {
        match self {
            Self::Count(count) => format!("{count}"),
            Self::Members(members) => format!("{members:?}"),
            Self::Presence(members) => format!("{members:?}"),
        }
    }

    fn contains(&self, question: Question, members: &BTreeMap<SocketId, Option<u64>>) -> bool {
        match self {
            Self::Count(count) => *count >= members.len(),
            Self::Members(found) => members.keys().all(|id| found.contains(id)),
            Self::Presence(found) => {
                debug_assert_eq!(question, Question::Presence);
                let mut shown = members.iter().filter_map(|(id, value)| Some((*id, (*value)?)));
                shown.all(|member| found.contains(&member))
            }
        }
    }

    /// The same members, each once.
    fn equals(&self, question: Question, members: &BTreeMap<SocketId, Option<u64>>) -> bool {
        let shown = members.values().flatten().count();
        let length = match self {
            Self::Count(count) => *count == members.len(),
            Self::Members(found) => found.len() == members.len(),
            Self::Presence(found) => found.len() == shown,
        };
        length && self.contains(question, members)
    }
}
