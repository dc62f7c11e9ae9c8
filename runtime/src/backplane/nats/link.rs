use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_nats::Client;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, unconstrained};
use tracing::warn;

use super::dial::Notice;
use super::order::Place;
use super::reader::{Command, Lost, Reader};
use super::subject::subject;
use crate::backplane::{Inbox, Link, LinkError, Parcel, Topic};

/// A connection to a NATS server, and the task that reads it.
pub(super) struct NatsLink {
    client: Client,
    /// Its host and port.
    server: String,
    /// `NATS at 127.0.0.1:4222`.
    broker: Arc<str>,
    incarnation: u64,
    /// A random id.
    id: u64,
    /// The parcels of control topics published so far, and the round trips.
    count: AtomicU64,
    reader: AbortHandle,
    commands: mpsc::Sender<Command>,
    lost: watch::Receiver<Option<Lost>>,
    has_logged_size: AtomicBool,
}

impl NatsLink {
    pub(super) fn new(
        server: &str,
        (client, notices): (Client, mpsc::Receiver<Notice>),
        id: u64,
        inbox: Inbox,
    ) -> Self {
        let broker: Arc<str> = format!("NATS at {server}").into();
        let digest: [u8; 32] = Sha256::digest(client.server_info().server_id).into();
        let (server_id, _) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let (lost_sender, lost) = watch::channel(None);
        let (commands, receiver) = mpsc::channel(1);
        let reader = Reader::new(client.clone(), Arc::clone(&broker), inbox, lost_sender);
        let reader = tokio::spawn(unconstrained(reader.run(receiver, notices))).abort_handle();
        Self {
            client,
            server: server.to_owned(),
            broker,
            incarnation: u64::from_be_bytes(*server_id),
            id,
            count: AtomicU64::new(0),
            reader,
            commands,
            lost,
            has_logged_size: AtomicBool::new(false),
        }
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether the server refuses something that this link needs.
    pub(super) fn is_refused(&self) -> bool {
        self.lost.borrow().as_ref().is_some_and(|lost| lost.is_refused)
    }

    /// Its host and port.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The largest payload that the server accepts.
    pub(super) fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// Ready when the server has processed what was sent before.
    ///
    /// The crate does not tell when it gets a PONG, so a message to a subject of its own does it.
    pub(super) async fn round_trip(&self) -> Result<(), LinkError> {
        let subject = format!("_INBOX.parlor.{:016x}.{:x}", self.id, self.next());
        let mut inbox = self.unless_lost(self.client.subscribe(subject.clone())).await?;
        self.unless_lost(self.client.publish(subject, Bytes::new())).await?;
        let message = inbox.next().map(|message| message.ok_or("the connection has ended"));
        self.unless_lost(message).await.map(|_| ())
    }

    /// The result of a future, or the reason why the link is lost.
    async fn unless_lost<T, E: Display>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, LinkError> {
        tokio::select! {
            biased;
            result = future => result.map_err(|error| match &*self.lost.borrow() {
                Some(lost) => lost.reason.clone(),
                None => LinkError::new(format_args!("{}: {error}", self.broker)),
            }),
            reason = self.lost() => Err(reason),
        }
    }

    async fn command(
        &self,
        topics: &[Topic],
        command: fn(Vec<Topic>, oneshot::Sender<Result<(), LinkError>>) -> Command,
    ) -> Result<(), LinkError> {
        let (done, executed) = oneshot::channel();
        self.unless_lost(self.commands.send(command(topics.to_vec(), done))).await?;
        self.unless_lost(executed).await?
    }

    async fn publish(&self, parcels: &[Parcel]) -> Result<(), LinkError> {
        for Parcel { topic, bytes } in parcels {
            if bytes.len() > self.max_payload() {
                self.log_size(topic, bytes.len());
                continue;
            }
            let subject = subject(topic.name());
            if topic.is_control() {
                let place = Place { origin: self.id, number: self.next() };
                let publish =
                    self.client.publish_with_reply(subject, place.subject(), bytes.clone());
                self.unless_lost(publish).await?;
            } else {
                self.unless_lost(self.client.publish(subject, bytes.clone())).await?;
            }
        }
        self.unless_lost(self.client.flush()).await
    }

    fn log_size(&self, topic: &Topic, size: usize) {
        if !self.has_logged_size.swap(true, Ordering::Relaxed) {
            let max = self.max_payload();
            warn!(
                "a parcel of {size} bytes is lost: {} accepts {max} (`max_payload` of its configuration); topic {}",
                self.broker,
                topic.name()
            );
        }
    }
}

impl Link for NatsLink {
    fn incarnation(&self) -> u64 {
        self.incarnation
    }

    fn subscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            self.command(topics, Command::Subscribe).await?;
            self.round_trip().await
        })
    }

    fn unsubscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(self.command(topics, Command::Unsubscribe))
    }

    fn publish<'a>(&'a self, parcels: &'a [Parcel]) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(self.publish(parcels))
    }

    fn lost(&self) -> BoxFuture<'_, LinkError> {
        let mut lost = self.lost.clone();
        Box::pin(async move {
            let lost = lost.wait_for(Option::is_some).await.ok().and_then(|lost| lost.clone());
            match lost {
                Some(lost) => lost.reason,
                None => LinkError::new(format_args!("{} is not read any more", self.broker)),
            }
        })
    }
}

impl Drop for NatsLink {
    /// Drops the subscriptions with the task. When the last handle of the client is dropped, its connection closes.
    ///
    /// If the server reads nothing, and the crate waits to write, the connection closes when three pings are not
    /// answered: within 15 s. Until then it may still send what it has taken, which receivers drop by its number.
    fn drop(&mut self) {
        self.reader.abort();
    }
}
