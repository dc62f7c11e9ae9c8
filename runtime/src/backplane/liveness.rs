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
/// How often a probe is published in [`ANSWER_WITHIN`].
const WAITS: u32 = 3;

/// Returns when a probe is not received in time. A node that has too much to receive waits longer: a new link would
/// only add to that. A full inbox drops probes too, so another one follows every second, and any of them will do.
pub(super) async fn probe(node: &Node, backlog: &Backlog) -> LinkError {
    let mut every = interval(PROBE_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        node.state.lock().probes_sent.clear();
        let (mut is_back, mut was_long, mut waits) = (false, false, 0);
        while !is_back {
            send_probe(node);
            is_back = timeout(PROBE_EVERY, probe_is_back(node)).await.is_ok();
            was_long |= backlog.is_long();
            waits += 1;
            if !is_back && waits % WAITS == 0 {
                if !was_long || waits == WAITS * MAX_PERIODS {
                    return LinkError::new("a probe through the broker is not back within 3 s");
                }
                was_long = false;
            }
        }
    }
}

fn send_probe(node: &Node) {
    let mut state = node.state.lock();
    state.probe += 1;
    let probe = state.probe;
    state.probes_sent.push((probe, Instant::now()));
    drop(state);
    node.publish_probe(encode_probe(node.id, probe));
}

async fn probe_is_back(node: &Node) {
    while !node.state.lock().probes_sent.is_empty() {
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
