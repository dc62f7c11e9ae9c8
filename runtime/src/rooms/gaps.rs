use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::node_id::NodeId;

/// Reports that wait for one receiver.
const CAPACITY: usize = 1024;

/// A loss of events between nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// This node did not get events of another node.
    Lost {
        /// Where they were published. It contains the path of the procedure and the name of the room, with an
        /// engine that has a topic per room.
        topic: Arc<str>,
        /// The node that has published them.
        origin: NodeId,
        /// How many.
        lost: u64,
    },
    /// A node is silent. What it has published last may be lost, and cannot be counted.
    OriginLost {
        /// The node.
        node: NodeId,
    },
    /// More than 1 024 reports waited, and the oldest are dropped.
    /// [`Counters::lost`](crate::backplane::Counters::lost) has their sum.
    Skipped {
        /// How many reports.
        reports: u64,
    },
}

/// Receives the losses between nodes: see [`Io::gaps`](crate::Io::gaps).
pub struct Gaps(broadcast::Receiver<Gap>);

impl Gaps {
    /// The next loss. `None` when the procedure is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Gap> {
        match self.0.recv().await {
            Ok(gap) => Some(gap),
            Err(RecvError::Lagged(reports)) => Some(Gap::Skipped { reports }),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
impl Gaps {
    pub(crate) fn try_next(&mut self) -> Option<Gap> {
        self.0.try_recv().ok()
    }
}

impl fmt::Debug for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gaps").finish_non_exhaustive()
    }
}

/// The sending end of all [`Gaps`] of a procedure. It allocates when the first receiver is made.
#[derive(Default)]
pub(crate) struct GapReports(OnceLock<broadcast::Sender<Gap>>);

impl GapReports {
    pub(crate) fn report(&self, gap: Gap) {
        if let Some(sender) = self.0.get() {
            // Fails if there is no receiver any more.
            let _ = sender.send(gap);
        }
    }

    pub(crate) fn receiver(&self) -> Gaps {
        Gaps(self.0.get_or_init(|| broadcast::channel(CAPACITY).0).subscribe())
    }
}
