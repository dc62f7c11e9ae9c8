//! Two nodes of one cluster: A emits to a room, and a client on B is its member.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor::backplane::{Health, JoinConfirmation, Nats, Redis};
use parlor::prelude::*;
use parlor::server::Limits;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use crate::client;
use crate::measure::{self, Publisher};
use crate::received::{Received, text};

const ROOM: &str = "general";
const LINKED_WITHIN: Duration = Duration::from_secs(10);

#[procedure]
pub trait Load {
    #[incoming]
    async fn join_room(&mut self, room: String);
    /// Joins this number of rooms, and reports when all are confirmed.
    #[incoming]
    async fn join_rooms(&mut self, count: u32);
    #[incoming]
    async fn echo(&mut self, text: String);

    #[outgoing]
    fn message(text: String);
    #[outgoing]
    fn echoed(text: String);
}

pub struct Guest {
    socket: LoadSocket,
    joined: Option<UnboundedSender<Duration>>,
}

impl Load for Guest {
    async fn join_room(&mut self, room: String) {
        if let Err(error) = self.socket.join(&room) {
            eprintln!("{error}");
        }
    }

    async fn join_rooms(&mut self, count: u32) {
        let start = Instant::now();
        let room = |number| format!("room-{number:06}");
        for number in 0..count {
            self.join_room(room(number)).await;
            if number % 1000 == 0 {
                tokio::task::yield_now().await;
            }
        }
        for number in 0..count {
            // It waits for 500 ms at most, so again.
            while let Ok(JoinConfirmation::Unconfirmed) =
                self.socket.join_confirmed(room(number)).await
            {}
        }
        if let Some(joined) = &self.joined {
            let _ = joined.send(start.elapsed());
        }
    }

    async fn echo(&mut self, text: String) {
        self.socket.emit().echoed(text);
    }
}

pub struct Node {
    router: Router,
    pub io: LoadIo,
    pub addr: SocketAddr,
}

impl Node {
    /// Serves, as a node of the cluster of `url` if there is one. `joined`: where [`Load::join_rooms`] reports.
    pub async fn serve(
        url: Option<&str>,
        joined: Option<UnboundedSender<Duration>>,
    ) -> Result<Self, Box<dyn Error>> {
        let limits = Limits { max_rooms_per_socket: usize::MAX, ..Limits::default() };
        let server = LoadServer::new(move |socket: LoadSocket| {
            let joined = joined.clone();
            async move { Ok(Guest { socket, joined }) }
        });
        let server = server.limits(limits);
        let io = server.io();
        let router = Router::new().procedure("/chat", server);
        let router = match url {
            Some(url) if url.starts_with("nats") => router.backplane(Nats::connect(url).await?),
            Some(url) => router.backplane(Redis::connect(url).await?),
            None => router,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        tokio::spawn(router.clone().serve(listener).into_future());
        Ok(Self { router, io, addr })
    }

    pub fn health(&self) -> Option<Health> {
        self.router.health()
    }

    /// Waits until this node knows another one.
    pub async fn finds_other(&self) -> Result<(), Box<dyn Error>> {
        let found = async {
            while self.health().is_none_or(|health| health.nodes.is_empty()) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        Ok(timeout(LINKED_WITHIN, found).await.map_err(|_| "the nodes do not find each other")?)
    }
}

pub struct Pair {
    a: Node,
    b: Node,
    received: Arc<Received>,
}

impl Pair {
    pub async fn link(url: &str) -> Result<Self, Box<dyn Error>> {
        let (a, b) = (Node::serve(Some(url), None).await?, Node::serve(Some(url), None).await?);
        a.finds_other().await?;
        b.finds_other().await?;
        let received = Arc::<Received>::default();
        client::join(b.addr, ROOM, Arc::clone(&received)).await?;
        let mut pair = Self { a, b, received };
        // Until B is subscribed, nothing arrives.
        while pair.received.count() == 0 {
            pair.publish(1).await?;
            sleep(Duration::from_millis(50)).await;
        }
        let count = pair.received.count();
        pair.publish(1).await?;
        measure::arrives(&pair.received, count + 1).await?;
        Ok(pair)
    }

    /// What the nodes have counted.
    pub fn losses(&self) -> String {
        let [a, b] = [&self.a, &self.b].map(|node| node.health().map(|health| health.counters));
        let (Some(a), Some(b)) = (a, b) else { return String::new() };
        format!(
            "A: {} published, {} overflowed, {} aged out; B: {} received, {} lost, {} overflowed",
            a.published, a.overflowed, a.aged, b.received, b.lost, b.inbox_overflowed
        )
    }
}

impl Publisher for Pair {
    fn received(&self) -> &Arc<Received> {
        &self.received
    }

    async fn publish(&mut self, count: usize) -> Result<(), Box<dyn Error>> {
        (0..count).for_each(|_| self.a.io.to(ROOM).message(text()));
        tokio::task::yield_now().await;
        Ok(())
    }
}
