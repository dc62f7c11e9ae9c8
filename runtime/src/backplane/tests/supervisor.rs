//! The supervisor ends with its node, and not before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::sleep;

use super::fixture::{PATH, TestNode, hub, runtime, timed, two_nodes};
use crate::backplane::{
    Backplane, Cluster, ClusterOptions, Inbox, Layout, Link, LinkError, Memory, MemoryNode, Parcel,
    Status, Topic,
};

/// An engine that panics in each of its functions once, outside of their futures. Its calls have numbers.
#[derive(Clone)]
struct Panicking {
    engine: MemoryNode,
    connects: Arc<AtomicUsize>,
    sizes: Arc<AtomicUsize>,
    drops: Arc<AtomicUsize>,
}

struct PanickingLink {
    link: Box<dyn Link>,
    drops: Arc<AtomicUsize>,
}

fn panic_at(call: usize, calls: &AtomicUsize) {
    assert_ne!(calls.fetch_add(1, Ordering::Relaxed), call, "the engine of a test panics");
}

impl Backplane for Panicking {
    fn layout(&self) -> Layout {
        self.engine.layout()
    }

    fn max_parcel_size(&self) -> usize {
        // The first call is that of `Cluster::start`, and its panic is that of the caller.
        panic_at(1, &self.sizes);
        self.engine.max_parcel_size()
    }

    fn connect(&self, inbox: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>> {
        panic_at(0, &self.connects);
        let (link, drops) = (self.engine.connect(inbox), Arc::clone(&self.drops));
        Box::pin(async move { Ok(Box::new(PanickingLink { link: link.await?, drops }) as _) })
    }
}

impl Link for PanickingLink {
    fn incarnation(&self) -> u64 {
        self.link.incarnation()
    }

    fn subscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        self.link.subscribe(topics)
    }

    fn unsubscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        self.link.unsubscribe(topics)
    }

    fn publish<'a>(&'a self, parcels: &'a [Parcel]) -> BoxFuture<'a, Result<(), LinkError>> {
        self.link.publish(parcels)
    }

    fn lost(&self) -> BoxFuture<'_, LinkError> {
        self.link.lost()
    }
}

impl Drop for PanickingLink {
    fn drop(&mut self) {
        panic_at(0, &self.drops);
    }
}

#[test]
fn node_connects_again_after_each_function_of_its_engine_has_panicked() {
    runtime().block_on(async {
        let engine = Panicking {
            engine: Memory::new().node(),
            connects: Arc::default(),
            sizes: Arc::default(),
            drops: Arc::default(),
        };
        let cluster = Cluster::new(Arc::new(engine.clone()), ClusterOptions::default());
        cluster.start([(PATH, &hub())].into_iter());
        sleep(Duration::from_secs(5)).await;
        assert_eq!(cluster.health().expect("started").status, Status::Up);
        let calls = [&engine.connects, &engine.sizes, &engine.drops];
        assert_eq!(calls.map(|calls| calls.load(Ordering::Relaxed)), [3, 3, 1]);
    });
}

#[test]
fn ask_of_a_handle_that_outlives_its_router_is_answered_at_once() {
    runtime().block_on(async {
        let [one, other] = two_nodes(&Memory::new()).await;
        let _member = one.join("a", 1);
        let TestNode { cluster, io, .. } = one;
        drop(cluster);
        // The supervisor is aborted.
        sleep(Duration::from_millis(5)).await;
        let (answer, time) = timed(io.ask().members("a")).await;
        assert_eq!((answer.value.len(), answer.missing), (1, vec![other.id()]));
        assert_eq!((answer.complete, time), (false, Duration::ZERO));
    });
}
