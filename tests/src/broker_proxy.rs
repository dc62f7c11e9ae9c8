//! A TCP proxy between a node and its broker, whose faults a test controls. [`FaultyProxy`](super::FaultyProxy) has
//! random ones.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::{reusable_addr, within_timeout};

/// The size of what is read at once, in bytes.
const CHUNK: usize = 16 << 10;
/// Chunks of one direction of a connection that wait for the end of a delay. Then nothing more is read.
const MAX_WAITING_CHUNKS: usize = 64;
/// Open connections. Further ones wait.
const MAX_CONNECTIONS: usize = 1_000;
/// How often bytes are passed under [`BrokerProxy::throttle`].
const PARTS_PER_SECOND: u32 = 20;

/// The proxy. When it is dropped, all its connections are closed.
pub struct BrokerProxy {
    /// The address on which it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the node to the broker.
    ToBroker,
    /// From the broker to the node.
    FromBroker,
}

struct Shared {
    target: SocketAddr,
    faults: watch::Sender<Faults>,
    counts: watch::Sender<Counts>,
    /// The direction, and the bytes that are still passed before the connection is reset.
    reset: Mutex<Option<(Direction, usize)>>,
}

#[derive(Clone, Copy, Default)]
struct Faults {
    /// Connections with a lower number pass nothing.
    silent_below: u64,
    /// Connections with a lower number are reset.
    reset_below: u64,
    refuse: bool,
    delay: Duration,
    bytes_per_second: Option<NonZeroU32>,
}

#[derive(Default)]
struct Counts {
    accepted: u64,
    /// The numbers of the open connections.
    open: BTreeSet<u64>,
    is_listening: bool,
}

/// What a reader passes to the writer of its direction.
enum Read {
    Bytes(Vec<u8>),
    /// The end of the stream.
    Closed,
    Broken,
}

/// One connection has to be reset.
struct Broken;

impl BrokerProxy {
    /// Starts a proxy for the broker at `target`, without faults.
    pub async fn start(target: SocketAddr) -> Self {
        let (addr, listener) = loop {
            let addr = reusable_addr();
            // Another program may have taken it meanwhile.
            if let Ok(listener) = TcpListener::bind(addr).await {
                break (addr, listener);
            }
        };
        let shared = Arc::new(Shared {
            target,
            faults: watch::Sender::default(),
            counts: watch::Sender::new(Counts { is_listening: true, ..Counts::default() }),
            reset: Mutex::default(),
        });
        let task = tokio::spawn(listen(addr, listener, Arc::clone(&shared)));
        Self { addr, shared, task }
    }

    /// The connections that exist pass nothing more in both directions, and stay open. New ones work.
    pub fn blackhole(&self) {
        let next = self.connections();
        self.shared.faults.send_modify(|faults| faults.silent_below = next);
    }

    /// All connections pass nothing more, and stay open. New ones are accepted, and pass nothing.
    pub fn blackhole_all(&self) {
        self.shared.faults.send_modify(|faults| faults.silent_below = u64::MAX);
    }

    /// Listens no more: new connections are refused. Those that exist work.
    pub async fn refuse(&self) {
        self.shared.faults.send_modify(|faults| faults.refuse = true);
        self.wait_for("the end of listening", |counts| !counts.is_listening).await;
    }

    /// Resets the connections that exist. Ready when all are reset.
    pub async fn reset_all(&self) {
        let next = self.connections();
        self.shared.faults.send_modify(|faults| faults.reset_below = next);
        self.wait_for("the resets", |counts| counts.open.range(..next).next().is_none()).await;
    }

    /// Resets one connection in the middle of a frame: that which passes the last one of the next `bytes` bytes of
    /// a direction. Both sides get a RST.
    pub fn reset_mid_frame(&self, direction: Direction, bytes: usize) {
        *self.shared.armed_reset() = Some((direction, bytes));
    }

    /// Passes at most this number of bytes per second, in each direction of each connection.
    ///
    /// # Panics
    ///
    /// When it is 0: see [`BrokerProxy::blackhole_all`].
    pub fn throttle(&self, bytes_per_second: u32) {
        let rate = NonZeroU32::new(bytes_per_second).expect("at least 1 byte per second");
        self.shared.faults.send_modify(|faults| faults.bytes_per_second = Some(rate));
    }

    /// Passes bytes `delay` after they arrived. At most 1 MiB waits in each direction of each connection. Then
    /// nothing more is read, which delays it further.
    pub fn delay(&self, delay: Duration) {
        self.shared.faults.send_modify(|faults| faults.delay = delay);
    }

