//! The client library of a broker, without Parlor.

use std::error::Error;
use std::sync::Arc;

use futures::StreamExt;

use crate::measure::Publisher;
use crate::received::{Received, text};

const TOPIC: &str = "bare";

pub struct Bare {
    connection: Connection,
    received: Arc<Received>,
}

enum Connection {
    Redis(redis::aio::MultiplexedConnection),
    Nats(async_nats::Client),
}

impl Bare {
    pub async fn connect(url: &str) -> Result<Self, Box<dyn Error>> {
        let received = Arc::<Received>::default();
        let arrived = Arc::clone(&received);
        let connection = if url.starts_with("nats") {
            let mut messages = async_nats::connect(url).await?.subscribe(TOPIC).await?;
            tokio::spawn(async move {
                while let Some(message) = messages.next().await {
                    arrived.record(&message.payload);
                    arrived.wake();
                }
            });
            Connection::Nats(async_nats::connect(url).await?)
        } else {
            let client = redis::Client::open(url)?;
            let mut subscriber = client.get_async_pubsub().await?;
            subscriber.subscribe(TOPIC).await?;
            tokio::spawn(async move {
                let mut messages = subscriber.into_on_message();
                while let Some(message) = messages.next().await {
                    arrived.record(message.get_payload_bytes());
                    arrived.wake();
                }
            });
            Connection::Redis(client.get_multiplexed_async_connection().await?)
        };
        Ok(Self { connection, received })
    }
}

impl Publisher for Bare {
    fn received(&self) -> &Arc<Received> {
        &self.received
    }

    async fn publish(&mut self, count: usize) -> Result<(), Box<dyn Error>> {
        let frame = || format!(r#"["message",{{"text":"{}"}}]"#, text());
        match &mut self.connection {
            Connection::Redis(connection) => {
                let mut pipeline = redis::Pipeline::with_capacity(count);
                (0..count).for_each(|_| {
                    pipeline.cmd("PUBLISH").arg(TOPIC).arg(frame()).ignore();
                });
                Ok(pipeline.query_async(connection).await?)
            }
            Connection::Nats(client) => {
                for _ in 0..count {
                    client.publish(TOPIC, frame().into()).await?;
                }
                Ok(client.flush().await?)
            }
        }
    }
}
