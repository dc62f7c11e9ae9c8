//! Keeps a node linked to its broker.
//!
//! | step | then |
//! | --- | --- |
//! | connect, within 2 s | else wait 50 ms to 2 s, and again, without end |
//! | subscribe to all topics, 1 000 at a time | events of others arrive from here on |
//! | say hello, and wait until all other nodes have a link to the same broker, at most 1 s | otherwise what is published first would be lost to those that are not back yet |
//! | publish once more what was published with an unknown outcome | receivers drop what they have |
//! | publish the queue | up |
//!
//! A probe on the node's own topic passes through both connections of a link every second. If it is not back within
//! 3 s, or the engine says so, the link is lost, and the steps begin again.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};

use super::engine::{Backplane, Link, LinkError, Parcel};
use super::health::add;
use super::inbox::{Backlog, Inbox};
use super::liveness::{ANSWER_WITHIN, beat, probe};
use super::node::{LinkState, Node};
use super::outgoing::{Batch, Outgoing};
use super::parcel::{MAX_LIST, encode_bye};
use super::random::fraction;
use super::receive::receive;
use super::topic::Topic;
use crate::session::Batched;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// The shortest wait before connecting again. It doubles with each failure.
const MIN_WAIT: Duration = Duration::from_millis(50);
const MAX_WAIT: Duration = Duration::from_secs(2);
/// How long the other nodes may take to be linked again.
const PEERS_WITHIN: Duration = Duration::from_secs(1);
/// A link that lasts for longer resets the wait before the next one.
const STEADY_AFTER: Duration = Duration::from_secs(4);
/// Parcels that are published together.
const MAX_BATCH: usize = 128;

/// Why a link is not used any more.
enum End {
    Lost(LinkError),
    Stopped,
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        Self::Lost(error)
    }
}

/// Links the node until `stop` is true. Then it publishes the rest of the queue, and a parcel that says that the node
/// ends.
pub(super) async fn supervise(
    node: Arc<Node>,
    engine: Arc<dyn Backplane>,
    mut stop: watch::Receiver<bool>,
) {
    let _ending = EndOnDrop(&node);
    let mut unconfirmed = Batch::default();
    let mut failures = 0;
    let mut has_warned = false;
    loop {
        let (inbox, deliveries) = Inbox::channel();
        let backlog = inbox.backlog();
        let connecting = catch_panic(async { engine.connect(inbox).await });
        let connected = tokio::select! {
            biased;
            () = is_stopped(&mut stop) => break,
            connected = timeout(CONNECT_WITHIN, connecting) => connected,
        };
        let error = match connected {
            Ok(Ok(link)) => {
                let receiving = Batched::new(receive(Arc::clone(&node), deliveries));
                let receiver = tokio::spawn(receiving);
                let abort = AbortOnDrop(receiver.abort_handle());
                let since = Instant::now();
                let serving = async {
                    node.set_max_parcel_size(engine.max_parcel_size());
                    Ok(serve_link(&node, &*link, &backlog, &mut unconfirmed, &mut stop).await)
                };
                let end = catch_panic(serving).await.unwrap_or_else(End::Lost);
                let dropping = async {
                    drop(link);
                    Ok(())
                };
                let _ = catch_panic(dropping).await;
                drop(abort);
                // Otherwise it could deliver after the receiver of the next link.
                let _ = receiver.await;
                node.subscriptions.lock().reset();
                match end {
                    End::Stopped => break,
                    End::Lost(error) => {
                        add(&node.counts.links_lost, u64::from(node.is_up()));
                        // A link that is lost at once each time is no reason to connect at once each time.
                        if since.elapsed() > STEADY_AFTER {
                            (failures, has_warned) = (0, false);
                        }
                        error
                    }
                }
            }
            Ok(Err(error)) => error,
            Err(_) => LinkError::new("the broker does not accept a connection within 2 s"),
        };
        if !std::mem::replace(&mut has_warned, true) {
            tracing::warn!(node = %node.id, %error, "no link to the broker: events reach the clients of this node only");
        }
        let since = Instant::now();
        node.set_down(since, &error);
        tokio::select! {
            biased;
            () = is_stopped(&mut stop) => break,
            () = sleep(wait(failures)) => {}
        }
        failures += 1;
    }
}

