//! Faults between nodes and their broker. Whatever is lost is counted, and nothing arrives twice.

use parlor::backplane::{Backplane, ClusterOptions};
use parlor_tests::{Broker, BrokerProxy, Direction};

use crate::members::Members;
use crate::nodes::TestCluster;

const NODES: usize = 3;

/// A cluster in which each node has a proxy between it and the broker.
pub(crate) struct Setup {
    broker: Broker,
    proxies: Vec<BrokerProxy>,
    cluster: TestCluster,
    members: Members,
}

impl Setup {
    /// `connect` makes an engine from a URL.
    async fn start<E: Backplane>(broker: Broker, connect: impl AsyncFn(String) -> E) -> Self {
        let mut proxies = Vec::new();
        let mut engines = Vec::new();
        for _ in 0..NODES {
            let proxy = BrokerProxy::start(broker.addr()).await;
            engines.push(connect(broker.url_at(proxy.addr)).await);
            proxies.push(proxy);
        }
        let cluster = TestCluster::start(engines, ClusterOptions::default()).await;
        let mut members = cluster.members(1, &["general"]).await;
        members.send(20).await;
        members.receive_all().await;
        Self { broker, proxies, cluster, members }
    }

    /// Each member sends messages, which its node has emitted when this is ready.
    async fn emit(&mut self, count: usize) {
        self.members.send(count).await;
        self.members.receive_own().await;
    }

    /// Call it after the end of all faults.
    async fn assert_counted(&mut self) {
        self.cluster.wait_until_linked().await;
        self.members.send_until_last_is_received().await;
        self.members.assert_order();
        for node in 0..NODES {
            let lost = self.members.missing_from_other_nodes(node);
            let counters = self.cluster.counters(node);
            assert_eq!(usize::try_from(counters.lost), Ok(lost), "node {node}: {counters:?}");
        }
    }
}

async fn node_that_is_cut_off_without_an_error(mut setup: Setup) {
    for all in [false, true] {
        let before = setup.proxies[0].connections();
        if all {
            setup.proxies[0].blackhole_all();
        } else {
            setup.proxies[0].blackhole();
        }
        setup.emit(50).await;
        if all {
            setup.cluster.wait_until_node_is_down(0).await;
            setup.emit(50).await;
        } else {
            setup.proxies[0].wait_for_connections(before + 1).await;
        }
        // What is in the proxy passes now, after the node has connected again.
        setup.proxies[0].heal().await;
        setup.assert_counted().await;
    }
}

async fn connections_that_are_reset_within_frames(mut setup: Setup) {
    for round in 0..12 {
        let directions = [Direction::ToBroker, Direction::FromBroker];
        let node = round % NODES;
        let before = setup.proxies[node].connections();
        setup.proxies[node].reset_mid_frame(directions[round % 2], 100 + 333 * round);
        setup.emit(30).await;
        setup.proxies[node].wait_for_connections(before + 1).await;
    }
    for proxy in &setup.proxies {
        proxy.heal().await;
    }
    setup.assert_counted().await;
}

async fn broker_that_is_stopped_for_some_seconds(mut setup: Setup) {
    setup.broker.stop();
    setup.emit(50).await;
    setup.cluster.wait_until_down().await;
    setup.emit(50).await;
    setup.broker.cont();
    setup.assert_counted().await;
}

async fn node_with_a_slow_network(mut setup: Setup) {
    setup.proxies[1].throttle(5_000);
    setup.emit(200).await;
    // The others do not wait for it.
    setup.members.receive_between(&[0, 2]).await;
    setup.proxies[1].heal().await;
    setup.assert_counted().await;
}

macro_rules! tests {
    ($setup:ident: $($test:ident)*) => {$(
        #[tokio::test]
        async fn $test() {
            if let Some(setup) = super::$setup().await {
                Box::pin(super::$test(setup)).await;
            }
        }
    )*};
}

macro_rules! all_tests {
    ($setup:ident) => {
        tests! {
            $setup:
            node_that_is_cut_off_without_an_error
            connections_that_are_reset_within_frames
            broker_that_is_stopped_for_some_seconds
            node_with_a_slow_network
        }
    };
}

#[cfg(feature = "redis")]
async fn start_redis() -> Option<Setup> {
    use parlor::backplane::Redis;
    let broker = Broker::redis(&[]).await?;
    let connect = async |url: String| Redis::connect(url).await.expect("usable");
    Some(Setup::start(broker, connect).await)
}

#[cfg(feature = "nats")]
async fn start_nats() -> Option<Setup> {
    use parlor::backplane::Nats;
    let broker = Broker::nats(&[]).await?;
    let connect = async |url: String| Nats::connect(&url).await.expect("usable");
    Some(Setup::start(broker, connect).await)
}

#[cfg(feature = "redis")]
mod redis {
    all_tests!(start_redis);
}

#[cfg(feature = "nats")]
mod nats {
    all_tests!(start_nats);
}
