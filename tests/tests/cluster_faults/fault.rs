//! The faults: the rows of the matrix.

use std::time::Duration;

use parlor::backplane::{Health, NodeId};
use parlor_tests::{Broker, BrokerProxy, Direction, within_timeout};
use tokio::time::{Instant, interval, sleep};

use crate::cluster::Cluster;
use crate::engine::Engine;
use crate::raw_broker_client::RawBrokerClient;
use crate::record::NODES;

/// The node whose connections pass through the proxy.
pub(crate) const PROXIED: usize = 0;
/// Parcels of a wrong version, and of the flood that fills the output buffer.
const WRONG_VERSION: u8 = 0xfe;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happens for this time: for comparison.
    None(Duration),
    /// `kill -9`, and a restart after this time.
    Kill(Duration),
    /// SIGSTOP, and SIGCONT after this time.
    Stop(Duration),
    /// The connections of one node pass nothing any more, and stay open. New ones work.
    Blackhole,
    /// One connection of a node to the broker, then one from it, is reset within a frame.
    ResetMidFrame,
    /// One node has 10 kB/s in each direction of a connection for this time.
    Throttle(Duration),
    /// The process of the broker ends because it gets no memory, and is restarted after this time. Before that,
    /// Redis refuses writes at its `maxmemory`.
    OutOfMemory(Duration),
    /// One node reads 10 kB/s, and the broker closes its connection for its full output buffer.
    OutputBuffer,
    /// A program publishes 100 parcels per second of another version to all nodes for this time.
    WrongVersion(Duration),
}

/// What a fault acts on.
pub(crate) struct Setting {
    pub(crate) engine: Engine,
    pub(crate) broker: Broker,
    /// Between the broker and the node [`PROXIED`].
    pub(crate) proxy: BrokerProxy,
    pub(crate) cluster: Cluster,
}

impl Fault {
    /// Lines of the configuration of the broker.
    pub(crate) fn options(self, engine: Engine) -> &'static [&'static str] {
        match (self, engine) {
            (Self::OutputBuffer, Engine::Redis) => {
                &["client-output-buffer-limit pubsub 256kb 256kb 0"]
            }
            // Not less than the largest message, which is 1 MiB.
            (Self::OutputBuffer, Engine::Nats) => &["max_pending: 1MB", "write_deadline: \"2s\""],
            _ => &[],
        }
    }

    /// Causes the fault. Returns when it is over, or when new connections of a node work. `begun` is called when the
    /// fault has begun.
    pub(crate) async fn happen(self, setting: &mut Setting, begun: impl Fn(&Cluster)) -> Instant {
        let Setting { engine, broker, proxy, cluster } = setting;
        match self {
            Self::None(time) => {
                begun(cluster);
                sleep(time).await;
            }
            Self::Kill(time) => {
                broker.kill();
                begun(cluster);
                sleep(time).await;
                broker.restart().await;
            }
            Self::Stop(time) => {
                broker.stop();
                begun(cluster);
                sleep(time).await;
                broker.cont();
            }
            Self::Blackhole => {
                proxy.blackhole();
                begun(cluster);
            }
            Self::ResetMidFrame => {
                for direction in [Direction::ToBroker, Direction::FromBroker] {
                    let connections = proxy.connections();
                    proxy.reset_mid_frame(direction, 333);
                    begun(cluster);
                    proxy.wait_for_connections(connections + 1).await;
                }
            }
            Self::Throttle(time) => {
                proxy.throttle(10_000);
                begun(cluster);
                sleep(time).await;
                proxy.heal().await;
            }
            Self::OutOfMemory(time) => {
                if *engine == Engine::Redis {
                    reach_limit_of_redis(broker).await;
                }
                take_memory(*engine, broker).await;
                begun(cluster);
                sleep(time).await;
                broker.restart().await;
            }
            Self::OutputBuffer => {
                proxy.throttle(10_000);
                begun(cluster);
                let slow = cluster.health(PROXIED).node;
                fill_output_buffer(*engine, broker, slow).await;
                proxy.heal().await;
            }
            Self::WrongVersion(time) => {
                begun(cluster);
                let mut peer = RawBrokerClient::connect(*engine, broker.addr()).await;
                let mut ticks = interval(Duration::from_millis(10));
                let end = Instant::now() + time;
                while Instant::now() < end {
                    ticks.tick().await;
                    peer.publish("nodes", &parcel_of_another_version(100)).await;
                }
            }
        }
        Instant::now()
    }

    /// Asserts that the fault was one. Returns when nothing of it is left.
    pub(crate) async fn end(self, setting: &Setting) {
        let cluster = &setting.cluster;
        setting.proxy.heal().await;
        let affected = match self {
            Self::Kill(_) | Self::OutOfMemory(_) => 0..NODES,
            // A probe may be 3 s late.
            Self::Stop(time) if time > Duration::from_secs(5) => 0..NODES,
            Self::Blackhole | Self::ResetMidFrame | Self::OutputBuffer => PROXIED..PROXIED + 1,
            Self::None(_) | Self::Stop(_) | Self::Throttle(_) | Self::WrongVersion(_) => 0..0,
        };
        for node in affected {
            let is_affected = cluster.counters(node).links_lost > 0;
            assert!(is_affected, "{self:?} has lost no link of node {node}");
        }
        if matches!(self, Self::WrongVersion(_)) {
            for node in 0..NODES {
                let is_counted = |health: &Health| {
                    health.counters.bad_version > 0 && health.counters.bad_format == 0
                };
                cluster.wait_for_health(node, "parcels of a wrong version", is_counted).await;
            }
        }
    }
}

