//! The nodes of a cluster, in one process.

use futures::future::join_all;
use parlor::Router;
use parlor::backplane::{Backplane, ClusterOptions, Counters, Health, Status};
use parlor_tests::{RawClient, TestServer, wait_for_health};

use crate::contract::relay;
use crate::members::{Member, Members};

/// Nodes that see each other.
pub(crate) struct TestCluster {
    nodes: Vec<Node>,
}

struct Node {
    /// For its health.
    router: Router,
    server: TestServer,
}

impl TestCluster {
    /// Starts a node per engine. Ready when each is connected to the broker and sees all others.
    pub(crate) async fn start(engines: Vec<impl Backplane>, options: ClusterOptions) -> Self {
        let nodes = engines.into_iter().map(|engine| async {
            let router = Router::new().procedure("/relay", relay()).backplane(engine);
            let router = router.cluster_options(options.clone());
            Node { server: TestServer::start(router.clone()).await, router }
        });
        let cluster = Self { nodes: join_all(nodes).await };
        cluster.wait_until_linked().await;
        cluster
    }

    /// Connects clients to each node, which join `rooms`. Ready when the events of all nodes to these rooms arrive.
    pub(crate) async fn members(&self, per_node: usize, rooms: &[&str]) -> Members {
        let path = format!("/relay?{}", rooms.join(","));
        let nodes = 0..self.nodes.len();
        let clients = nodes.flat_map(|node| (0..per_node).map(move |_| node)).map(async |node| {
            let client = RawClient::plain(self.nodes[node].server.addr, &path).await;
            Member::new(node, client, rooms)
        });
        Members::new(join_all(clients).await)
    }

    /// Waits until each node is connected to the broker and sees all others.
    pub(crate) async fn wait_until_linked(&self) {
        let others = self.nodes.len() - 1;
        let is_linked =
            |health: &Health| health.status == Status::Up && health.nodes.len() == others;
        for node in 0..self.nodes.len() {
            self.wait_for_health(node, "the cluster", is_linked).await;
        }
    }

    /// Waits until each node knows that it is not connected to the broker.
    pub(crate) async fn wait_until_down(&self) {
        for node in 0..self.nodes.len() {
            self.wait_until_node_is_down(node).await;
        }
    }

    /// Waits until a node knows that it is not connected to the broker.
    pub(crate) async fn wait_until_node_is_down(&self, node: usize) {
        let is_down = |health: &Health| matches!(health.status, Status::Down { .. });
        self.wait_for_health(node, "the loss", is_down).await;
    }

    /// Waits until the health of a node is as expected.
    pub(crate) async fn wait_for_health(
        &self,
        node: usize,
        what: &str,
        is_met: impl Fn(&Health) -> bool,
    ) {
        wait_for_health(&self.nodes[node].router, what, is_met).await;
    }

    pub(crate) fn counters(&self, node: usize) -> Counters {
        self.nodes[node].router.health().expect("it is served").counters
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Stops all nodes.
    pub(crate) async fn stop(self) {
        join_all(self.nodes.into_iter().map(|node| node.server.stop())).await;
    }
}
