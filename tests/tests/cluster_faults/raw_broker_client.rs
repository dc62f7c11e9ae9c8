//! A client of a broker that is no node.

use std::net::SocketAddr;

use parlor_tests::within_timeout;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::engine::Engine;

pub(crate) struct RawBrokerClient {
    engine: Engine,
    stream: BufReader<TcpStream>,
}

impl RawBrokerClient {
    pub(crate) async fn connect(engine: Engine, addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("the broker accepts");
        stream.set_nodelay(true).expect("no delay");
        let mut client = Self { engine, stream: BufReader::new(stream) };
        if engine == Engine::Nats {
            client.read_line().await;
            client.write(b"CONNECT {\"verbose\":false}\r\n").await;
        }
        client
    }

    /// Publishes bytes to a topic: `nodes` is that of all nodes. Ready when the broker has processed it.
    pub(crate) async fn publish(&mut self, topic: &str, bytes: &[u8]) {
        match self.engine {
            Engine::Redis => {
                let reply =
                    self.command(&[b"PUBLISH", format!("parlor:{topic}").as_bytes(), bytes]).await;
                assert!(reply.starts_with(':'), "{reply}");
            }
            Engine::Nats => {
                self.write_message(&format!("parlor.{}", topic.replace(':', ".")), bytes).await;
                self.write(b"PING\r\n").await;
                while !self.read_line().await.starts_with("PONG") {}
            }
        }
    }

    /// Sends a command to Redis, and returns the first line of its reply.
    pub(crate) async fn command(&mut self, parts: &[&[u8]]) -> String {
        let mut command = format!("*{}\r\n", parts.len()).into_bytes();
        for part in parts {
            command.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            command.extend_from_slice(part);
            command.extend_from_slice(b"\r\n");
        }
        self.write(&command).await;
        self.read_line().await
    }

    /// Sets an option of Redis.
    pub(crate) async fn set_option(&mut self, name: &str, value: &str) {
        let reply = self.command(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]).await;
        assert_eq!(reply.trim_end(), "+OK");
    }

    /// Subscribes to a subject of NATS, and reads nothing more.
    pub(crate) async fn subscribe_without_reading(&mut self, subject: &str) {
        self.write(format!("SUB {subject} 1\r\n").as_bytes()).await;
    }

    /// Stores bytes in Redis, or publishes them to the subject `large` of NATS, again and again until the connection
    /// ends.
    pub(crate) async fn store_until_end(&mut self, bytes: &[u8]) {
        let storing = async {
            for number in 0_u64.. {
                let mut message = match self.engine {
                    Engine::Redis => {
                        format!("*3\r\n$3\r\nSET\r\n$20\r\n{number:020}\r\n${}\r\n", bytes.len())
                    }
                    Engine::Nats => format!("PUB large {}\r\n", bytes.len()),
                }
                .into_bytes();
                message.extend_from_slice(bytes);
                message.extend_from_slice(b"\r\n");
                if self.stream.write_all(&message).await.is_err() {
                    return;
                }
            }
        };
        within_timeout("the end of the broker", storing).await;
    }

    async fn write_message(&mut self, subject: &str, bytes: &[u8]) {
        self.write(format!("PUB {subject} {}\r\n", bytes.len()).as_bytes()).await;
        self.write(bytes).await;
        self.write(b"\r\n").await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        within_timeout("the broker to read", self.stream.write_all(bytes)).await.expect("written");
    }

    async fn read_line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        within_timeout("an answer of the broker", read).await.expect("an answer");
        line
    }
}
