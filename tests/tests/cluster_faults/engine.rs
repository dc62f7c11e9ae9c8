//! The engines of the matrix.

use std::sync::Arc;

use parlor::backplane::{Backplane, Nats, Redis};
use parlor_tests::Broker;

use crate::contract::room_name;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Redis,
    Nats,
}

impl Engine {
    pub(crate) async fn start_broker(self, options: &[&str]) -> Option<Broker> {
        match self {
            Self::Redis => Broker::redis(options).await,
            Self::Nats => Broker::nats(options).await,
        }
    }

    pub(crate) async fn connect(self, url: &str) -> Arc<dyn Backplane> {
        match self {
            Self::Redis => Arc::new(Redis::connect(url).await.expect("usable")),
            Self::Nats => Arc::new(Nats::connect(url).await.expect("usable")),
        }
    }

    /// The topic of a room, if that has one of its own.
    pub(crate) fn topic(self) -> Option<fn(usize) -> String> {
        match self {
            Self::Redis => Some(|room| format!("parlor:r:/feed:{}", room_name(room))),
            Self::Nats => None,
        }
    }
}
