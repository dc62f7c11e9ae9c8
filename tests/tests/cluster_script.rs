//! `examples/cluster.sh`: three chats behind nginx, with a broker between them.

#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::process::Stdio;

use parlor_tests::{Broker, RawClient, skip_without, within_timeout, workspace};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const NODES: usize = 3;
/// The close code of a shutdown.
const SERVICE_RESTART: u16 = 1012;

/// One after the other: both are one program, with other features.
#[tokio::test]
async fn people_on_three_nodes_share_a_room_and_survive_the_end_of_a_node() {
    for (kind, program) in [("redis", Broker::redis_program()), ("nats", Broker::nats_program())] {
        if let Some(cluster) = Cluster::start(kind, &program).await {
            share_a_room_and_survive_the_end_of_a_node(cluster).await;
        }
    }
}

async fn share_a_room_and_survive_the_end_of_a_node(cluster: Cluster) {
    let mut ada = cluster.person("ada", |_| true).await;
    let mut bob = cluster.person("bob", |node| node != ada.node).await;
    assert_eq!(ada.join().await, ["ada"]);
    // On a busy machine the other nodes may not answer in time.
    within_timeout("both members", async { while bob.join().await.len() < 2 {} }).await;
    // Only the first of these joins sends it.
    ada.event("userJoined", "bob").await;
    bob.say("Hello, Ada").await;
    assert_eq!(ada.event("newMessage", "bob").await["text"], "Hello, Ada");
    ada.say("Hello, Bob").await;
    assert_eq!(bob.event("newMessage", "ada").await["text"], "Hello, Bob");

    cluster.kill(bob.node).await;
    bob.client.closed().await;
    let mut bob_again = cluster.person("bob", |node| node != ada.node && node != bob.node).await;
    bob_again.join().await;
    ada.event("userJoined", "bob").await;
    bob_again.say("Back again").await;
    assert_eq!(ada.event("newMessage", "bob").await["text"], "Back again");

    // As a chat whose sessions do not end at once.
    let slow = cluster.pid(bob_again.node);
    assert!(signal("STOP", slow).await);
    cluster.interrupt().await;
    assert_eq!(ada.client.closed().await.code, SERVICE_RESTART);
    cluster.wait_for_end_of_node(ada.node).await;
    cluster.assert_broker_and_nginx_run().await;
    assert!(signal("CONT", slow).await);
    assert_eq!(bob_again.client.closed().await.code, SERVICE_RESTART);
    cluster.end().await;
}

