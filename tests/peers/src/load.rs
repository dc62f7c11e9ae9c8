//! One client on node A publishes to a room with itself and four members on node B.

use std::cell::{Ref, RefCell};
use std::error::Error;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};

use crate::client::{Client, Dialect, Outbox, ROOM};
use crate::receipts::{Node, Receipts};

const MEMBERS_ON_B: usize = 4;
const TEXT_SIZE: usize = 200;
const PERIOD: Duration = Duration::from_millis(1);
/// Events that are published and not received by all members on B, at most.
const WINDOW: usize = 256;
const LINKED_WITHIN: Duration = Duration::from_secs(10);
/// How long the last events may take.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5);

pub struct Load {
    receipts: Rc<RefCell<Receipts>>,
    received: Rc<Notify>,
    publisher: Rc<Outbox>,
    dialect: Dialect,
    /// The clients. They end when this is dropped.
    _clients: JoinSet<()>,
}

impl Load {
    /// Connects the clients, and publishes until an event reaches each of them.
    pub async fn join([a, b]: [SocketAddr; 2], dialect: Dialect) -> Result<Self, Box<dyn Error>> {
        let client = Client::join(a, dialect).await?;
        let publisher = client.outbox();
        let mut members = vec![(Node::A, client)];
        for _ in 0..MEMBERS_ON_B {
            members.push((Node::B, Client::join(b, dialect).await?));
        }
        let receipts = Rc::<RefCell<Receipts>>::default();
        let received = Rc::<Notify>::default();
        let mut clients = JoinSet::new();
        for (node, client) in members {
            let index = receipts.borrow_mut().add(node);
            let (receipts, received) = (Rc::clone(&receipts), Rc::clone(&received));
            clients.spawn_local(async move {
                let error = client
                    .run(
                        |text, now| receipts.borrow_mut().record(node, index, text, now),
                        || received.notify_one(),
                    )
                    .await;
                receipts.borrow_mut().broken = Some(format!("a client of node {node:?}: {error}"));
                received.notify_one();
            });
        }
        let load = Self { receipts, received, publisher, dialect, _clients: clients };
        let linked = async {
            while !load.receipts.borrow().is_linked() {
                load.send("linked");
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(LINKED_WITHIN, linked).await.map_err(|_| "no event reaches all members")?;
        Ok(load)
    }

    pub fn receipts(&self) -> Ref<'_, Receipts> {
        self.receipts.borrow()
    }

    pub fn keep_latencies(&self) {
        self.receipts.borrow_mut().keeps_latencies = true;
    }

    pub fn redis_is_back(&self) {
        self.receipts.borrow_mut().redis_back = Some(std::time::Instant::now());
    }

    /// Publishes 1 000 events per second.
    pub async fn paced(&self, time: Duration) {
        let mut tick = interval(PERIOD);
        // After a delay, the missing ones are published together: the rate holds.
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let ticks = time.as_micros() / PERIOD.as_micros();
        for _ in 0..ticks {
            tick.tick().await;
            self.publish();
        }
    }

    /// Publishes whenever less than [`WINDOW`] events are under way.
    pub async fn window(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            while self.receipts().lost(Node::B) < WINDOW {
                self.publish();
            }
            // It ends without a receipt if as many events are lost.
            let _ = timeout_at(end, self.received.notified()).await;
        }
    }

    /// Waits until all events have arrived, for 5 s at most. Fails if a connection has ended.
    pub async fn arrives(&self) -> Result<(), Box<dyn Error>> {
        let all = async {
            while self.receipts().lost(Node::A) + self.receipts().lost(Node::B) > 0 {
                self.received.notified().await;
            }
        };
        // What has not arrived by then is lost.
        let _ = timeout(ARRIVES_WITHIN, all).await;
        match &self.receipts().broken {
            Some(broken) => Err(broken.clone().into()),
            None => Ok(()),
        }
    }

    fn publish(&self) {
        let number = self.receipts.borrow_mut().publish();
        let mut text = format!("#{number:010}");
        text.extend(std::iter::repeat_n('x', TEXT_SIZE - text.len()));
        self.send(&text);
    }

    fn send(&self, text: &str) {
        let event = format!(r#"["sendMessage",{{"room":"{ROOM}","text":"{text}"}}]"#);
        self.publisher.push_event(self.dialect, &event);
    }
}
