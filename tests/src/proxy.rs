//! A network that fails: a TCP proxy that cuts, tears, swallows and delays what goes through it, at
//! random, but the same for the same seed and times.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::Dice;

/// How long the first trouble of a connection lets it live at most, in ms, and if it comes at once.
const LIVES: [Range<u64>; 2] = [0..8000, 0..40];
/// How long a delay lasts, in ms.
const DELAYS: Range<u64> = 20..1500;
/// How long a dead connection seems to live, in ms.
const SILENCES: Range<u64> = 100..2500;
/// How long nobody is let in, and how long it is fine between, in ms.
const STORMS: [Range<u64>; 2] = [200..2500, 1000..5000];

/// The proxy. It goes on when this is dropped, as long as its runtime.
pub struct Proxy {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    /// Whether there is trouble.
    wild: watch::Sender<bool>,
    /// What happens to who connects now.
    door: watch::Sender<Door>,
    /// Changes when all connections are cut.
    cut: watch::Sender<()>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Door {
    Open,
    /// New connections are reset.
    Shut,
    /// The server hears those who connect, and nobody hears the server.
    Mute,
}

/// What happens to the bytes of one direction.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Flow,
    Hold,
    Swallow,
    /// The next ones pass in part, then the connection is reset.
    Tear,
}

enum End {
    Closed,
    Reset,
    /// One side is reset, the other (the server, if so) sees it after some time.
    OneSided {
        server_waits: bool,
        wait: Duration,
    },
}

impl Proxy {
    /// A proxy for the server at `target`, through which all goes well until [`Proxy::unleash`].
    pub async fn start(target: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            target,
            wild: watch::Sender::new(false),
            door: watch::Sender::new(Door::Open),
            cut: watch::Sender::new(()),
            counts: Mutex::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared), Dice::new(seed)));
        tokio::spawn(storm(Arc::clone(&shared), Dice::new(!seed)));
        Self { addr, shared }
    }

    /// From now on connections fail.
    pub fn unleash(&self) {
        self.shared.wild.send_replace(true);
    }

    /// No new trouble from now on.
    pub fn calm(&self) {
        self.shared.wild.send_replace(false);
    }

    /// Resets all connections, and new ones until [`Proxy::open`].
    pub async fn cut(&self) {
        self.shared.door.send_replace(Door::Shut);
        self.shared.cut.send_replace(());
        // Each connection has a receiver, as long as it is.
        self.shared.cut.closed().await;
    }

    /// Takes new connections again.
    pub fn open(&self) {
        self.shared.door.send_replace(Door::Open);
    }

    /// How often what has happened.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    async fn trouble(&self) {
        let mut wild = self.wild.subscribe();
        // The sender is in `self`.
        let _ = wild.wait_for(|wild| *wild).await;
    }

    fn is_wild(&self) -> bool {
        *self.wild.borrow()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut dice: Dice) {
    while let Ok((near, _)) = listener.accept().await {
        shared.count("connections");
        let door = *shared.door.borrow();
        if door == Door::Shut {
            shared.count("refused");
            let _ = near.set_zero_linger();
            continue;
        }
        let dice = dice.another();
        tokio::spawn(carry(Arc::clone(&shared), near, dice, door == Door::Mute));
    }
}

/// Now and then nobody comes through.
async fn storm(shared: Arc<Shared>, mut dice: Dice) {
    let [storms, fine] = STORMS;
    loop {
        shared.trouble().await;
        sleep(dice.millis(fine.clone())).await;
        if shared.is_wild() {
            shared.door.send_replace(if dice.below(2) == 0 { Door::Shut } else { Door::Mute });
            sleep(dice.millis(storms.clone())).await;
            shared.door.send_replace(Door::Open);
        }
    }
}

