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

    cluster.stop().await;
    ada.client.closed().await;
    bob_again.client.closed().await;
}

/// The running script.
struct Cluster {
    front: SocketAddr,
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

        let mut script = Command::new("bash")
            .arg(workspace().join("examples/cluster.sh"))
            .arg(kind)
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let lines = BufReader::new(script.stdout.take().expect("piped")).lines();
        let front = ([127, 0, 0, 1], 0).into();
        let mut cluster = Self { front, nodes: Vec::new(), script, lines };
        while cluster.front.port() == 0 {
            let line = cluster.line().await;
            let address = line.split("http://").nth(1).map(|rest| {
                let (address, more) = rest.split_once(' ').unwrap_or((rest, ""));
                (address.parse().expect("an address"), more.to_owned())
            });
            match address {
                Some((address, _)) if line.starts_with("The cluster") => cluster.front = address,
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

    async fn kill(&self, node: SocketAddr) {
        let (_, pid) = self.nodes.iter().find(|(address, _)| *address == node).expect("a node");
        assert!(signal("KILL", pid).await);
    }

    /// Ends the script as Ctrl-C does, and waits until everything that it started has ended.
    async fn stop(mut self) {
        let pid = self.script.id().expect("it runs").to_string();
        assert!(signal("TERM", &pid).await);
        let ended = within_timeout("the end of the script", self.script.wait()).await;
        assert!(ended.expect("waited").success());
        for (_, pid) in &self.nodes {
            assert!(!signal("0", pid).await, "a chat still runs");
        }
        assert!(TcpStream::connect(self.front).await.is_err(), "nginx still runs");
    }
}

impl Drop for Cluster {
    /// A test that has failed leaves nothing running.
    fn drop(&mut self) {
        if let Some(pid) = self.script.id() {
            let pid = pid.to_string();
            let _ = std::process::Command::new("kill").args(["-s", "TERM", &pid]).status();
        }
    }
}

async fn signal(signal: &str, pid: &str) -> bool {
    let kill = Command::new("kill").args(["-s", signal, pid]).stderr(Stdio::null()).status();
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
