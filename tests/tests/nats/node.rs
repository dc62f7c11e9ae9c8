use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parlor::backplane::{Backplane, Deliveries, Inbox, Link, Nats, Parcel, Topic};
use parlor_tests::{free_addr, within_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The monitoring port of a server.
pub(crate) struct Monitor(SocketAddr);

impl Monitor {
    pub(crate) fn new() -> Self {
        Self(free_addr())
    }

    /// The line of the configuration that opens it.
    pub(crate) fn option(&self) -> String {
        format!("http: \"{}\"", self.0)
    }

    /// A number that it shows.
    pub(crate) async fn number(&self, path: &str, name: &str) -> u64 {
        let mut stream = TcpStream::connect(self.0).await.expect("it listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("UTF-8");
        let (_, body) = response.split_once("\r\n\r\n").expect("a body");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        body[name].as_u64().unwrap_or_else(|| panic!("no {name} in {body}"))
    }

    /// Waits until it has this number of connections. A connection that was closed may count for a moment.
    pub(crate) async fn wait_for_connections(&self, count: u64) {
        within_timeout("the number of connections", async {
            while self.number("/connz", "num_connections").await != count {}
        })
        .await;
    }
}

/// The path of a file of a test.
fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nats-{name}"))
}

/// Writes DER as PEM.
pub(crate) fn pem(name: &str, label: &str, der: &[u8]) -> PathBuf {
    let base64 = data_encoding::BASE64.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let path = temporary(name);
    let text = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"));
    std::fs::write(&path, text).expect("a temporary file");
    path
}

pub(crate) fn tls_file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tls");
    std::fs::read(folder.join(name)).expect("a file of the repository")
}

/// A node as its engine sees it.
pub(crate) struct Node {
    pub(crate) link: Box<dyn Link>,
    deliveries: Deliveries,
    received: VecDeque<Bytes>,
}

impl Node {
    pub(crate) async fn connect(nats: &Nats) -> Self {
        let (inbox, deliveries) = Inbox::channel();
        let link = within_timeout("a link", nats.connect(inbox)).await.expect("a link");
        Self { link, deliveries, received: VecDeque::new() }
    }

    pub(crate) async fn subscribe(&self, topics: &[Topic]) {
        within_timeout("subscriptions", self.link.subscribe(topics)).await.expect("subscribed");
    }

    pub(crate) async fn publish(&self, parcels: &[Parcel]) {
        within_timeout("a batch", self.link.publish(parcels)).await.expect("published");
    }

    pub(crate) async fn receive(&mut self) -> Bytes {
        while self.received.is_empty() {
            let mut parcels = Vec::new();
            let received = self.deliveries.receive(&mut parcels, 256);
            assert!(within_timeout("a parcel", received).await, "the link has ended");
            self.received.extend(parcels);
        }
        self.received.pop_front().expect("a parcel")
    }

    /// Drops the link, and returns what is delivered until then.
    pub(crate) async fn end(mut self) -> usize {
        drop(self.link);
        let mut parcels = Vec::new();
        while within_timeout("the end", self.deliveries.receive(&mut parcels, 256)).await {}
        parcels.len()
    }
}

pub(crate) fn parcel(topic: &Topic, bytes: impl Into<Bytes>) -> Parcel {
    Parcel { topic: topic.clone(), bytes: bytes.into() }
}
