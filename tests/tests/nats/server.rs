use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use parlor::backplane::{Backplane, Deliveries, Inbox, Link, Nats, Parcel, Topic};
use parlor_tests::{free_addr, skip_without, within_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A `nats-server` on a free port. It is killed when this is dropped.
pub(crate) struct NatsServer {
    pub(crate) addr: SocketAddr,
    monitor: SocketAddr,
    args: Vec<String>,
    process: Child,
}

impl NatsServer {
    /// Starts one, or returns `None` if it is not installed and the test is skipped.
    pub(crate) async fn start(args: &[&str]) -> Option<Self> {
        let (addr, monitor) = (free_addr(), free_addr());
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let process = match spawn(addr, monitor, &args) {
            Err(error) if error.kind() == ErrorKind::NotFound && skip_without("no nats-server") => {
                return None;
            }
            process => process.expect("nats-server starts"),
        };
        let server = Self { addr, monitor, args, process };
        server.wait_until_it_listens().await;
        Some(server)
    }

    /// Starts one with a configuration.
    pub(crate) async fn configured(name: &str, config: &str) -> Option<Self> {
        let path = temporary(name);
        std::fs::write(&path, config).expect("a temporary file");
        Self::start(&["-c", path.to_str().expect("UTF-8")]).await
    }

    /// Starts it again after [`kill`](Self::kill).
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.addr, self.monitor, &self.args).expect("nats-server starts");
        self.wait_until_it_listens().await;
    }

    async fn wait_until_it_listens(&self) {
        within_timeout("nats-server to listen", async {
            while TcpStream::connect(self.addr).await.is_err()
                || self.monitor_text("/healthz").await.is_none()
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.addr)
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }

    async fn monitor_text(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.monitor).await.ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await.ok()?;
        Some(response)
    }

    /// A number that the monitoring port of the server shows.
    pub(crate) async fn number(&self, path: &str, name: &str) -> u64 {
        let response = self.monitor_text(path).await.expect("the monitoring port answers");
        let (_, body) = response.split_once("\r\n\r\n").expect("a body");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        body[name].as_u64().unwrap_or_else(|| panic!("no {name} in {body}"))
    }
}

fn spawn(addr: SocketAddr, monitor: SocketAddr, args: &Vec<String>) -> std::io::Result<Child> {
    let mut command = Command::new("nats-server");
    command.args([
        "-a",
        "127.0.0.1",
        "-p",
        &addr.port().to_string(),
        "-m",
        &monitor.port().to_string(),
    ]);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
    received: std::collections::VecDeque<Bytes>,
}

impl Node {
    pub(crate) async fn connect(nats: &Nats) -> Self {
        let (inbox, deliveries) = Inbox::channel();
        let link = within_timeout("a link", nats.connect(inbox)).await.expect("a link");
        Self { link, deliveries, received: std::collections::VecDeque::new() }
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