    /// Ends all faults. What was not passed is passed now, but for connections that are reset.
    pub async fn heal(&self) {
        *self.shared.armed_reset() = None;
        self.shared.faults.send_replace(Faults::default());
        self.wait_for("the proxy to listen", |counts| counts.is_listening).await;
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> u64 {
        self.shared.counts.borrow().accepted
    }

    /// How many connections are open. One that passes nothing counts until the faults end, even if the node has
    /// closed it.
    pub fn open_connections(&self) -> usize {
        self.shared.counts.borrow().open.len()
    }

    /// Waits until it has accepted `count` connections since its start.
    pub async fn wait_for_connections(&self, count: u64) {
        self.wait_for("connections", |counts| counts.accepted >= count).await;
    }

    /// Waits until `count` connections are open.
    pub async fn wait_for_open_connections(&self, count: usize) {
        self.wait_for("open connections", |counts| counts.open.len() == count).await;
    }

    async fn wait_for(&self, what: &str, is_met: impl FnMut(&Counts) -> bool) {
        let mut counts = self.shared.counts.subscribe();
        let waited = within_timeout(what, counts.wait_for(is_met)).await;
        waited.expect("the sender is in `self`");
    }
}

impl Drop for BrokerProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn armed_reset(&self) -> std::sync::MutexGuard<'_, Option<(Direction, usize)>> {
        self.reset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections. They end when this is dropped.
async fn listen(addr: SocketAddr, listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut listener = Some(listener);
    let mut faults = shared.faults.subscribe();
    loop {
        let refuse = faults.borrow_and_update().refuse;
        if refuse {
            listener = None;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(addr).await.expect("a port that only this uses"));
        }
        shared.counts.send_modify(|counts| counts.is_listening = listener.is_some());
        let accepting = listener.as_ref().filter(|_| connections.len() < MAX_CONNECTIONS);
        let accept = async {
            match accepting {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accept => {
                let (near, _) = accepted.expect("accepted");
                let mut number = 0;
                shared.counts.send_modify(|counts| {
                    number = counts.accepted;
                    counts.accepted += 1;
                    counts.open.insert(number);
                });
                connections.spawn(connect(Arc::clone(&shared), near, number));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = faults.changed() => {}
        }
    }
}

/// Forwards one connection until it ends.
async fn connect(shared: Arc<Shared>, mut near: TcpStream, number: u64) {
    let mut faults = shared.faults.subscribe();
    let mut far = None;
    let forward = async {
        let mut faults = shared.faults.subscribe();
        // The sender is in `shared`.
        let _ = faults.wait_for(|faults| faults.silent_below <= number).await;
        let far = far.insert(TcpStream::connect(shared.target).await.map_err(|_| Broken)?);
        for stream in [&near, far] {
            stream.set_nodelay(true).map_err(|_| Broken)?;
        }
        let (near_read, near_write) = near.split();
        let (far_read, far_write) = far.split();
        tokio::try_join!(
            pass(&shared, number, Direction::ToBroker, near_read, far_write),
            pass(&shared, number, Direction::FromBroker, far_read, near_write),
        )?;
        Ok(())
    };
    let end = tokio::select! {
        end = forward => end,
        _ = faults.wait_for(|faults| faults.reset_below > number) => Err(Broken),
    };
    if let Err(Broken) = end {
        for stream in [Some(&near), far.as_ref()].into_iter().flatten() {
            let _ = stream.set_zero_linger();
        }
    }
    drop((near, far));
    shared.counts.send_modify(|counts| _ = counts.open.remove(&number));
}

/// Passes one direction until its end.
async fn pass(
    shared: &Shared,
    number: u64,
    direction: Direction,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
) -> Result<(), Broken> {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Read)>(MAX_WAITING_CHUNKS);
    let reader = async {
        let mut faults = shared.faults.subscribe();
        let mut bytes = vec![0; CHUNK];
        loop {
            let _ = faults.wait_for(|faults| faults.silent_below <= number).await;
            let read = match from.read(&mut bytes).await {
                Ok(0) => Read::Closed,
                Ok(count) => Read::Bytes(bytes[..count].to_vec()),
                Err(_) => Read::Broken,
            };
            let is_end = !matches!(read, Read::Bytes(_));
            if sender.send((Instant::now(), read)).await.is_err() || is_end {
                return Ok(());
            }
        }
    };
    let writer = async {
        let mut faults = shared.faults.subscribe();
        while let Some((since, read)) = receiver.recv().await {
            let delay = faults.borrow().delay;
            tokio::select! {
                () = sleep_until(since + delay) => {}
                _ = faults.wait_for(|faults| faults.delay.is_zero()) => {}
            }
            match read {
                Read::Bytes(bytes) => {
                    write(shared, number, direction, &mut to, &bytes, &mut faults).await?;
                }
                Read::Closed => {
                    let _ = faults.wait_for(|faults| faults.silent_below <= number).await;
                    return to.shutdown().await.map_err(|_| Broken);
                }
                Read::Broken => {
                    let _ = faults.wait_for(|faults| faults.silent_below <= number).await;
                    return Err(Broken);
                }
            }
        }
        Ok(())
    };
    tokio::try_join!(reader, writer)?;
    Ok(())
}

async fn write(
    shared: &Shared,
    number: u64,
    direction: Direction,
    to: &mut WriteHalf<'_>,
    mut bytes: &[u8],
    faults: &mut watch::Receiver<Faults>,
) -> Result<(), Broken> {
    while !bytes.is_empty() {
        let mut rate = None;
        let mut written = 0;
        to.writable().await.map_err(|_| Broken)?;
        {
            // While this is borrowed, no fault changes: no byte is passed after `blackhole` returned.
            let faults = faults.wait_for(|faults| faults.silent_below <= number).await;
            let faults = faults.map_err(|_| Broken)?;
            let mut part = bytes.len();
            if let Some(bytes_per_second) = faults.bytes_per_second {
                rate = Some(bytes_per_second.get());
                part = part.min((bytes_per_second.get() / PARTS_PER_SECOND).max(1) as usize);
            }
            let mut reset = shared.armed_reset();
            let mut armed = reset.as_mut().filter(|(armed, _)| *armed == direction);
            if let Some((_, left)) = &mut armed {
                part = part.min(*left);
            }
            match to.try_write(&bytes[..part]) {
                Ok(count) => written = count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Broken),
            }
            if let Some((_, left)) = armed {
                *left -= written;
                if *left == 0 {
                    *reset = None;
                    return Err(Broken);
                }
            }
        }
        bytes = &bytes[written..];
        if let Some(rate) = rate {
            let parts = u32::try_from(written).map_err(|_| Broken)?;
            tokio::select! {
                () = sleep(Duration::from_secs(1) * parts / rate) => {}
                _ = faults.wait_for(|faults| faults.bytes_per_second.is_none()) => {}
            }
        }
    }
    Ok(())
}
