//! Clients that lose their connections at random receive each event once.

use std::net::SocketAddr;

use parlor::Router;
use parlor_tests::{
    ProbeFixture, RawClient, SeededRng, TestServer, Welcomed, probe_fixture, secret, within_timeout,
};
use serde_json::json;

/// A client that follows docs/wire.md and takes random steps.
struct Client {
    addr: SocketAddr,
    connection: Option<RawClient>,
    secret: String,
    /// Counted frames that it sent, and how many of them the server has received.
    sent: Vec<String>,
    received_by_server: usize,
    /// Counted frames received from the server, and the events among them.
    received: u64,
    events_received: usize,
    events_sent: usize,
    room: String,
    rng: SeededRng,
}

impl Client {
    async fn enter(addr: SocketAddr, number: u64) -> Self {
        let Welcomed { client: connection, welcome } =
            RawClient::welcomed(addr, "/probe", &[]).await;
        let mut client = Self {
            addr,
            connection: Some(connection),
            secret: secret(&welcome).to_owned(),
            sent: Vec::new(),
            received_by_server: 0,
            received: 0,
            events_received: 0,
            events_sent: 0,
            room: format!("room {number}"),
            rng: SeededRng::new(number),
        };
        client.send(json!(["enter", {"room": client.room}, 0]).to_string()).await;
        client
    }

    async fn send(&mut self, frame: String) {
        self.sent.push(frame.clone());
        if let Some(connection) = &mut self.connection {
            connection.send(frame).await;
        }
    }

    /// Sends the next number to its room, in which it is alone.
    async fn say(&mut self) {
        let text = self.events_sent.to_string();
        self.events_sent += 1;
        self.send(json!(["shout", {"room": self.room, "text": text}]).to_string()).await;
    }

    /// Reads all frames that the server has sent so far.
    async fn receive_all(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        connection.send(r#"["ping",1]"#).await;
        loop {
            let frame = connection.next().await.expect("a frame");
            match frame[0].as_str() {
                Some("pong") => return,
                Some("$ack") => {}
                Some("$ok") => self.received += 1,
                _ => {
                    self.received += 1;
                    assert_eq!(
                        frame[1]["text"],
                        json!(self.events_received.to_string()),
                        "{frame}"
                    );
                    self.events_received += 1;
                }
            }
        }
    }

    async fn confirm(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.send(json!(["$ack", self.received]).to_string()).await;
        }
    }

    async fn resume(&mut self) {
        self.connection = None;
        let protocols = format!("parlor.v1.json, parlor.resume.{}.{}", self.secret, self.received);
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let connection = RawClient::open(self.addr, "/probe", &headers).await.expect("accepted");
        if self.rng.below(3) == 0 {
            // The welcome is not received.
            return;
        }
        let Welcomed { client: connection, welcome } = connection.take_welcome().await;
        assert_eq!(welcome["recovered"], json!(true), "{welcome}");
        secret(&welcome).clone_into(&mut self.secret);
        let received_by_server =
            welcome["received"].as_u64().and_then(|it| usize::try_from(it).ok());
        let received_by_server = received_by_server.expect("a number");
        assert!(
            (self.received_by_server..=self.sent.len()).contains(&received_by_server),
            "{welcome}"
        );
        self.received_by_server = received_by_server;
        self.connection = Some(connection);
        if self.rng.below(4) > 0 {
            self.confirm().await;
        }
        for again in received_by_server..self.sent.len() {
            let frame = self.sent[again].clone();
            if let Some(connection) = &mut self.connection {
                connection.send(frame).await;
            }
        }
    }

    async fn run(mut self) {
        for _ in 0..150 {
            match self.rng.below(8) {
                0..4 => self.say().await,
                4 => self.receive_all().await,
                5 => self.confirm().await,
                6 => self.connection = None,
                _ => self.resume().await,
            }
        }
        while self.connection.is_none() {
            self.resume().await;
        }
        while self.events_received < self.events_sent {
            self.receive_all().await;
        }
        self.receive_all().await;
        assert_eq!(self.events_received, self.events_sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_once_and_in_order_when_connections_are_cut_at_random() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let clients = (0..30).map(|number| {
        let addr = running.addr;
        tokio::spawn(async move { Client::enter(addr, number).await.run().await })
    });
    for client in clients.collect::<Vec<_>>() {
        within_timeout("a client", client).await.expect("no panic");
    }
    assert!(ended.try_recv().is_err(), "no session has ended");
}