/// Ends a node with its supervisor, which is aborted when its router is dropped: handles of its procedures may be used
/// for longer.
struct EndOnDrop<'a>(&'a Node);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        let Self(node) = self;
        node.set_link(LinkState::Stopped);
        let waiting = node.with_outgoing(Outgoing::end);
        drop(waiting);
        node.subscriptions.lock().reset();
    }
}

/// Code of an engine that panics ends its link, and not the node. It is called within the future, which catches
/// a panic before the first `await`, too.
async fn catch_panic<T>(code: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    let panicked = |_| LinkError::new("the engine of the backplane has panicked");
    AssertUnwindSafe(code).catch_unwind().await.map_err(panicked)?
}

/// Half of the wait is random, so that the nodes of a cluster do not connect at once.
fn wait(failures: u32) -> Duration {
    let longest = MIN_WAIT.saturating_mul(2_u32.saturating_pow(failures)).min(MAX_WAIT);
    longest.mul_f64(0.5 + fraction() / 2.0)
}

async fn is_stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // The router was dropped: the task is aborted.
        pending::<()>().await;
    }
}

async fn serve_link(
    node: &Node,
    link: &dyn Link,
    backlog: &Backlog,
    unconfirmed: &mut Batch,
    stop: &mut watch::Receiver<bool>,
) -> End {
    tokio::select! {
        biased;
        error = link.lost() => error.into(),
        end = async {
            if let Err(error) = begin(node, link).await {
                return error.into();
            }
            tracing::info!(node = %node.id, "linked to the broker");
            node.set_link(LinkState::Up);
            tokio::select! {
                biased;
                end = publish(node, link, unconfirmed, stop) => end,
                error = subscribe(node, link) => error.into(),
                error = probe(node, backlog) => error.into(),
                () = beat(node) => End::Stopped,
            }
        } => end,
    }
}

/// Subscribes to everything, and waits for the other nodes.
async fn begin(node: &Node, link: &dyn Link) -> Result<(), LinkError> {
    node.state.lock().incarnation = link.incarnation();
    let control = [node.own_topic.clone(), node.names.nodes().clone()];
    // Those that were left without a link.
    let topics = node.subscriptions.lock().ids();
    node.receiving.lock().positions.retain(&topics);
    within(link.subscribe(&control)).await?;
    subscribe_wanted(node, link).await?;
    node.receiving.lock().peers.excuse(Instant::now());
    if let Some(bytes) = node.hello(true) {
        let hello = Parcel { topic: node.names.nodes().clone(), bytes: bytes.into() };
        within(link.publish(&[node.sign(hello)])).await?;
    }
    let incarnation = link.incarnation();
    let peers_are_back = async {
        while !node.receiving.lock().peers.are_all_at(incarnation) {
            node.greeted.notified().await;
        }
    };
    // After this time they are slow or have other brokers of one cluster.
    let _ = timeout(PEERS_WITHIN, peers_are_back).await;
    Ok(())
}

async fn within<T>(answer: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    let late = |_| LinkError::new("the broker does not answer within 3 s");
    timeout(ANSWER_WITHIN, answer).await.map_err(late)?
}

async fn subscribe_wanted(node: &Node, link: &dyn Link) -> Result<(), LinkError> {
    loop {
        let topics = node.subscriptions.lock().take_wanted(MAX_LIST);
        if topics.is_empty() {
            return Ok(());
        }
        node.begin_receiving(&topics);
        within(link.subscribe(&topics)).await?;
        // In this order: a node that appears between the two is asked for these topics when it is greeted.
        let asked = node.subscriptions.lock().subscribed(&topics);
        let nodes = node.receiving.lock().peers.alive().collect();
        node.ask_for_presence_on(&asked);
        node.ask_for_marks(asked, nodes, true);
    }
}

