//! Everything that arrives from the broker is input: what is wrong is dropped and counted, nothing of it is delivered, and
//! what other nodes send flows on.
//!
//! A link of the broker in memory publishes what no node would.

mod bad_parcels;
mod contracts;
mod parcels;
mod peers;
mod signatures;

use parlor::Contract;
use parlor::backplane::{
    Backplane, ClusterOptions, Counters, Deliveries, Inbox, JoinConfirmation, Link, Memory, NodeId,
    Parcel, Topic,
};
use parlor::prelude::*;
use parlor_tests::{TestServer, wait_for_health, within_timeout};

use parcels::Event;

const PATH: &str = "/chat";
const ROOM: &str = "general";
/// Topics of the cluster with the default prefix.
const ROOM_TOPIC: &str = "parlor:r:/chat:general";
const NODES_TOPIC: &str = "parlor:nodes";

#[procedure]
trait Chat {
    #[outgoing]
    fn said(text: String);
    #[outgoing]
    fn moved(x: u32);
}

struct Guest;

impl Chat for Guest {}

/// A node that is served, with one client in the room.
struct Node {
    router: Router,
    io: ChatIo,
    _server: TestServer,
    _client: ChatClient,
    events: ChatEvents,
}

impl Node {
    async fn start(broker: &Memory, options: ClusterOptions) -> Self {
        let chat = ChatServer::new(|socket: ChatSocket| async move {
            // On a busy machine it may take longer than 500 ms.
            while socket.join_confirmed(ROOM).await.expect("joined") != JoinConfirmation::Confirmed
            {
            }
            Ok(Guest)
        });
        let io = chat.io();
        let router =
            Router::new().procedure(PATH, chat).backplane(broker.node()).cluster_options(options);
        let server = TestServer::start(router.clone()).await;
        let (client, events) = ChatClient::connect(&server.url(PATH)).await.expect("connected");
        Self { router, io, _server: server, _client: client, events }
    }

    fn id(&self) -> NodeId {
        self.router.health().expect("it has started").node
    }

    fn counters(&self) -> Counters {
        self.router.health().expect("it has started").counters
    }

    /// The text of the next event.
    async fn said(&mut self) -> String {
        match within_timeout("an event", self.events.next()).await {
            Some(ChatEvent::Said { text }) => text,
            other => panic!("another event arrives: {other:?}"),
        }
    }

    /// Waits until its counters are as `is_expected` says.
    async fn wait_for(&self, what: &str, is_expected: impl Fn(&Counters) -> bool) {
        wait_for_health(&self.router, what, |health| is_expected(&health.counters)).await;
    }

    /// Waits until it knows this many other nodes.
    async fn knows(&self, nodes: usize) {
        wait_for_health(&self.router, "the other nodes", |it| it.nodes.len() >= nodes).await;
    }
}

/// Someone with access to the broker.
struct Attacker {
    link: Box<dyn Link>,
    deliveries: Deliveries,
    topic_id: [u8; 16],
    fences: u64,
}

/// The node as which fences are published.
const FENCE: u64 = 0xfe;

impl Attacker {
    /// Reads the id of the topic of the room from a parcel of `node`.
    async fn connect(broker: &Memory, node: &Node) -> Self {
        let (inbox, deliveries) = Inbox::channel();
        let link = broker.node().connect(inbox).await.expect("the broker runs");
        link.subscribe(&[Topic::new(ROOM_TOPIC)]).await.expect("subscribed");
        let mut attacker = Self { link, deliveries, topic_id: [0; 16], fences: 0 };
        node.io.to(ROOM).said("captured");
        let parcel = attacker.capture().await;
        // A signature is before the rest.
        let head = parcel.len() - parcels::find(&parcel, b"\x00\x05/chat");
        let end = parcel.len() - head;
        attacker.topic_id.copy_from_slice(&parcel[end - 40..end - 24]);
        attacker
    }

    /// The next parcel on the topic of the room.
    async fn capture(&mut self) -> Vec<u8> {
        let mut parcels = Vec::new();
        let received = self.deliveries.receive(&mut parcels, 1);
        assert!(within_timeout("a parcel", received).await);
        parcels[0].to_vec()
    }

    async fn publish(&self, topic: &str, bytes: Vec<u8>) {
        let parcel = Parcel { topic: Topic::new(topic), bytes: bytes.into() };
        self.link.publish(&[parcel]).await.expect("the broker runs");
    }

    /// An event that is right, of a node with this id, which has published `number` before.
    fn event(&self, node: u64, number: u64) -> Event {
        Event::new(self.topic_id, node, number)
    }

    /// Publishes a right event, and waits until it arrives: all that was published before is handled, and has
    /// delivered nothing.
    async fn fence(&mut self, node: &mut Node) {
        self.fences += 1;
        let text = format!("fence {}", self.fences);
        let fence = self.event(FENCE, self.fences).with_text(&text);
        self.publish(ROOM_TOPIC, fence.encode()).await;
        assert_eq!(node.said().await, text);
    }
}

fn digest_of_said() -> u64 {
    <ChatEmitter as Contract>::OUTGOING[0].digest()
}
