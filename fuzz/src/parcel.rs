//! A parcel that arrives from the broker, at a node with a client.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::time::Duration;

use parlor::__fuzz::reencode_parcel;
use parlor::Router;
use parlor::backplane::{Backplane, Deliveries, Inbox, Link, Memory, Parcel, Topic};
use parlor::test::{End, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::contract;

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// Joins the room `a`. The mask is 0.
const JOIN: &[u8] = b"\x81\x95\0\0\0\0[\"join\",{\"room\":\"a\"}]";
const IDLE_TIME: Duration = Duration::from_millis(1);
/// A node that has received this many parcels is replaced: it knows too many others by then.
const PARCELS_PER_NODE: u64 = 256;
/// More entries than that many parcels can leave in the tables of a node.
const MAX_ENTRIES: usize = 2048;

struct Node {
    runtime: Runtime,
    network: Network,
    client: End,
    link: Box<dyn Link>,
    _deliveries: Deliveries,
    received: u64,
}

thread_local! {
    /// Not dropped at the end of the thread, because tokio's own values are gone by then.
    static NODE: RefCell<Option<ManuallyDrop<Node>>> = const { RefCell::new(None) };
}

impl Node {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let broker = Memory::new();
        let (network, client, link, _deliveries) = runtime.block_on(async {
            let router = Router::new().procedure("/", contract::server()).backplane(broker.node());
            let network = Network::new(router);
            let mut client = network.line().dial().expect("it is served");
            client.write_all(REQUEST).await.expect("written");
            let response = read(&mut client).await;
            assert!(response.starts_with(b"HTTP/1.1 101 "), "{}", response.escape_ascii());
            client.write_all(JOIN).await.expect("written");
            let frames = read(&mut client).await;
            assert!(frames.is_empty(), "{}", frames.escape_ascii());
            let (inbox, deliveries) = Inbox::channel();
            let link = broker.node().connect(inbox).await.expect("the broker runs");
            (network, client, link, deliveries)
        });
        Self { runtime, network, client, link, _deliveries, received: 0 }
    }

    /// Returns what the client receives.
    fn receive(&mut self, parcel: Vec<u8>) -> Vec<u8> {
        self.received += 1;
        let Self { runtime, client, link, .. } = self;
        runtime.block_on(async {
            let topic = Topic::control("parlor:nodes");
            let parcel = Parcel { topic, bytes: parcel.into() };
            link.publish(&[parcel]).await.expect("the broker runs");
            read(client).await
        })
    }
}

/// Reads until nothing happens any more.
async fn read(client: &mut End) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read) = timeout(IDLE_TIME, client.read(&mut buffer)).await {
        let count = read.expect("the connection is open");
        assert!(count > 0, "the connection ends");
        bytes.extend_from_slice(&buffer[..count]);
    }
    bytes
}

pub fn run(bytes: &[u8]) {
    let again = reencode_parcel(bytes);
    assert!(again.is_none_or(|again| again == bytes), "it has another form");
    deliver(bytes);
}

/// Returns the text of the frames that the client of a node receives.
fn deliver(bytes: &[u8]) -> Vec<String> {
    NODE.with_borrow_mut(|node| {
        if node.as_ref().is_none_or(|node| node.received == PARCELS_PER_NODE) {
            drop(node.take().map(ManuallyDrop::into_inner));
        }
        let node = node.get_or_insert_with(|| ManuallyDrop::new(Node::start()));
        // From a node of its own, so that its numbers begin.
        let mut parcel = bytes.to_vec();
        if let Some(origin) = parcel.get_mut(2..10) {
            origin.copy_from_slice(&(node.received + 1).to_be_bytes());
        }
        // One that ends all sessions does so.
        let is_end = matches!(parcel[..], [_, 5, ..]) && parcel.get(18) == Some(&6);
        if is_end {
            return Vec::new();
        }
        let received = node.receive(parcel);
        assert!(node.network.entries() <= MAX_ENTRIES, "the tables grow");
        assert_eq!(node.network.connections(), 1, "the client is disconnected");
        events(&received)
    })
}

/// The frames, which are whole ones of known events.
fn events(mut bytes: &[u8]) -> Vec<String> {
    let mut events = Vec::new();
    while let [first, length, rest @ ..] = bytes {
        // A ping, because the client is silent.
        if (*first, *length) == (0x89, 0) {
            bytes = rest;
            continue;
        }
        assert_eq!(*first, 0x81, "not a whole text frame");
        let (length, rest) = match length {
            126 => {
                let (length, rest) = rest.split_first_chunk().expect("a length");
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            127.. => panic!("longer than the input, or masked"),
            _ => (usize::from(*length), rest),
        };
        let (json, rest) = rest.split_at_checked(length).expect("a whole frame");
        let text = str::from_utf8(json).expect("UTF-8");
        let is_known = ["[\"described\",", "[\"moved\","].iter().any(|name| text.starts_with(name));
        assert!(is_known && text.ends_with(']'), "an unknown event: {text}");
        events.push(text.to_owned());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "a part of a frame: {}", bytes.escape_ascii());
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_of_seed_reaches_client() {
        if std::env::var_os("PARLOR_OVERWRITE").is_some() {
            write_seeds_of_events();
        }
        for (name, expected) in [
            ("event", r#"["described",{"text":"to a room"}]"#),
            ("event-all", r#"["described",{"text":"to all"}]"#),
            ("event-volatile", r#"["moved",{"x":0.5}]"#),
        ] {
            let seed = std::fs::read(folder().join(name)).expect("a seed");
            let help = "has the digest changed? `PARLOR_OVERWRITE=1` writes the seeds";
            assert_eq!(deliver(&seed), [expected], "{help}");
        }
    }

    fn folder() -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/parcel")
    }

    #[test]
    fn each_seed_is_a_parcel() {
        for entry in std::fs::read_dir(folder()).expect("the folder of seeds") {
            let path = entry.expect("an entry").path();
            let seed = std::fs::read(&path).expect("a file");
            assert_eq!(reencode_parcel(&seed).as_ref(), Some(&seed), "{}", path.display());
        }
    }

    /// The seeds have digests of the contract.
    fn write_seeds_of_events() {
        let broker = Memory::new();
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let parcels = runtime.expect("a runtime").block_on(async {
            let (inbox, mut deliveries) = Inbox::channel();
            let link = broker.node().connect(inbox).await.expect("the broker runs");
            let topics = ["parlor:r:/:a", "parlor:all:/"].map(Topic::new);
            link.subscribe(&topics).await.expect("subscribed");
            let server = contract::server();
            let io = server.io();
            let router = Router::new().procedure("/", server).backplane(broker.node());
            let network = Network::new(router);
            let mut client = network.line().dial().expect("it is served");
            client.write_all(REQUEST).await.expect("written");
            read(&mut client).await;
            io.to("a").described("to a room");
            io.to(["a", "b"]).described("to two rooms");
            io.broadcast().described("to all");
            io.broadcast().moved(0.5);
            read(&mut client).await;
            let mut parcels = Vec::new();
            while let Ok(true) = timeout(IDLE_TIME, deliveries.receive(&mut parcels, 16)).await {}
            parcels
        });
        let names = ["event", "event-two-rooms", "event-all", "event-volatile"];
        let events = parcels.iter().filter(|parcel| parcel.get(1) == Some(&1));
        for (name, parcel) in names.iter().zip(events) {
            let mut parcel = parcel.to_vec();
            // Of a first parcel.
            parcel[26..50].fill(0);
            (parcel[33], parcel[49]) = (1, 1);
            std::fs::write(folder().join(name), parcel).expect("written");
        }
    }
}
