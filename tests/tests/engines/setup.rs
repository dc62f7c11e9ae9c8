//! An engine with its broker, and links that a test uses.

use std::collections::VecDeque;
use std::sync::Arc;

use parlor::backplane::{
    Backplane, Deliveries, Inbox, Link, LinkError, Memory, Nats, Parcel, Redis, Topic,
};
use parlor_tests::{Broker, BrokerProxy, within_timeout};

/// The parcels that are taken from an inbox at once.
const AT_ONCE: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Memory,
    Redis,
    Nats,
}

/// An engine with a running broker.
pub(crate) struct Setup {
    pub(crate) backplane: Arc<dyn Backplane>,
    pub(crate) engine: Engine,
    running: Running,
}

enum Running {
    Memory(Memory),
    Process(Broker),
}

/// A link and what it delivers.
pub(crate) struct TestLink {
    pub(crate) link: Box<dyn Link>,
    pub(crate) deliveries: Deliveries,
    waiting: VecDeque<Vec<u8>>,
}

impl Engine {
    /// Starts its broker. `options` are lines of the configuration. Returns `None` if it is not installed: the test
    /// is skipped.
    pub(crate) async fn start(self, options: &[&str]) -> Option<Setup> {
        let broker = match self {
            Self::Memory => {
                let memory = Memory::new();
                let backplane = Arc::new(memory.node());
                return Some(Setup { engine: self, backplane, running: Running::Memory(memory) });
            }
            Self::Redis => Broker::redis(options).await?,
            Self::Nats => Broker::nats(options).await?,
        };
        let backplane = self.connect(&broker.url()).await;
        Some(Setup { engine: self, backplane, running: Running::Process(broker) })
    }

    /// The options that let its broker close a subscriber for which 4 MiB wait, or which has read nothing for 2 s.
    pub(crate) fn limit_of_pending_bytes(self) -> &'static [&'static str] {
        match self {
            Self::Memory => panic!("it has no such option"),
            Self::Redis => &["client-output-buffer-limit pubsub 4mb 4mb 0"],
            // NATS delays publishers while a subscriber is slow, so that not more than this waits.
            Self::Nats => &["max_pending: 4MB", "write_deadline: \"2s\""],
        }
    }

    async fn connect(self, url: &str) -> Arc<dyn Backplane> {
        match self {
            Self::Memory => panic!("it has no URL"),
            Self::Redis => Arc::new(Redis::connect(url).await.expect("usable")),
            Self::Nats => Arc::new(Nats::connect(url).await.expect("usable")),
        }
    }
}

impl Setup {
    pub(crate) async fn link(&self) -> TestLink {
        TestLink::connect(&*self.backplane).await.expect("connected")
    }

    /// What errors call the broker.
    pub(crate) fn name(&self) -> String {
        match &self.running {
            Running::Memory(_) => "the broker in memory".to_owned(),
            Running::Process(broker) => broker.addr().to_string(),
        }
    }

    pub(crate) fn kill(&mut self) {
        match &mut self.running {
            Running::Memory(memory) => memory.stop(),
            Running::Process(broker) => broker.kill(),
        }
    }

    pub(crate) async fn restart(&mut self) {
        match &mut self.running {
            Running::Memory(memory) => {
                memory.stop();
                memory.start();
            }
            Running::Process(broker) => broker.restart().await,
        }
    }

    /// The broker, which is a process.
    pub(crate) fn broker(&self) -> &Broker {
        match &self.running {
            Running::Memory(_) => panic!("no process"),
            Running::Process(broker) => broker,
        }
    }

    /// The same engine, behind a proxy.
    pub(crate) async fn through_proxy(&self) -> (Arc<dyn Backplane>, BrokerProxy) {
        let broker = self.broker();
        let proxy = BrokerProxy::start(broker.addr()).await;
        let backplane = self.engine.connect(&broker.url_at(proxy.addr)).await;
        (backplane, proxy)
    }
}

impl TestLink {
    pub(crate) async fn connect(backplane: &dyn Backplane) -> Result<Self, LinkError> {
        let (inbox, deliveries) = Inbox::channel();
        let link = within_timeout("a link", backplane.connect(inbox)).await?;
        Ok(Self { link, deliveries, waiting: VecDeque::new() })
    }

    pub(crate) async fn subscribe(&self, names: &[&str]) {
        let subscribed = self.try_subscribe(names).await;
        subscribed.expect("subscribed");
    }

    pub(crate) async fn try_subscribe(&self, names: &[&str]) -> Result<(), LinkError> {
        let topics = topics(names);
        within_timeout("a subscription", self.link.subscribe(&topics)).await
    }

    pub(crate) async fn unsubscribe(&self, names: &[&str]) {
        let topics = topics(names);
        let unsubscribed = within_timeout("an answer", self.link.unsubscribe(&topics)).await;
        unsubscribed.expect("unsubscribed");
    }

    /// Publishes one parcel.
    pub(crate) async fn publish(&self, topic: &str, bytes: impl Into<Vec<u8>>) {
        self.publish_all(&[parcel(topic, bytes)]).await;
    }

    /// Publishes parcels, at most 128 per call.
    pub(crate) async fn publish_all(&self, parcels: &[Parcel]) {
        for parcels in parcels.chunks(128) {
            self.try_publish(parcels).await.expect("published");
        }
    }

    pub(crate) async fn try_publish(&self, parcels: &[Parcel]) -> Result<(), LinkError> {
        within_timeout("a confirmation", self.link.publish(parcels)).await
    }

    /// Returns the next parcel.
    pub(crate) async fn receive(&mut self) -> Vec<u8> {
        within_timeout("a parcel", self.next()).await.expect("the link exists")
    }

    /// Returns the next parcel, a text.
    pub(crate) async fn receive_text(&mut self) -> String {
        String::from_utf8(self.receive().await).expect("a text")
    }

    /// Returns the next parcel, or `None` after the last one of a dropped link.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        if self.waiting.is_empty() {
            let mut parcels = Vec::new();
            self.deliveries.receive(&mut parcels, AT_ONCE).await;
            self.waiting.extend(parcels.into_iter().map(Vec::from));
        }
        self.waiting.pop_front()
    }

    /// Waits until the link is lost.
    pub(crate) async fn lost(&self) -> LinkError {
        within_timeout("the loss", self.link.lost()).await
    }
}

pub(crate) fn topics(names: &[&str]) -> Vec<Topic> {
    names.iter().map(|name| Topic::new(*name)).collect()
}

pub(crate) fn parcel(topic: &str, bytes: impl Into<Vec<u8>>) -> Parcel {
    Parcel { topic: Topic::new(topic), bytes: bytes.into().into() }
}

/// Bytes of any value, among them those that protocols use to separate.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = vec![b'\n'; len];
    for (position, byte) in bytes.iter_mut().enumerate().skip(2) {
        let [_, _, value, ..] = position.wrapping_mul(2_654_435_761).to_le_bytes();
        *byte = value;
    }
    bytes
}

/// Connects, which must fail.
pub(crate) async fn connect_error(backplane: &Arc<dyn Backplane>) -> LinkError {
    TestLink::connect(&**backplane).await.err().expect("no broker")
}

#[track_caller]
pub(crate) fn assert_names(error: &LinkError, name: impl ToString) {
    let (error, name) = (error.to_string(), name.to_string());
    assert!(error.contains(&name), "no `{name}` in: {error}");
}