/// One connection, until it ends.
async fn carry(shared: Arc<Shared>, mut near: TcpStream, mut dice: Dice, mute: bool) {
    let Ok(mut far) = TcpStream::connect(shared.target).await else { return };
    for stream in [&near, &far] {
        stream.set_nodelay(true).expect("no delay");
    }
    let up = watch::Sender::new(Way::Flow);
    let down = watch::Sender::new(if mute { Way::Swallow } else { Way::Flow });
    let mut cut = shared.cut.subscribe();
    let end = {
        let ((near_read, near_write), (far_read, far_write)) = (near.split(), far.split());
        let there = pump(near_read, far_write, up.subscribe(), dice.another());
        let back = pump(far_read, near_write, down.subscribe(), dice.another());
        let trouble = async {
            if mute {
                shared.count("muted");
                sleep(dice.millis(SILENCES)).await;
                return End::Reset;
            }
            loop {
                if let Some(end) = trouble(&shared, &mut dice, &up, &down).await {
                    return end;
                }
            }
        };
        tokio::select! {
            ended = async { tokio::try_join!(there, back) } => match ended {
                Ok(_) => End::Closed,
                Err(Broken) => End::Reset,
            },
            end = trouble => end,
            _ = cut.changed() => End::Reset,
        }
    };
    match end {
        End::Closed => {
            let _ = near.shutdown().await;
            let _ = far.shutdown().await;
        }
        End::Reset => {
            let _ = near.set_zero_linger();
            let _ = far.set_zero_linger();
            drop((near, far));
        }
        End::OneSided { server_waits, wait } => {
            let (first, last) = if server_waits { (near, far) } else { (far, near) };
            let _ = first.set_zero_linger();
            drop(first);
            let _ = timeout(wait, swallow(last)).await;
        }
    }
    drop(cut);
}

/// Waits for a trouble and makes it; says how the connection ends, if it does.
async fn trouble(
    shared: &Shared,
    dice: &mut Dice,
    up: &watch::Sender<Way>,
    down: &watch::Sender<Way>,
) -> Option<End> {
    shared.trouble().await;
    let [long, short] = LIVES;
    let life = if dice.below(4) == 0 { short } else { long };
    sleep(dice.millis(life)).await;
    if !shared.is_wild() {
        return None;
    }
    let ways: &[_] = match dice.below(3) {
        0 => &[up],
        1 => &[down],
        _ => &[up, down],
    };
    let all = |to: Way| {
        for way in ways {
            way.send_replace(to);
        }
    };
    match dice.below(6) {
        0 => {
            shared.count("closed");
            Some(End::Closed)
        }
        1 => {
            shared.count("reset");
            Some(End::Reset)
        }
        2 => {
            shared.count("delayed");
            all(Way::Hold);
            sleep(dice.millis(DELAYS)).await;
            all(Way::Flow);
            None
        }
        3 => {
            shared.count(if ways.len() == 2 { "blackholed" } else { "half blackholed" });
            all(Way::Swallow);
            sleep(dice.millis(SILENCES)).await;
            Some(if dice.below(2) == 0 { End::Reset } else { End::Closed })
        }
        4 => {
            shared.count("torn");
            all(Way::Tear);
            pending::<Option<End>>().await
        }
        _ => {
            let server_waits = dice.below(2) == 0;
            shared.count(if server_waits { "client reset" } else { "server reset" });
            Some(End::OneSided { server_waits, wait: dice.millis(SILENCES) })
        }
    }
}

struct Broken;

/// Carries bytes one way, until there are no more.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: watch::Receiver<Way>,
    mut dice: Dice,
) -> Result<(), Broken> {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut bytes).await;
        let now = match way.wait_for(|way| *way != Way::Hold).await {
            Ok(way) => *way,
            Err(_) => return Err(Broken),
        };
        let read = match (now, read) {
            // Nobody learns of it.
            (Way::Swallow, Err(_) | Ok(0)) => pending::<usize>().await,
            (Way::Swallow, Ok(_)) => continue,
            (_, Err(_)) => return Err(Broken),
            (_, Ok(0)) => return to.shutdown().await.map_err(|_| Broken),
            (_, Ok(read)) => read,
        };
        let passes = if now == Way::Tear { dice.below(read as u64) } else { read as u64 };
        let part = usize::try_from(passes).unwrap_or_default();
        to.write_all(&bytes[..part]).await.map_err(|_| Broken)?;
        if now == Way::Tear {
            to.flush().await.map_err(|_| Broken)?;
            return Err(Broken);
        }
    }
}

/// Reads and forgets.
async fn swallow(mut from: TcpStream) -> Infallible {
    let mut bytes = vec![0; 16 << 10];
    while from.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    pending().await
}