/// Parcels begin with the version of their format.
fn parcel_of_another_version(size: usize) -> Vec<u8> {
    vec![WRONG_VERSION; size]
}

/// Redis has reached its `maxmemory` for 1 s: it refuses writes, and publishes nevertheless.
async fn reach_limit_of_redis(broker: &Broker) {
    let mut client = RawBrokerClient::connect(Engine::Redis, broker.addr()).await;
    client.set_option("maxmemory-policy", "noeviction").await;
    client.set_option("maxmemory", "1").await;
    let refused = client.command(&[b"SET", b"key", b"value"]).await;
    assert!(refused.starts_with("-OOM"), "{refused}");
    // Asserts that it is not refused.
    client.publish("nodes", &parcel_of_another_version(100)).await;
    sleep(Duration::from_secs(1)).await;
    client.set_option("maxmemory", "0").await;
}

/// Lets the broker have no more memory than it has, and makes it need more. The process ends.
async fn take_memory(engine: Engine, broker: &mut Broker) {
    // Of NATS: nothing is stored, so they wait for clients that do not read.
    let mut readers = Vec::new();
    for _ in 0..if engine == Engine::Nats { 64 } else { 0 } {
        let mut reader = RawBrokerClient::connect(engine, broker.addr()).await;
        reader.subscribe_without_reading("large").await;
        readers.push(reader);
    }
    let mut client = RawBrokerClient::connect(engine, broker.addr()).await;
    broker.limit_memory();
    client.store_until_end(&vec![b'x'; 500_000]).await;
    broker.wait_for_end().await;
}

/// Publishes to a node until the broker closes its connection because the output buffer is full.
async fn fill_output_buffer(engine: Engine, broker: &Broker, slow: NodeId) {
    // Some 10 MB/s: within 3 s, because then the node closes a connection that does not return its probes.
    let (line, size, period) = match engine {
        Engine::Redis => ("overcoming of output buffer limits", 16 << 10, 2),
        Engine::Nats => ("Slow Consumer Detected", 128 << 10, 10),
    };
    let mut peer = RawBrokerClient::connect(engine, broker.addr()).await;
    let filling = async {
        let mut ticks = interval(Duration::from_millis(period));
        while !broker.log().contains(line) {
            ticks.tick().await;
            peer.publish(&format!("n:{slow}"), &parcel_of_another_version(size)).await;
        }
    };
    within_timeout("a full output buffer", filling).await;
}
