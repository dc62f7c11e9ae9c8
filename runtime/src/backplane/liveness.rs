//! Whether the link of a node passes parcels, and which other nodes are alive.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::engine::LinkError;
use super::inbox::Backlog;
use super::node::Node;
use super::parcel::encode_probe;
use super::peers::HEARTBEAT;
use crate::rooms::Gap;

/// How long the broker may take to confirm subscriptions, or to return a probe.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How often that time may pass while there is a long backlog.
const MAX_PERIODS: u32 = 5;
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Returns when a probe is not received in time. A node that has too much to receive waits longer: a new link would
/// only add to that.
pub(super) async fn probe(node: &Node, backlog: &Backlog) -> LinkError {
    let mut every = interval(PROBE_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let probe = {
            let mut state = node.state.lock();
            state.probe += 1;
            state.probe_sent = Some(Instant::now());
            state.probe
        };
        node.publish_probe(encode_probe(node.id, probe));
        let mut periods = 0;
        while timeout(ANSWER_WITHIN, is_back(node)).await.is_err() {
            periods += 1;
            if !backlog.is_long() || periods == MAX_PERIODS {
                return LinkError::new("a probe through the broker is not back within 3 s");
            }
        }
    }
}

async fn is_back(node: &Node) {
    while node.state.lock().probe_sent.is_some() {
        node.probed.notified().await;
    }
}

/// Shows the others that this node is alive, and finds those that are not.
pub(super) async fn beat(node: &Node) {
    let mut every = interval(HEARTBEAT);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        node.publish_marks();
        node.repeat_hello();
        node.repeat_asks();
        node.repeat_presence_asks();
        let mut receiving = node.receiving.lock();
        let expired = receiving.peers.expire(Instant::now());
        receiving.lost.extend(&expired.dead);
        for peer in &expired.forgotten {
            receiving.positions.forget(*peer);
        }
        drop(receiving);
        for peer in &expired.forgotten {
            node.peer_forgotten(*peer);
        }
        for peer in expired.dead {
            tracing::warn!(node = %node.id, peer = %peer, "another node is silent for 6 s");
            node.peer_lost(peer);
            node.report(&Gap::OriginLost { node: peer });
        }
    }
}
