//! What the nodes of tests are made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use serde::Deserializer;
use serde::de::Error as _;
use tokio::runtime::Runtime;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep};

use crate::backplane::{Backplane, Cluster, ClusterOptions, Health, Memory, MemoryNode, NodeId};
use crate::contract::{Contract, DecodeError, Events, Outgoing, Shape};
use crate::handle::{Emitter, Io, Watch};
use crate::request::Request;
use crate::rooms::{DeliveryPolicy, Hub, Presence, RoomChange};
use crate::session::{Registration, SessionOptions};
use crate::socket_id::SocketId;
use crate::wire::PROTOCOL_JSON;

/// A runtime whose clock is paused.
pub(in crate::backplane) fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime")
}

const fn event(name: &'static str, policy: DeliveryPolicy) -> Outgoing {
    Outgoing { name, policy, shape: Shape { digest: 1, types: &[] } }
}

/// The indices of the events of [`hub`].
pub(in crate::backplane) const EVENT: usize = 0;
pub(in crate::backplane) const VOLATILE: usize = 1;
pub(in crate::backplane) const LATEST: usize = 2;

/// A procedure with one event of each delivery policy.
pub(in crate::backplane) fn hub() -> Arc<Hub> {
    Arc::new(Hub::new("Model", ModelContract::OUTGOING))
}

/// A session without a connection.
pub(in crate::backplane) fn member(hub: &Arc<Hub>) -> Registration {
    let request = http::Request::builder().header(SEC_WEBSOCKET_PROTOCOL, PROTOCOL_JSON).body(());
    let request = Request::new(request.expect("a request"), None);
    let id = SocketId::random().expect("random bits");
    Registration::new(id, request, hub, &Arc::new(SessionOptions::default()))
        .expect("below the limit")
}

/// The contract of [`hub`], without incoming events.
pub(in crate::backplane) struct ModelContract(pub(in crate::backplane) Emitter);

pub(in crate::backplane) enum NoEvent {}

impl From<Emitter> for ModelContract {
    fn from(emitter: Emitter) -> Self {
        Self(emitter)
    }
}

impl Contract for ModelContract {
    const NAME: &'static str = "Model";
    const INCOMING: &'static [&'static str] = &[];
    const OUTGOING: &'static [Outgoing] = &[
        event("event", DeliveryPolicy::Reliable),
        event("volatile", DeliveryPolicy::Volatile),
        event("latest", DeliveryPolicy::Latest),
    ];
    type Incoming = NoEvent;

    fn name(event: &NoEvent) -> &'static str {
        match *event {}
    }
}

impl Events for NoEvent {
    fn decode<'de, D: Deserializer<'de>>(name: &str, _: D) -> Result<Self, DecodeError<D::Error>> {
        Err(DecodeError::Codec(D::Error::custom(name)))
    }
}

/// Where [`hub`] is mounted.
pub(in crate::backplane) const PATH: &str = "/model";

pub(in crate::backplane) struct TestNode {
    pub(in crate::backplane) hub: Arc<Hub>,
    pub(in crate::backplane) io: Io<ModelContract>,
    pub(in crate::backplane) cluster: Cluster,
    pub(in crate::backplane) engine: MemoryNode,
}

impl TestNode {
    pub(in crate::backplane) fn new(broker: &Memory) -> Self {
        Self::with(broker, PATH, ClusterOptions::default())
    }

    pub(in crate::backplane) fn with(broker: &Memory, path: &str, options: ClusterOptions) -> Self {
        let engine = broker.node();
        Self::with_engine(Arc::new(engine.clone()), engine, path, options)
    }

    /// `backplane` is, or contains, `engine`.
    pub(in crate::backplane) fn with_engine(
        backplane: Arc<dyn Backplane>,
        engine: MemoryNode,
        path: &str,
        options: ClusterOptions,
    ) -> Self {
        let hub = hub();
        let cluster = Cluster::new(backplane, options);
        cluster.start([(path, &hub)].into_iter());
        Self { io: Io::new(Arc::clone(&hub)), hub, cluster, engine }
    }

    pub(in crate::backplane) fn health(&self) -> Health {
        self.cluster.health().expect("started")
    }

    pub(in crate::backplane) fn id(&self) -> NodeId {
        self.health().node
    }

    pub(in crate::backplane) fn entries(&self) -> usize {
        self.cluster.entries() + self.hub.watchers.entries()
    }

    /// Members of a room.
    pub(in crate::backplane) fn join(&self, room: &str, count: usize) -> Vec<Registration> {
        let members: Vec<_> = (0..count).map(|_| member(&self.hub)).collect();
        for member in &members {
            member.member().join(room).expect("joined");
        }
        members
    }

    /// A member of a room that shows a value.
    pub(in crate::backplane) fn show(&self, room: &str, value: u64) -> Registration {
        let member = member(&self.hub);
        member.member().join(room).expect("joined");
        member.member().set_presence(Presence::new(&value).expect("small")).expect("not ended");
        member
    }
}

/// Two nodes that know each other.
pub(in crate::backplane) async fn two_nodes(broker: &Memory) -> [TestNode; 2] {
    two_nodes_with(broker, ClusterOptions::default()).await
}

/// Two nodes that know each other. The second one has `options`.
pub(in crate::backplane) async fn two_nodes_with(
    broker: &Memory,
    options: ClusterOptions,
) -> [TestNode; 2] {
    let nodes = [TestNode::new(broker), TestNode::with(broker, PATH, options)];
    sleep(Duration::from_secs(3)).await;
    nodes
}

/// How long `wait` takes.
pub(in crate::backplane) async fn timed<T>(wait: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let value = wait.await;
    (value, start.elapsed())
}

/// The members that a watcher shows, after all that is due.
pub(in crate::backplane) fn take(watch: &mut Watch<u64>, members: &mut BTreeMap<SocketId, u64>) {
    while let Some(change) = unconstrained(watch.next()).now_or_never() {
        match change.expect("not drained") {
            RoomChange::Snapshot(all) => {
                *members = all.into_iter().map(|it| (it.id, it.presence)).collect();
            }
            RoomChange::Joined(it) | RoomChange::Changed(it) => {
                members.insert(it.id, it.presence);
            }
            RoomChange::Left(id) => {
                members.remove(&id);
            }
            RoomChange::Undecodable(error) => panic!("{error}"),
        }
    }
}
