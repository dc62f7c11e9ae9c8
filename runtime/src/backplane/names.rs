use std::sync::Arc;

use super::engine::Layout;
use super::topic::{Topic, TopicId};
use crate::node_id::NodeId;

/// The names of the topics of one cluster.
pub(super) struct Names {
    prefix: Box<str>,
    buckets: Option<Box<[Topic]>>,
    /// What is for all nodes: marks, hellos, asks.
    nodes: Topic,
}

impl Names {
    pub(super) fn new(prefix: &str, layout: Layout) -> Self {
        let bucket = |bucket: u16| Topic::new(format!("{prefix}:b:{bucket}"));
        Self {
            buckets: match layout {
                Layout::PerRoom => None,
                Layout::Buckets(count) => Some((0..count.max(1)).map(bucket).collect()),
            },
            nodes: Topic::control(format!("{prefix}:nodes")),
            prefix: prefix.into(),
        }
    }

    pub(super) fn nodes(&self) -> &Topic {
        &self.nodes
    }

    /// What is for one node.
    pub(super) fn node(&self, node: NodeId) -> Topic {
        Topic::control(format!("{}:n:{node}", self.prefix))
    }

    /// What is for everyone in a procedure, and for sockets.
    pub(super) fn procedure(&self, path: &str) -> Topic {
        Topic::new(format!("{}:all:{path}", self.prefix))
    }

    /// What is for the members of a room.
    pub(super) fn room(&self, procedure: &str, room: &str) -> Topic {
        let name = format!("{}:r:{procedure}:{room}", self.prefix);
        let Some(buckets) = &self.buckets else { return Topic::new(name) };
        let TopicId([first, second, ..]) = TopicId::new(&name);
        let bucket = usize::from(u16::from_be_bytes([first, second])) % buckets.len();
        buckets.get(bucket).unwrap_or(&self.nodes).clone()
    }
}

/// The name of a topic, for reports of losses.
pub(super) fn reported(topic: Option<Topic>) -> Arc<str> {
    topic.map_or_else(|| "".into(), |topic| topic.name().into())
}
