//! A link: one connection that publishes, and one that is subscribed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future::{BoxFuture, try_join};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, PushInfo, PushKind, RedisError, Value};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::{Inbox, Link, LinkError, Parcel, Topic};
use super::address::Address;
use super::failure::{Failure, reply_text};
use super::info::{demoted, run_id};
use super::stream::{open_two, secure};
use crate::transport::Transport;

pub(super) struct RedisLink {
    address: Arc<Address>,
    incarnation: u64,
    publisher: MultiplexedConnection,
    subscriber: MultiplexedConnection,
    /// A task per connection, and one that asks for the role. When it is dropped, they end and the connections close.
    _tasks: JoinSet<()>,
    lost: watch::Receiver<Option<LinkError>>,
    is_open: Arc<AtomicBool>,
}

impl RedisLink {
    pub(super) async fn open(address: &Arc<Address>, inbox: Inbox) -> Result<Self, Failure> {
        let [publishing, subscribing] = open_two(address).await?;
        let is_open = Arc::new(AtomicBool::new(true));
        let (opened_p, opened_s) = try_join(
            handshake(publishing, address, config()),
            handshake(subscribing, address, config().set_push_sender(deliver(inbox, &is_open))),
        )
        .await?;
        let (sender, lost) = watch::channel(None);
        let report =
            |what| LossReport { what, address: Arc::clone(address), sender: sender.clone() };
        let mut tasks = JoinSet::new();
        let (subscriber, driver) = opened_s;
        tasks.spawn(drive(driver, report("is subscribed")));
        let (publisher, driver) = opened_p;
        tasks.spawn(drive(driver, report("publishes")));

        let (run_id, other) =
            try_join(run_id(publisher.clone(), address), run_id(subscriber.clone(), address))
                .await?;
        if run_id != other {
            let reason = "two connections lead to two servers, so what one publishes does not reach the other";
            return Err(Failure::Unreachable(reason.to_owned()));
        }
        tasks.spawn(watch_role(publisher.clone(), Arc::clone(address), sender));
        let incarnation = incarnation(&run_id);
        let address = Arc::clone(address);
        Ok(Self { address, incarnation, publisher, subscriber, _tasks: tasks, lost, is_open })
    }

    /// The error of a command, for logs.
    fn failed(&self, command: &str, error: &RedisError) -> LinkError {
        let address = &self.address;
        if error.is_io_error() {
            return LinkError::new(format_args!("the connection to Redis at {address} is lost"));
        }
        let reason = match error.clone().into_server_errors().as_deref() {
            Some([(_, reply), ..]) => reply_text(reply, address),
            _ => address.clean(&error.to_string()),
        };
        LinkError::new(format_args!("Redis at {address} refuses {command}: {reason}"))
    }
}

impl Drop for RedisLink {
    fn drop(&mut self) {
        // A task may run on another thread at this time, and ends at its next await.
        self.is_open.store(false, Ordering::Release);
    }
}

impl Link for RedisLink {
    fn incarnation(&self) -> u64 {
        self.incarnation
    }

    fn subscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            if topics.is_empty() {
                return Ok(());
            }
            let subscribed = self.subscriber.clone().subscribe(names(topics)).await;
            subscribed.map_err(|error| self.failed("SUBSCRIBE", &error))
        })
    }

    fn unsubscribe<'a>(&'a self, topics: &'a [Topic]) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            // Without topics, this command ends all subscriptions.
            if topics.is_empty() {
                return Ok(());
            }
            let unsubscribed = self.subscriber.clone().unsubscribe(names(topics)).await;
            unsubscribed.map_err(|error| self.failed("UNSUBSCRIBE", &error))
        })
    }

    fn publish<'a>(&'a self, parcels: &'a [Parcel]) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            if parcels.is_empty() {
                return Ok(());
            }
            let mut pipeline = Pipeline::with_capacity(parcels.len());
            for Parcel { topic, bytes } in parcels {
                pipeline.cmd("PUBLISH").arg(topic.name()).arg(&bytes[..]);
            }
            let mut publisher = self.publisher.clone();
            let replies = publisher.send_packed_commands(&pipeline, 0, parcels.len()).await;
            let refused = replies.and_then(|replies| {
                replies.into_iter().try_for_each(|reply| reply.extract_error().map(drop))
            });
            refused.map_err(|error| self.failed("PUBLISH", &error))
        })
    }

    fn lost(&self) -> BoxFuture<'_, LinkError> {
        let mut lost = self.lost.clone();
        Box::pin(async move {
            match lost.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(error)) => error.clone(),
                // The last report sets it, so that this does not happen.
                _ => {
                    LinkError::new(format_args!("the link to Redis at {} is closed", self.address))
                }
            }
        })
    }
}

