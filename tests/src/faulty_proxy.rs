//! A TCP proxy with random faults: it closes and resets connections, also in the middle of a
//! message, discards bytes and delays them. The same seed gives the same faults.

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

use super::SeededRng;

/// Milliseconds until the next fault of a connection: usually, and in one case of four.
const FAULT_DELAYS: [Range<u64>; 2] = [0..8000, 0..40];
/// How long bytes are delayed, in ms.
const BYTE_DELAYS: Range<u64> = 20..1500;
/// How long a connection stays open whose bytes are discarded, in ms.
const BLACKHOLE_TIMES: Range<u64> = 100..2500;
/// How long new connections fail, and how long they succeed in between, in ms.
const OUTAGES: [Range<u64>; 2] = [200..2500, 1000..5000];

/// The proxy. It runs as long as its runtime, even if this is dropped.
pub struct FaultyProxy {
    /// The address on which it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    /// Whether faults are injected.
    faulty: watch::Sender<bool>,
    /// What happens to a new connection.
    accept_mode: watch::Sender<AcceptMode>,
    /// Notified when all connections are cut.
    cut: watch::Sender<()>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

#[derive(Clone, Copy, PartialEq)]
enum AcceptMode {
    Forward,
    /// New connections are reset.
    Reset,
    /// The server receives the client's bytes, but the client receives nothing.
    DiscardResponses,
}

/// What happens to the bytes of one direction.
#[derive(Clone, Copy, PartialEq)]
enum FlowMode {
    Forward,
    Hold,
    Discard,
    /// The next bytes are passed in part, then the connection is reset.
    Truncate,
}

enum End {
    Closed,
    Reset,
    /// One side is reset. The other one stays open for `wait`.
    OneSided {
        server_stays: bool,
        wait: Duration,
    },
}

impl FaultyProxy {
    /// Starts a proxy for the server at `target`. There are no faults until
    /// [`FaultyProxy::start_faults`].
    pub async fn start(target: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            target,
            faulty: watch::Sender::new(false),
            accept_mode: watch::Sender::new(AcceptMode::Forward),
            cut: watch::Sender::new(()),
            counts: Mutex::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared), SeededRng::new(seed)));
        tokio::spawn(inject_outages(Arc::clone(&shared), SeededRng::new(!seed)));
        Self { addr, shared }
    }

    /// Starts to inject faults.
    pub fn start_faults(&self) {
        self.shared.faulty.send_replace(true);
    }

    /// Injects no more faults.
    pub fn stop_faults(&self) {
        self.shared.faulty.send_replace(false);
    }

    /// Resets all connections, and new ones until [`FaultyProxy::accept_again`].
    pub async fn cut(&self) {
        self.shared.accept_mode.send_replace(AcceptMode::Reset);
        self.shared.cut.send_replace(());
        // Each connection holds a receiver until it ends.
        self.shared.cut.closed().await;
    }

    /// Accepts new connections again.
    pub fn accept_again(&self) {
        self.shared.accept_mode.send_replace(AcceptMode::Forward);
    }

    /// Returns how often each kind of fault happened.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    async fn wait_for_faults(&self) {
        let mut faulty = self.faulty.subscribe();
        // The sender is in `self`.
        let _ = faulty.wait_for(|faulty| *faulty).await;
    }

    fn is_faulty(&self) -> bool {
        *self.faulty.borrow()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut rng: SeededRng) {
    while let Ok((near, _)) = listener.accept().await {
        shared.count("connections");
        let accept_mode = *shared.accept_mode.borrow();
        if accept_mode == AcceptMode::Reset {
            shared.count("refused");
            let _ = near.set_zero_linger();
            continue;
        }
        let rng = rng.fork();
        tokio::spawn(forward(
            Arc::clone(&shared),
            near,
            rng,
            accept_mode == AcceptMode::DiscardResponses,
        ));
    }
}

/// Makes all new connections fail for some time, again and again.
async fn inject_outages(shared: Arc<Shared>, mut rng: SeededRng) {
    let [outages, pauses] = OUTAGES;
    loop {
        shared.wait_for_faults().await;
        sleep(rng.millis(pauses.clone())).await;
        if shared.is_faulty() {
            shared.accept_mode.send_replace(if rng.below(2) == 0 {
                AcceptMode::Reset
            } else {
                AcceptMode::DiscardResponses
            });
            sleep(rng.millis(outages.clone())).await;
            shared.accept_mode.send_replace(AcceptMode::Forward);
        }
    }
}