/// Subscribes to topics when rooms are used, and unsubscribes from those that are not.
async fn subscribe(node: &Node, link: &dyn Link) -> LinkError {
    loop {
        if let Err(error) = subscribe_wanted(node, link).await {
            return error;
        }
        let unused = node.subscriptions.lock().take_unused(MAX_LIST, Instant::now());
        if !unused.is_empty() {
            node.end_receiving(&unused);
            if let Err(error) = within(link.unsubscribe(&unused)).await {
                return error;
            }
            continue;
        }
        let next = node.subscriptions.lock().next_unused();
        tokio::select! {
            biased;
            () = node.wanted.notified() => {}
            () = sleep_until(next) => {}
        }
    }
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        // A topic becomes unused without a wake-up.
        None => sleep(Duration::from_secs(1)).await,
    }
}

/// Publishes the queue. When the node is stopped, it ends after the rest of the queue.
async fn publish(
    node: &Node,
    link: &dyn Link,
    unconfirmed: &mut Batch,
    stop: &mut watch::Receiver<bool>,
) -> End {
    if !unconfirmed.parcels.is_empty() {
        let batch = std::mem::take(unconfirmed);
        let again = node.with_outgoing(|outgoing| outgoing.drop_aged(batch, Instant::now()));
        add(&node.counts.aged, again.aged);
        add(&node.counts.resent, again.parcels.len() as u64);
        // If this fails as well, what did not arrive is lost, and counted by those that it was for.
        if let Err(error) = link.publish(&again.parcels).await {
            return error.into();
        }
    }
    let mut has_said_bye = false;
    loop {
        let mut batch = node.with_outgoing(|outgoing| outgoing.take(MAX_BATCH, Instant::now()));
        add(&node.counts.aged, batch.aged);
        if batch.parcels.is_empty() {
            if batch.aged > 0 {
                continue;
            }
            if has_said_bye {
                return End::Stopped;
            }
            tokio::select! {
                biased;
                () = node.queued.notified() => {}
                () = is_stopped(stop) => {
                    node.publish_marks();
                    node.publish_in_order(node.names.nodes().clone(), encode_bye(node.id));
                    node.with_outgoing(Outgoing::close);
                    has_said_bye = true;
                }
            }
            continue;
        }
        for parcel in &mut batch.parcels {
            *parcel = node.sign(parcel.clone());
        }
        *unconfirmed = batch;
        if let Err(error) = link.publish(&unconfirmed.parcels).await {
            return error.into();
        }
        let is_full = unconfirmed.parcels.len() == MAX_BATCH;
        *unconfirmed = Batch::default();
        if is_full {
            // Subscriptions, probes and heartbeats run beside a queue that does not become empty.
            yield_now().await;
        }
    }
}

impl Node {
    fn set_down(&self, since: Instant, error: &LinkError) {
        let previous = match &self.state.lock().link {
            LinkState::Down { since, .. } => Some(*since),
            LinkState::Up | LinkState::Stopped => None,
        };
        let since = previous.unwrap_or(since);
        self.set_link(LinkState::Down { since, reason: Arc::clone(error.reason()) });
    }

    /// Parcels of these topics may arrive.
    fn begin_receiving(&self, topics: &[Topic]) {
        let mut receiving = self.receiving.lock();
        for topic in topics {
            receiving.positions.subscribe(topic.id());
        }
    }

    /// No parcels of these topics are expected any more.
    fn end_receiving(&self, topics: &[Topic]) {
        let mut receiving = self.receiving.lock();
        for topic in topics {
            receiving.positions.unsubscribe(topic.id());
        }
    }

    fn sign(&self, parcel: Parcel) -> Parcel {
        match &self.signer {
            Some(signer) => Parcel { bytes: signer.sign(&parcel.bytes), ..parcel },
            None => parcel,
        }
    }
}

/// Aborts a task when it is dropped.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
