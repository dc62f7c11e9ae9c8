//! Clients that lose their connections at any time miss nothing and get nothing twice.

use std::net::SocketAddr;

use parlor::Router;
use parlor_tests::{Dice, Probing, Running, Welcomed, Wire, probing, secret, soon};
use serde_json::json;

/// A client that keeps to docs/wire.md and does whatever comes to its mind.
struct Client {
    addr: SocketAddr,
    wire: Option<Wire>,
    secret: String,
    /// Its counted frames, and how many the server has.
    sent: Vec<String>,
    arrived: usize,
    /// Counted frames of the server, and the events among them.
    received: u64,
    heard: usize,
    said: usize,
    room: String,
    dice: Dice,
}

impl Client {
    async fn enter(addr: SocketAddr, number: u64) -> Self {
        let Welcomed { wire, welcome } = Wire::welcomed(addr, "/probe", &[]).await;
        let mut client = Self {
            addr,
            wire: Some(wire),
            secret: secret(&welcome).to_owned(),
            sent: Vec::new(),
            arrived: 0,
            received: 0,
            heard: 0,
            said: 0,
            room: format!("room {number}"),
            dice: Dice::new(number),
        };
        client.send(json!(["enter", {"room": client.room}, 0]).to_string()).await;
        client
    }

    async fn send(&mut self, frame: String) {
        self.sent.push(frame.clone());
        if let Some(wire) = &mut self.wire {
            wire.send(frame).await;
        }
    }

    /// Says the next number to itself and whoever else is in its room.
    async fn say(&mut self) {
        let text = self.said.to_string();
        self.said += 1;
        self.send(json!(["shout", {"room": self.room, "text": text}]).to_string()).await;
    }

    /// Reads what has come up to now.
    async fn listen(&mut self) {
        let Some(wire) = &mut self.wire else { return };
        wire.send(r#"["ping",1]"#).await;
        loop {
            let frame = wire.next().await.expect("a frame");
            match frame[0].as_str() {
                Some("pong") => return,
                Some("$ack") => {}
                Some("$ok") => self.received += 1,
                _ => {
                    self.received += 1;
                    assert_eq!(frame[1]["text"], json!(self.heard.to_string()), "{frame}");
                    self.heard += 1;
                }
            }
        }
    }

    async fn confirm(&mut self) {
        if let Some(wire) = &mut self.wire {
            wire.send(json!(["$ack", self.received]).to_string()).await;
        }
    }

    async fn come_back(&mut self) {
        self.wire = None;
        let protocols = format!("parlor.v1.json, parlor.resume.{}.{}", self.secret, self.received);
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let wire = Wire::open(self.addr, "/probe", &headers).await.expect("accepted");
        if self.dice.below(3) == 0 {
            // The welcome does not arrive.
            return;
        }
        let Welcomed { wire, welcome } = wire.take_welcome().await;
        assert_eq!(welcome["recovered"], json!(true), "{welcome}");
        secret(&welcome).clone_into(&mut self.secret);
        let arrived = welcome["received"].as_u64().and_then(|it| usize::try_from(it).ok());
        let arrived = arrived.expect("a number");
        assert!((self.arrived..=self.sent.len()).contains(&arrived), "{welcome}");
        self.arrived = arrived;
        self.wire = Some(wire);
        if self.dice.below(4) > 0 {
            self.confirm().await;
        }
        for again in arrived..self.sent.len() {
            let frame = self.sent[again].clone();
            if let Some(wire) = &mut self.wire {
                wire.send(frame).await;
            }
        }
    }

    async fn live(mut self) {
        for _ in 0..150 {
            match self.dice.below(8) {
                0..4 => self.say().await,
                4 => self.listen().await,
                5 => self.confirm().await,
                6 => self.wire = None,
                _ => self.come_back().await,
            }
        }
        while self.wire.is_none() {
            self.come_back().await;
        }
        while self.heard < self.said {
            self.listen().await;
        }
        self.listen().await;
        assert_eq!(self.heard, self.said);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_comes_twice_wherever_connections_are_cut() {
    let Probing { server, mut ended, .. } = probing();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let clients = (0..30).map(|number| {
        let addr = running.addr;
        tokio::spawn(async move { Client::enter(addr, number).await.live().await })
    });
    for client in clients.collect::<Vec<_>>() {
        soon("a client", client).await.expect("no panic");
    }
    assert!(ended.try_recv().is_err(), "no session has ended");
}
