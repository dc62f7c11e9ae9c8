//! Each wait ends after its bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use tokio::time::sleep;

use super::fixture::{PATH, TestNode, hub, runtime, timed, two_nodes};
use crate::backplane::liveness::probe;
use crate::backplane::node::Node;
use crate::backplane::peers::{Contact, Peers};
use crate::backplane::{
    Backplane, Cluster, ClusterOptions, Inbox, Layout, Link, LinkError, Memory, NodeId, Status,
};

const MOMENT: Duration = Duration::from_millis(5);

/// A broker that accepts no connection, or refuses each.
struct Unreachable {
    attempts: Arc<AtomicUsize>,
    refuses: bool,
}

impl Backplane for Unreachable {
    fn layout(&self) -> Layout {
        Layout::PerRoom
    }

    fn connect(&self, _: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if self.refuses {
            async { Err(LinkError::new("refused")) }.boxed()
        } else {
            pending().boxed()
        }
    }
}

fn unreachable(refuses: bool) -> (Cluster, Arc<AtomicUsize>) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let engine = Unreachable { attempts: Arc::clone(&attempts), refuses };
    let cluster = Cluster::new(Arc::new(engine), ClusterOptions::default());
    cluster.start([(PATH, &hub())].into_iter());
    (cluster, attempts)
}

fn reason(node: &TestNode) -> Option<String> {
    match node.health().status {
        Status::Down { reason, .. } => Some(reason.to_string()),
        Status::Up | Status::Stopped => None,
    }
}

#[test]
fn attempt_to_connect_ends_after_2_s() {
    runtime().block_on(async {
        let (cluster, attempts) = unreachable(false);
        let reason = || format!("{:?}", cluster.health().expect("started").status);
        sleep(Duration::from_millis(1990)).await;
        assert!(reason().contains("not connected yet"), "{}", reason());
        sleep(Duration::from_millis(20)).await;
        assert!(reason().contains("within 2 s"), "{}", reason());
        sleep(Duration::from_millis(50)).await;
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn next_attempt_to_connect_follows_after_50_ms_to_2_s() {
    runtime().block_on(async {
        let (cluster, attempts) = unreachable(true);
        let attempts = || attempts.load(Ordering::Relaxed);
        sleep(Duration::from_millis(24)).await;
        assert_eq!(attempts(), 1);
        sleep(Duration::from_millis(28)).await;
        assert!(attempts() >= 2);
        sleep(Duration::from_secs(60)).await;
        let before = attempts();
        // Each takes 1 s to 2 s from now on.
        sleep(Duration::from_secs(100)).await;
        let more = attempts() - before;
        assert!((49..=101).contains(&more), "{more}");
        drop(cluster);
    });
}

#[test]
fn link_is_lost_after_3_s_without_an_answer_to_a_subscription() {
    runtime().block_on(async {
        let [one, _other] = two_nodes(&Memory::new()).await;
        // A probe that was published before has the same 3 s.
        one.engine.partition();
        let _member = one.join("a", 1);
        sleep(Duration::from_millis(2990)).await;
        assert_eq!(reason(&one), None);
        sleep(Duration::from_millis(20)).await;
        assert_eq!(reason(&one).as_deref(), Some("the broker does not answer within 3 s"));
    });
}

#[test]
fn link_is_lost_when_a_probe_is_not_back_after_3_s() {
    runtime().block_on(async {
        let [one, _other] = two_nodes(&Memory::new()).await;
        one.engine.stall();
        // The next probe is published within 1 s.
        sleep(Duration::from_millis(2900)).await;
        assert_eq!(reason(&one), None);
        sleep(Duration::from_millis(1110)).await;
        let expected = "a probe through the broker is not back within 3 s";
        assert_eq!(one.health().counters.links_lost, 1);
        assert!(reason(&one).is_none_or(|reason| reason == expected));
    });
}

#[test]
fn probe_may_take_15_s_behind_a_long_backlog() {
    runtime().block_on(async {
        let node = Node::new(&Memory::new().node(), ClusterOptions::default());
        let (inbox, mut deliveries) = Inbox::channel();
        let backlog = inbox.backlog();
        let (_, time) = timed(probe(&node, &backlog)).await;
        assert_eq!(time, Duration::from_secs(3));
        let long = Bytes::from(vec![0; 257 << 10]);
        inbox.deliver(long.clone());
        let (_, time) = timed(probe(&node, &backlog)).await;
        assert_eq!(time, Duration::from_secs(15));
        // Nothing waits in the second period of 3 s.
        let shorten = async {
            sleep(Duration::from_millis(3500)).await;
            let mut parcels = Vec::new();
            deliveries.receive(&mut parcels, 9).await;
            assert_eq!(parcels, [long]);
        };
        let ((_, time), ()) = tokio::join!(timed(probe(&node, &backlog)), shorten);
        assert_eq!(time, Duration::from_secs(6));
    });
}

#[test]
fn node_publishes_after_1_s_when_another_one_is_not_linked_again() {
    runtime().block_on(async {
        let broker = Memory::new();
        let [one, other] = two_nodes(&broker).await;
        other.engine.partition();
        sleep(Duration::from_millis(100)).await;
        broker.stop();
        broker.start();
        // The wait before it connects again is at most 50 ms.
        sleep(Duration::from_secs(1)).await;
        assert!(reason(&one).is_some());
        sleep(Duration::from_millis(60)).await;
        assert_eq!(reason(&one), None);
    });
}

#[test]
fn ask_ends_after_1_s_by_default_and_after_its_bound_otherwise() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        other.engine.partition();
        let (answer, time) = timed(one.io.ask().count("a")).await;
        assert_eq!((answer.complete, time), (false, Duration::from_secs(1)));
        let within = Duration::from_millis(200);
        let (_, time) = timed(one.io.ask().within(within).count("a")).await;
        assert_eq!(time, within);
    });
}