/// Forwards one connection until it ends.
async fn forward(
    shared: Arc<Shared>,
    mut near: TcpStream,
    mut rng: SeededRng,
    discard_responses: bool,
) {
    let Ok(mut far) = TcpStream::connect(shared.target).await else { return };
    for stream in [&near, &far] {
        stream.set_nodelay(true).expect("no delay");
    }
    let up = watch::Sender::new(FlowMode::Forward);
    let down =
        watch::Sender::new(if discard_responses { FlowMode::Discard } else { FlowMode::Forward });
    let mut cut = shared.cut.subscribe();
    let end = {
        let ((near_read, near_write), (far_read, far_write)) = (near.split(), far.split());
        let upstream = pass_bytes(near_read, far_write, up.subscribe(), rng.fork());
        let downstream = pass_bytes(far_read, near_write, down.subscribe(), rng.fork());
        let faults = async {
            if discard_responses {
                shared.count("responses discarded");
                sleep(rng.millis(BLACKHOLE_TIMES)).await;
                return End::Reset;
            }
            loop {
                if let Some(end) = inject_fault(&shared, &mut rng, &up, &down).await {
                    return end;
                }
            }
        };
        tokio::select! {
            ended = async { tokio::try_join!(upstream, downstream) } => match ended {
                Ok(_) => End::Closed,
                Err(Broken) => End::Reset,
            },
            end = faults => end,
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
        End::OneSided { server_stays, wait } => {
            let (first, last) = if server_stays { (near, far) } else { (far, near) };
            let _ = first.set_zero_linger();
            drop(first);
            let _ = timeout(wait, discard(last)).await;
        }
    }
    drop(cut);
}

/// Waits for the next fault and injects it. Returns how the connection ends, if it does.
async fn inject_fault(
    shared: &Shared,
    rng: &mut SeededRng,
    up: &watch::Sender<FlowMode>,
    down: &watch::Sender<FlowMode>,
) -> Option<End> {
    shared.wait_for_faults().await;
    let [long, short] = FAULT_DELAYS;
    let delay = if rng.below(4) == 0 { short } else { long };
    sleep(rng.millis(delay)).await;
    if !shared.is_faulty() {
        return None;
    }
    let directions: &[_] = match rng.below(3) {
        0 => &[up],
        1 => &[down],
        _ => &[up, down],
    };
    let all = |to: FlowMode| {
        for mode in directions {
            mode.send_replace(to);
        }
    };
    match rng.below(6) {
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
            all(FlowMode::Hold);
            sleep(rng.millis(BYTE_DELAYS)).await;
            all(FlowMode::Forward);
            None
        }
        3 => {
            shared.count(if directions.len() == 2 {
                "discarded"
            } else {
                "discarded in one direction"
            });
            all(FlowMode::Discard);
            sleep(rng.millis(BLACKHOLE_TIMES)).await;
            Some(if rng.below(2) == 0 { End::Reset } else { End::Closed })
        }
        4 => {
            shared.count("truncated");
            all(FlowMode::Truncate);
            pending::<Option<End>>().await
        }
        _ => {
            let server_stays = rng.below(2) == 0;
            shared.count(if server_stays { "client reset" } else { "server reset" });
            Some(End::OneSided { server_stays, wait: rng.millis(BLACKHOLE_TIMES) })
        }
    }
}

struct Broken;

/// Passes bytes in one direction until the end of the stream.
async fn pass_bytes(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mode: watch::Receiver<FlowMode>,
    mut rng: SeededRng,
) -> Result<(), Broken> {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut bytes).await;
        let now = match mode.wait_for(|mode| *mode != FlowMode::Hold).await {
            Ok(mode) => *mode,
            Err(_) => return Err(Broken),
        };
        let read = match (now, read) {
            // The other side does not see the end.
            (FlowMode::Discard, Err(_) | Ok(0)) => pending::<usize>().await,
            (FlowMode::Discard, Ok(_)) => continue,
            (_, Err(_)) => return Err(Broken),
            (_, Ok(0)) => return to.shutdown().await.map_err(|_| Broken),
            (_, Ok(read)) => read,
        };
        let passes = if now == FlowMode::Truncate { rng.below(read as u64) } else { read as u64 };
        let part = usize::try_from(passes).unwrap_or_default();
        to.write_all(&bytes[..part]).await.map_err(|_| Broken)?;
        if now == FlowMode::Truncate {
            to.flush().await.map_err(|_| Broken)?;
            return Err(Broken);
        }
    }
}

/// Reads and discards bytes.
async fn discard(mut from: TcpStream) -> Infallible {
    let mut bytes = vec![0; 16 << 10];
    while from.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    pending().await
}
