//! The task that reads all subscriptions of a link, and restores the order between them.
//!
//! The crate gives each subscription a channel of its own. Its connection task puts each message into a channel, in
//! the order of arrival, and wakes the reader of that channel before it takes the next message. Here, such a wake-up
//! adds the key of the subscription to one queue, `ready`, unless it is there. So when a message can be seen in its
//! channel, each message that arrived before it has been delivered, or the key of its channel is in `ready`.

use std::collections::HashMap;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use async_nats::{Client, Message, Subscriber};
use futures::Stream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tracing::warn;

use super::dial::{CAPACITY, Notice};
use super::order::{Held, Place};
use super::subject::subject;
use crate::backplane::{Inbox, LinkError, Topic};

/// Messages of one subscription that are delivered before the next one has its turn.
const AT_ONCE: usize = 256;

/// What a link asks its reader for. The answer says that the crate has taken all of it.
pub(super) enum Command {
    Subscribe(Vec<Topic>, oneshot::Sender<Result<(), LinkError>>),
    Unsubscribe(Vec<Topic>, oneshot::Sender<Result<(), LinkError>>),
}

/// Why a link is lost.
#[derive(Clone)]
pub(super) struct Lost {
    pub(super) reason: LinkError,
    /// Whether the server keeps the connection, but refuses something that the link needs.
    pub(super) is_refused: bool,
}

pub(super) struct Reader {
    client: Client,
    /// `NATS at 127.0.0.1:4222`.
    broker: Arc<str>,
    inbox: Inbox,
    subscriptions: HashMap<u64, Subscription>,
    /// The keys of the subscriptions by the names of their topics.
    keys: HashMap<String, u64>,
    next_key: u64,
    /// Has each key once at most.
    ready: (UnboundedSender<u64>, UnboundedReceiver<u64>),
    /// Parcels of control topics that are taken from their channels and wait for those before them.
    held: Vec<Held>,
    lost: watch::Sender<Option<Lost>>,
    /// What the server reported last.
    reported: Option<String>,
    is_slow: bool,
}

struct Subscription {
    subscriber: Subscriber,
    is_control: bool,
    notify: Arc<Notify>,
    waker: Waker,
}

/// Wakes the reader for one subscription.
struct Notify {
    key: u64,
    is_queued: AtomicBool,
    ready: UnboundedSender<u64>,
}

impl Wake for Notify {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            let _ = self.ready.send(self.key);
        }
    }
}

impl Subscription {
    /// Takes at most `limit` messages. Returns `false` if no more will follow.
    fn take(&mut self, limit: usize, mut take: impl FnMut(Message)) -> bool {
        self.notify.is_queued.swap(false, Ordering::AcqRel);
        let mut context = Context::from_waker(&self.waker);
        for _ in 0..limit {
            match Pin::new(&mut self.subscriber).poll_next(&mut context) {
                Poll::Ready(Some(message)) => take(message),
                Poll::Ready(None) => return false,
                Poll::Pending => return true,
            }
        }
        self.waker.wake_by_ref();
        true
    }
}

impl Reader {
    pub(super) fn new(
        client: Client,
        broker: Arc<str>,
        inbox: Inbox,
        lost: watch::Sender<Option<Lost>>,
    ) -> Self {
        Self {
            client,
            broker,
            inbox,
            subscriptions: HashMap::new(),
            keys: HashMap::new(),
            next_key: 0,
            ready: unbounded_channel(),
            held: Vec::new(),
            lost,
            reported: None,
            is_slow: false,
        }
    }