fn names(topics: &[Topic]) -> Vec<&str> {
    topics.iter().map(Topic::name).collect()
}

fn config() -> AsyncConnectionConfig {
    // Parlor's probe detects a server that does not answer. A timeout of a command would do the same to a slow one.
    AsyncConnectionConfig::new().set_response_timeout(None)
}

async fn handshake(
    stream: Transport,
    address: &Address,
    config: AsyncConnectionConfig,
) -> Result<(MultiplexedConnection, BoxFuture<'static, ()>), Failure> {
    let stream = secure(stream, address).await?;
    match MultiplexedConnection::new_with_config(&address.login, stream, config).await {
        Ok((connection, driver)) => Ok((connection, Box::pin(driver))),
        Err(error) => Err(Failure::of_handshake(&error, address)),
    }
}

/// Runs a connection. Its end is the only sign that it is lost: the crate also sends a push then, but only to the
/// subscribed connection, and without a reason.
async fn drive(driver: BoxFuture<'static, ()>, report: LossReport) {
    driver.await;
    drop(report);
}

/// Ends the link when its server is no primary any more. The requests are behind what is published, in the same
/// queue. One task for all calls of `lost`, so that there is one request at a time.
async fn watch_role(
    connection: MultiplexedConnection,
    address: Arc<Address>,
    sender: watch::Sender<Option<LinkError>>,
) {
    let failure = demoted(connection).await;
    set_lost(&sender, || failure.into_link_error(&address));
}

/// Sets the reason, if there is none yet.
fn set_lost(sender: &watch::Sender<Option<LinkError>>, reason: impl FnOnce() -> LinkError) {
    sender.send_if_modified(|lost| {
        let is_first = lost.is_none();
        lost.get_or_insert_with(reason);
        is_first
    });
}

/// Reports that a connection is lost when it is dropped, so also if its task is cancelled or panics.
struct LossReport {
    what: &'static str,
    address: Arc<Address>,
    sender: watch::Sender<Option<LinkError>>,
}

impl Drop for LossReport {
    fn drop(&mut self) {
        let Self { what, address, sender } = self;
        set_lost(sender, || {
            LinkError::new(format_args!(
                "the connection to Redis at {address} that {what} has ended"
            ))
        });
    }
}

/// Called for each push in the order in which they are received, by the task of the connection. It never fails:
/// what the crate does after an error is not documented.
fn deliver(
    inbox: Inbox,
    is_open: &Arc<AtomicBool>,
) -> impl Fn(PushInfo) -> Result<(), Infallible> + Send + Sync + 'static {
    let is_open = Arc::clone(is_open);
    move |push| {
        if let Some(parcel) = parcel(push)
            && is_open.load(Ordering::Acquire)
        {
            inbox.deliver(parcel);
        }
        Ok(())
    }
}

/// The bytes of a message: a push of its channel and these bytes. Others confirm subscriptions.
fn parcel(mut push: PushInfo) -> Option<Bytes> {
    match (push.kind, push.data.pop()) {
        (PushKind::Message, Some(Value::BulkString(bytes))) => Some(Bytes::from(bytes)),
        _ => None,
    }
}

fn incarnation(run_id: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(run_id).into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}
