//! The engine for Redis, against a real one.

mod lost;
mod messages;
mod refused;
mod role;
#[cfg(feature = "rustls")]
mod tls;

use std::io::{Read, Write};
use std::net::TcpStream;

use parlor::backplane::{Backplane, Deliveries, Inbox, Link, Parcel, Redis, Topic};
use parlor_tests::{Broker, within_timeout};

/// A link, and what it delivers.
struct Node {
    link: Box<dyn Link>,
    deliveries: Deliveries,
}

impl Node {
    async fn connect(url: &str) -> Self {
        let redis =
            within_timeout("the check", Redis::connect(url)).await.expect("a usable server");
        Self::link(&redis).await
    }

    async fn link(redis: &Redis) -> Self {
        let (inbox, deliveries) = Inbox::channel();
        let link = within_timeout("the link", redis.connect(inbox)).await.expect("a link");
        Self { link, deliveries }
    }

    async fn subscribe(&self, topics: &[Topic]) {
        within_timeout("the confirmation", self.link.subscribe(topics)).await.expect("subscribed");
    }

    async fn publish(&self, parcels: &[Parcel]) {
        within_timeout("the replies", self.link.publish(parcels)).await.expect("published");
    }

    /// The next parcels.
    async fn receive(&mut self, count: usize) -> Vec<Vec<u8>> {
        let mut parcels = Vec::new();
        while parcels.len() < count {
            let left = count - parcels.len();
            let more = self.deliveries.receive(&mut parcels, left);
            assert!(within_timeout("a parcel", more).await, "the link is closed");
        }
        parcels.into_iter().map(Vec::from).collect()
    }
}

fn parcel(topic: &Topic, bytes: impl Into<Vec<u8>>) -> Parcel {
    Parcel { topic: topic.clone(), bytes: bytes.into().into() }
}

/// The answer to a command, as bytes of the protocol, from a connection of its own.
fn ask(broker: &Broker, command: &str) -> String {
    let mut stream = TcpStream::connect(broker.addr()).expect("a connection");
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).expect("a command");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