#[test]
fn join_is_confirmed_by_all_nodes_and_unconfirmed_after_500_ms_without_them() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let remote = one.hub.remote().expect("a backplane");
        let _members = one.join("a", 1);
        let (is_confirmed, time) = timed(remote.confirm("a")).await;
        assert!(is_confirmed && time < MOMENT, "{time:?}");
        other.engine.partition();
        let _members = one.join("b", 1);
        let confirmed = timed(remote.confirm("b")).await;
        assert_eq!(confirmed, (false, Duration::from_millis(500)));
        one.engine.partition();
        let _members = one.join("c", 1);
        let confirmed = timed(remote.confirm("c")).await;
        assert_eq!(confirmed, (false, Duration::from_millis(500)));
    });
}

#[test]
fn join_is_confirmed_before_the_join_of_the_first_member_arrives() {
    runtime().block_on(async {
        let broker = Memory::new();
        let [one, _other] = two_nodes(&broker).await;
        let entries = one.entries();
        let remote = one.hub.remote().expect("a backplane");
        let (is_confirmed, time) = timed(remote.confirm("a")).await;
        assert!(is_confirmed && time < MOMENT, "{time:?}");
        remote.room_used("a");
        sleep(Duration::from_secs(3)).await;
        assert_eq!(one.entries(), entries + 2);
        remote.room_unused("a");
        // No member joins, and one join is cancelled.
        assert!(remote.confirm("b").await);
        assert!(remote.confirm("c").now_or_never().is_none());
        sleep(Duration::from_secs(3)).await;
        assert_eq!(one.entries(), entries);
        broker.stop();
        sleep(MOMENT).await;
        assert!(!remote.confirm("d").await);
        assert_eq!(one.entries(), entries);
    });
}

#[test]
fn node_ends_after_2_s_when_the_broker_does_not_answer() {
    runtime().block_on(async {
        let [one, _other] = two_nodes(&Memory::new()).await;
        one.engine.partition();
        let ((), time) = timed(one.cluster.stop()).await;
        assert_eq!(time, Duration::from_secs(2));
    });
}

#[test]
fn silent_node_counts_as_dead_after_6_s() {
    runtime().block_on(async {
        let TestNode { cluster, .. } = {
            let [one, other] = two_nodes(&Memory::new()).await;
            let health = || one.health();
            drop(other.cluster);
            // It said something at most 2 s ago, and is looked for every 2 s.
            sleep(Duration::from_millis(3990)).await;
            assert_eq!(health().nodes.len(), 1);
            sleep(Duration::from_millis(4020)).await;
            assert_eq!(health().nodes.len(), 0);
            one
        };
        drop(cluster);
    });
}

#[test]
fn dead_node_is_forgotten_after_10_min() {
    runtime().block_on(async {
        let (mut peers, node) = (Peers::default(), NodeId(1));
        let now = tokio::time::Instant::now();
        assert_eq!(peers.seen(node, now), Contact::New);
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(peers.expire(after(6)).dead.is_empty());
        assert_eq!(peers.expire(after(7)).dead, [node]);
        assert!(peers.expire(after(600)).forgotten.is_empty());
        assert_eq!(peers.expire(after(601)).forgotten, [node]);
        assert_eq!(peers.seen(node, after(602)), Contact::New);
    });
}

#[test]
fn topic_is_kept_for_1_s_after_its_last_room() {
    runtime().block_on(async {
        let [one, _other] = two_nodes(&Memory::new()).await;
        let topics = one.health().topics;
        let members = one.join("a", 1);
        sleep(MOMENT).await;
        drop(members);
        sleep(Duration::from_millis(990)).await;
        assert_eq!(one.health().topics, topics + 1);
        // A topic that becomes unused wakes no one: it is looked for every second.
        sleep(Duration::from_millis(1010)).await;
        assert_eq!(one.health().topics, topics);
    });
}

#[test]
fn what_is_not_answered_is_asked_again_after_2_s() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let member = other.show("a", 1);
        other.engine.drop_next(1);
        let mut watch = one.io.watch::<u64>("a");
        let mut members = std::collections::BTreeMap::new();
        sleep(MOMENT).await;
        super::fixture::take(&mut watch, &mut members);
        assert_eq!(members.len(), 0);
        sleep(Duration::from_secs(4)).await;
        super::fixture::take(&mut watch, &mut members);
        assert_eq!(members, std::collections::BTreeMap::from([(member.member().id(), 1)]));
    });
}