    /// Reads until the link is dropped. Runs without tokio's budget, which makes full channels seem empty.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut notices: mpsc::Receiver<Notice>,
    ) {
        let mut is_connected = true;
        loop {
            tokio::select! {
                biased;
                notice = notices.recv(), if is_connected => {
                    is_connected = notice.is_some();
                    self.note(notice);
                }
                command = commands.recv() => match command {
                    Some(command) => self.execute(command).await,
                    None => return,
                },
                () = std::future::ready(()), if !self.held.is_empty() => {
                    self.deliver_held();
                    yield_now().await;
                }
                Some(key) = self.ready.1.recv() => {
                    self.read(key, AT_ONCE);
                    yield_now().await;
                }
            }
        }
    }

    fn note(&mut self, notice: Option<Notice>) {
        match notice {
            Some(Notice::SlowConsumer) if self.is_slow => {}
            Some(Notice::SlowConsumer) => {
                self.is_slow = true;
                warn!(
                    "parcels of {} are lost: more than {CAPACITY} of one topic wait",
                    self.broker
                );
            }
            Some(Notice::Error(text)) => {
                // The server keeps the connection, but this node does not get what it needs.
                if text.to_lowercase().starts_with("permissions violation") {
                    self.set_lost(&format!("{} refuses: {text}", self.broker), true);
                }
                self.reported = Some(text);
            }
            Some(Notice::Disconnected) | None => {
                let reason = match &self.reported {
                    Some(text) => format!("{} has closed the connection: {text}", self.broker),
                    None => format!("the connection to {} is lost", self.broker),
                };
                self.set_lost(&reason, false);
            }
        }
    }

    /// Sets the reason, if there is none yet.
    fn set_lost(&self, reason: &str, is_refused: bool) {
        self.lost.send_if_modified(|lost| {
            let is_first = lost.is_none();
            lost.get_or_insert_with(|| Lost { reason: LinkError::new(reason), is_refused });
            is_first
        });
    }

    async fn execute(&mut self, command: Command) {
        match command {
            Command::Subscribe(topics, done) => {
                let _ = done.send(self.subscribe(topics).await);
            }
            Command::Unsubscribe(topics, done) => {
                let _ = done.send(self.unsubscribe(topics).await);
            }
        }
    }

    /// Nothing is delivered meanwhile: a parcel of a new subscription would be overtaken by those of control topics.
    async fn subscribe(&mut self, topics: Vec<Topic>) -> Result<(), LinkError> {
        for topic in topics {
            if self.keys.contains_key(topic.name()) {
                continue;
            }
            let subscriber = self.client.subscribe(subject(topic.name())).await;
            let subscriber = subscriber.map_err(|error| self.failed("a subscription", error))?;
            let key = self.next_key;
            self.next_key += 1;
            let ready = self.ready.0.clone();
            let notify = Arc::new(Notify { key, is_queued: AtomicBool::new(false), ready });
            let waker = Waker::from(Arc::clone(&notify));
            waker.wake_by_ref();
            let is_control = topic.is_control();
            self.keys.insert(topic.name().to_owned(), key);
            self.subscriptions.insert(key, Subscription { subscriber, is_control, notify, waker });
        }
        Ok(())
    }

    async fn unsubscribe(&mut self, topics: Vec<Topic>) -> Result<(), LinkError> {
        for topic in topics {
            let Some(key) = self.keys.remove(topic.name()) else { continue };
            let Some(mut subscription) = self.subscriptions.remove(&key) else { continue };
            let ended = subscription.subscriber.unsubscribe().await;
            ended.map_err(|error| self.failed("the end of a subscription", error))?;
        }
        Ok(())
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> LinkError {
        LinkError::new(format_args!("{what} of {} fails: {error}", self.broker))
    }

    /// Delivers messages of a subscription of events, at most `limit`. Holds those of a control topic.
    fn read(&mut self, key: u64, limit: usize) {
        // It is missing if the subscription was ended.
        let Some(subscription) = self.subscriptions.get_mut(&key) else { return };
        let is_open = if subscription.is_control {
            subscription.take(CAPACITY, |message| {
                let place = message.reply.as_deref().map_or(Place::UNKNOWN, Place::parse);
                self.held.push(Held { place, bytes: message.payload });
            })
        } else {
            subscription.take(limit, |message| self.inbox.deliver(message.payload))
        };
        if !is_open {
            // Only because the connection has ended.
            self.subscriptions.remove(&key);
        }
    }

    /// Delivers the held parcels, each after what its node published before it.
    ///
    /// All of that has arrived, so its channels are in `ready` now. Each of them is read once, up to its capacity.
    /// That takes parcels of other control topics too: those that were published before a held one are delivered with it,
    /// the others are held.
    fn deliver_held(&mut self) {
        let mut parcels = mem::take(&mut self.held);
        let last = Place::last_of_each_origin(&parcels);
        for _ in 0..self.ready.1.len() {
            let Ok(key) = self.ready.1.try_recv() else { break };
            self.read(key, CAPACITY);
        }
        parcels.append(&mut self.held);
        parcels.sort_by_key(|parcel| parcel.place);
        for parcel in parcels {
            if last.get(&parcel.place.origin).is_some_and(|last| parcel.place.number <= *last) {
                self.inbox.deliver(parcel.bytes);
            } else {
                self.held.push(parcel);
            }
        }
    }
}