/// The running script.
struct Cluster {
    /// The address of nginx.
    front: SocketAddr,
    broker: SocketAddr,
    /// The addresses and process ids of the chats.
    nodes: Vec<(SocketAddr, String)>,
    script: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Cluster {
    /// Returns `None` if a program is not installed.
    async fn start(kind: &str, program: &str) -> Option<Self> {
        for program in [program, "nginx"] {
            let version = Command::new(program).arg("-v").stderr(Stdio::null()).output().await;
            if version.is_err() && skip_without(&format!("{program} is not installed")) {
                return None;
            }
        }
        // Without a timeout: this may take minutes.
        let build = ["build", "--quiet", "--package", "parlor-examples", "--example", "chat"];
        let status =
            Command::new(env!("CARGO")).args(build).args(["--features", "nats,redis"]).status();
        assert!(status.await.expect("cargo runs").success(), "the chat does not build");

        // In a process group of its own, which gets the signal of Ctrl-C. bash cannot handle a signal that is ignored
        // when it starts, as in a job of a script.
        let mut script = Command::new("env")
            .args(["--default-signal=INT", "bash"])
            .arg(workspace().join("examples/cluster.sh"))
            .arg(kind)
            .env("PORT", "0")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let lines = BufReader::new(script.stdout.take().expect("piped")).lines();
        let unknown = ([127, 0, 0, 1], 0).into();
        let mut cluster =
            Self { front: unknown, broker: unknown, nodes: Vec::new(), script, lines };
        while cluster.front.port() == 0 {
            let line = cluster.line().await;
            let address = line.split("://").nth(1).map(|rest| {
                let (address, more) = rest.split_once(' ').unwrap_or((rest, ""));
                (address.parse().expect("an address"), more.to_owned())
            });
            match address {
                Some((address, _)) if line.starts_with("The cluster") => cluster.front = address,
                Some((address, more)) if line.starts_with("Broker") => {
                    assert_eq!(more, format!("({program})"));
                    cluster.broker = address;
                }
                Some((address, more)) if line.starts_with("Node") => {
                    let pid = more.trim_start_matches("(pid ").trim_end_matches(')');
                    cluster.nodes.push((address, pid.to_owned()));
                }
                _ => {}
            }
        }
        assert_eq!(cluster.nodes.len(), NODES);
        Some(cluster)
    }

    async fn line(&mut self) -> String {
        let line = within_timeout("a line of the script", self.lines.next_line()).await;
        line.expect("readable").expect("the script has ended")
    }

    /// Connects until nginx has chosen a node that is wanted.
    async fn person(&self, name: &'static str, is_wanted: impl Fn(SocketAddr) -> bool) -> Person {
        for _ in 0..3 * NODES {
            let person = Person::connect(self.front, name).await;
            if is_wanted(person.node) {
                return person;
            }
        }
        panic!("nginx chose none of the wanted nodes")
    }

    fn pid(&self, node: SocketAddr) -> &str {
        &self.nodes.iter().find(|(address, _)| *address == node).expect("a node").1
    }

    async fn kill(&self, node: SocketAddr) {
        assert!(signal("KILL", self.pid(node)).await);
    }

    /// Sends what Ctrl-C in a terminal sends: SIGINT to the process group of the script.
    async fn interrupt(&self) {
        let group = format!("-{}", self.script.id().expect("it runs"));
        assert!(signal("INT", &group).await);
    }

    async fn wait_for_end_of_node(&self, node: SocketAddr) {
        let polling = async { while signal("0", self.pid(node)).await {} };
        within_timeout("the end of a chat", polling).await;
    }

    async fn assert_broker_and_nginx_run(&self) {
        TcpStream::connect(self.broker).await.expect("the broker runs");
        TcpStream::connect(self.front).await.expect("nginx runs");
    }

    /// Waits until the script and everything that it started have ended.
    async fn end(mut self) {
        let ended = within_timeout("the end of the script", self.script.wait()).await;
        assert!(ended.expect("waited").success());
        for (_, pid) in &self.nodes {
            assert!(!signal("0", pid).await, "a chat still runs");
        }
        assert!(TcpStream::connect(self.front).await.is_err(), "nginx still runs");
        assert!(TcpStream::connect(self.broker).await.is_err(), "the broker still runs");
    }
}

impl Drop for Cluster {
    /// A test that has failed leaves nothing running.
    fn drop(&mut self) {
        if let Some(script) = self.script.id() {
            let kill = |signal: &str, pid: &str| {
                let _ = std::process::Command::new("kill").args(["-s", signal, pid]).status();
            };
            self.nodes.iter().for_each(|(_, pid)| kill("CONT", pid));
            kill("TERM", &script.to_string());
        }
    }
}

async fn signal(signal: &str, pid: &str) -> bool {
    let kill = Command::new("kill").args(["-s", signal, "--", pid]).stderr(Stdio::null()).status();
    kill.await.expect("kill runs").success()
}

/// A client, and the node that serves it.
struct Person {
    client: RawClient,
    node: SocketAddr,
}

impl Person {
    async fn connect(front: SocketAddr, name: &str) -> Self {
        let stream = TcpStream::connect(front).await.expect("nginx accepts");
        let url = format!("ws://{front}/api/chat/wsChat?name={name}");
        let mut request = url.into_client_request().expect("a request");
        let protocol = "parlor.v1.json".parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, response) = within_timeout("the handshake", client_async(request, stream))
            .await
            .expect("the handshake is accepted");
        // After nginx has tried a node that does not answer, it names both.
        let served_by =
            response.headers()["x-served-by"].to_str().expect("text").rsplit(' ').next();
        let node = served_by.and_then(|node| node.parse().ok()).expect("an address");
        let welcomed = RawClient(socket).take_welcome().await;
        Self { client: welcomed.client, node }
    }

    /// Joins the room. Returns its members.
    async fn join(&mut self) -> Vec<String> {
        self.client.send(json!(["joinRoom", {"room": "general"}, 1]).to_string()).await;
        loop {
            let frame = self.client.receive().await;
            if frame[0] == "$ok" {
                return serde_json::from_value(frame[1].clone()).expect("names");
            }
            assert_ne!(frame[0], "$err", "{frame}");
        }
    }

    async fn say(&mut self, text: &str) {
        self.client.emit("sendMessage", json!({"room": "general", "text": text})).await;
    }

    /// Receives the next such event about this user.
    async fn event(&mut self, event: &str, user_id: &str) -> Value {
        loop {
            let mut frame = self.client.receive().await;
            if frame[0] == event && frame[1]["userId"] == user_id {
                return frame[1].take();
            }
        }
    }
}
