//! One row of the matrix, once.

use std::sync::Arc;
use std::time::Duration;

use parlor_tests::BrokerProxy;
use tokio::sync::Barrier;
use tokio::time::{sleep, timeout};

use crate::cluster::{Cluster, WAIT};
use crate::engine::Engine;
use crate::fault::{Fault, PROXIED, Setting};
use crate::record::{NODES, ROOMS, Record};

/// The rooms to which all nodes emit all the time.
const STEADY: std::ops::Range<usize> = 0..ROOMS - 2;
/// Gets one event of each node at the begin of a fault, and none after it: if that is lost, marks tell so.
const QUIET: usize = ROOMS - 2;
/// Gets events until they arrive again.
const SERVICE: usize = ROOMS - 1;

/// How a row is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Events per second of each node.
    pub(crate) rate: u32,
    /// How long events are emitted before the fault.
    pub(crate) before: Duration,
}

/// What a run has measured.
pub(crate) struct Figures {
    /// The times of local events before the fault.
    pub(crate) before: Vec<Duration>,
    /// Those from the fault until the return to service.
    pub(crate) during: Vec<Duration>,
    /// How long an event of each node took to reach each other one, from the end of the fault.
    pub(crate) back: Duration,
    /// Events that did not arrive at other nodes, which is what these have reported.
    pub(crate) lost: u64,
}

/// Returns `None` if the broker is not installed. It begins to emit when all rows that run beside it are `ready`, so that
/// none is measured while another one starts.
pub(crate) async fn run(
    engine: Engine,
    fault: Fault,
    load: Load,
    ready: Arc<Barrier>,
) -> Option<Figures> {
    let broker = engine.start_broker(fault.options(engine)).await?;
    let proxy = BrokerProxy::start(broker.addr()).await;
    let mut engines = Vec::new();
    for node in 0..NODES {
        let addr = if node == PROXIED { proxy.addr } else { broker.addr() };
        engines.push(engine.connect(&broker.url_at(addr)).await);
    }
    let cluster = Cluster::start(engines).await;
    let mut setting = Setting { engine, broker, proxy, cluster };

    // In vain if another row has failed.
    let _ = timeout(WAIT, ready.wait()).await;
    let publishers = setting.cluster.publish(STEADY, load.rate);
    let start = setting.cluster.elapsed();
    sleep(load.before).await;
    let begin = setting.cluster.elapsed();
    let emit_quiet = |cluster: &Cluster| (0..NODES).for_each(|node| cluster.emit(node, QUIET));
    let end = fault.happen(&mut setting, emit_quiet).await;
    setting.cluster.wait_for_service(SERVICE).await;
    let back = end.elapsed();
    let returned = setting.cluster.elapsed();
    drop(publishers);
    fault.end(&setting).await;

    let Setting { cluster, .. } = &setting;
    cluster.wait_until_linked().await;
    // Marks tell of what no later event to its room tells.
    let topic = engine.topic();
    let is_counted = |record: &Record| record.wrong_counts(topic).is_empty();
    if timeout(WAIT, cluster.until(is_counted)).await.is_err() {
        let counters: Vec<_> = (0..NODES).map(|node| cluster.counters(node)).collect();
        panic!("{:#?}\n{counters:#?}", cluster.record(|record| record.wrong_counts(topic)));
    }
    // No more is reported later than was lost.
    cluster.wait_until_last_arrives().await;
    cluster.record(Record::assert_order);
    cluster.wait_for("the counts of losses", is_counted).await;
    for node in 0..NODES {
        let missing = cluster.record(|record| record.missing_at(node));
        assert_eq!(cluster.counters(node).lost, missing, "node {node}");
    }
    cluster.record(|record| {
        record.assert_order();
        record.assert_local();
    });
    Some(Figures {
        before: cluster.record(|record| record.local_times(start, begin)),
        during: cluster.record(|record| record.local_times(begin, returned)),
        back,
        lost: cluster.record(|record| (0..NODES).map(|node| record.missing_at(node)).sum()),
    })
}
