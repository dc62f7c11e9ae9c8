//! The part of a router that makes it a node of a cluster.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::engine::Backplane;
use super::health::Health;
use super::node::Node;
use super::options::ClusterOptions;
use super::remote::RemoteProcedure;
use super::supervise::{AbortOnDrop, supervise};
use crate::rooms::Hub;

/// How long a node that ends may take to publish the rest of its queue.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The backplane of a router. Its clones are one node.
#[derive(Clone)]
pub(crate) struct Cluster {
    engine: Arc<dyn Backplane>,
    options: ClusterOptions,
    started: Arc<OnceLock<Started>>,
}

struct Started {
    node: Arc<Node>,
    stop: watch::Sender<bool>,
    /// The supervisor ends without a word when the router is dropped.
    supervisor: OnceLock<AbortOnDrop>,
}

impl Cluster {
    pub(crate) fn new(engine: Arc<dyn Backplane>, options: ClusterOptions) -> Self {
        Self { engine, options, started: Arc::default() }
    }

    pub(crate) fn with_options(self, options: ClusterOptions) -> Self {
        Self::new(self.engine, options)
    }

    /// Starts the node, unless it has started or there is no tokio runtime, and adds procedures to it.
    pub(crate) fn start<'a>(&self, procedures: impl Iterator<Item = (&'a str, &'a Arc<Hub>)>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let started = self.started.get_or_init(|| {
            let node = Arc::new(Node::new(&*self.engine, self.options.clone()));
            Started { node, stop: watch::channel(false).0, supervisor: OnceLock::new() }
        });
        let node = &started.node;
        let mut has_new = false;
        for (path, hub) in procedures {
            hub.set_remote(|| {
                has_new = true;
                let procedure = node.add_procedure(path, hub);
                Arc::new(RemoteProcedure { node: Arc::clone(node), procedure })
            });
        }
        if has_new && started.supervisor.get().is_some() {
            // Of a clone of the router that got one more procedure.
            node.say_hello();
        }
        // After the procedures, so that the first hello names them.
        started.supervisor.get_or_init(|| {
            let engine = Arc::clone(&self.engine);
            let supervisor = supervise(Arc::clone(node), engine, started.stop.subscribe());
            AbortOnDrop(runtime.spawn(supervisor).abort_handle())
        });
    }

    /// Publishes the rest of the queue, and tells the other nodes that this one ends.
    pub(crate) async fn stop(&self) {
        let Some(started) = self.started.get() else { return };
        started.stop.send_replace(true);
        if timeout(STOP_WITHIN, started.stop.closed()).await.is_err() {
            tracing::warn!(
                "the broker did not accept within 2 s what this node has published last"
            );
        }
    }

    pub(crate) fn health(&self) -> Option<Health> {
        self.started.get().map(|started| started.node.health())
    }

    #[cfg(any(test, feature = "test"))]
    pub(crate) fn entries(&self) -> usize {
        self.started.get().map_or(0, |started| started.node.entries())
    }
}
