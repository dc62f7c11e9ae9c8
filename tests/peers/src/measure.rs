//! The measurements. Each has new nodes and a new Redis.

use std::error::Error;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::load::Load;
use crate::peer::Peer;
use crate::receipts::{Node, Receipts};

const WARM_UP: Duration = Duration::from_secs(1);
/// Of the load of a fault.
const OUTAGE_TIME: Duration = Duration::from_secs(8);
const FAULT_AFTER: Duration = Duration::from_secs(2);

/// From the publish to the receipt on B.
pub struct Paced {
    pub p50: Duration,
    pub p99: Duration,
    pub faults: Faults,
}

pub struct Window {
    pub events_per_second: f64,
    /// Of both nodes.
    pub cpu_per_event: Option<Duration>,
    pub faults: Faults,
}

pub struct Outage {
    pub published: usize,
    pub lost_on_b: usize,
    /// If the program can be told.
    pub reported: Option<u64>,
    pub lost_on_a: usize,
    pub longest_pause_on_a: Pause,
    pub returned: Result<Duration, NotWithin>,
    pub faults: Faults,
}

/// Between two receipts.
pub enum Pause {
    Of(Duration),
    /// Nothing arrived afterwards.
    ToTheEnd,
}

/// How long B received nothing after Redis was back.
pub struct NotWithin(pub Duration);

/// What no peer is expected to do.
#[derive(Default)]
pub struct Faults {
    pub lost: usize,
    pub twice: usize,
    pub out_of_order: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Kill,
    Stop,
}

impl Fault {
    pub const ALL: [Self; 2] = [Self::Kill, Self::Stop];

    pub fn title(self) -> &'static str {
        match self {
            Self::Kill => "killed, and started again after 1 s",
            Self::Stop => "stopped for 3 s (SIGSTOP)",
        }
    }

    async fn inject(self, cluster: &mut Cluster, load: &Load) -> Result<(), Box<dyn Error>> {
        sleep(FAULT_AFTER).await;
        match self {
            Self::Kill => {
                cluster.kill_redis();
                sleep(Duration::from_secs(1)).await;
                cluster.restart_redis().await?;
            }
            Self::Stop => {
                cluster.stop_redis()?;
                sleep(Duration::from_secs(3)).await;
                cluster.continue_redis()?;
            }
        }
        load.redis_is_back();
        Ok(())
    }
}

impl Faults {
    fn of(receipts: &Receipts) -> Self {
        Self {
            lost: receipts.lost(Node::A).max(receipts.lost(Node::B)),
            twice: receipts.twice(),
            out_of_order: receipts.out_of_order(),
        }
    }
}

/// 1 000 events per second.
pub async fn paced(peer: Peer, time: Duration) -> Result<Paced, Box<dyn Error>> {
    let (_cluster, load) = start(peer).await?;
    load.paced(WARM_UP).await;
    load.keep_latencies();
    load.paced(time).await;
    load.arrives().await?;
    let receipts = load.receipts();
    let mut latencies = receipts.latencies.clone();
    latencies.sort_unstable();
    let of = |percent| latencies.get(latencies.len() * percent / 100).copied();
    let (p50, p99) = of(50).zip(of(99)).ok_or("nothing arrived")?;
    Ok(Paced { p50, p99, faults: Faults::of(&receipts) })
}

/// 256 events under way.
pub async fn window(peer: Peer, time: Duration) -> Result<Window, Box<dyn Error>> {
    let (cluster, load) = start(peer).await?;
    load.window(WARM_UP).await;
    let (start, cpu) = (Instant::now(), cluster.cpu());
    let before = load.receipts().complete(Node::B);
    load.window(time).await;
    let events = u32::try_from(load.receipts().complete(Node::B) - before)?;
    let elapsed = start.elapsed();
    let cpu = cpu.zip(cluster.cpu()).map(|(before, after)| after.saturating_sub(before));
    load.arrives().await?;
    if events == 0 {
        return Err("nothing arrived".into());
    }
    Ok(Window {
        events_per_second: f64::from(events) / elapsed.as_secs_f64(),
        cpu_per_event: cpu.map(|cpu| cpu / events),
        faults: Faults::of(&load.receipts()),
    })
}

/// 1 000 events per second for 8 s, with a fault of Redis after 2 s.
pub async fn outage(peer: Peer, fault: Fault) -> Result<Outage, Box<dyn Error>> {
    let (mut cluster, load) = start(peer).await?;
    let (injected, ()) = tokio::join!(fault.inject(&mut cluster, &load), load.paced(OUTAGE_TIME));
    injected?;
    let (end, last_on_a) = (Instant::now(), load.receipts().of(Node::A).last);
    let back = load.receipts().redis_back.ok_or("Redis is not back")?;
    load.arrives().await?;
    let receipts = load.receipts();
    let a = receipts.of(Node::A);
    // Nothing arrived on A any more, neither before the end nor after it.
    let to_the_end = a.last == last_on_a && receipts.lost(Node::A) > 0;
    let last_pause = last_on_a.map_or(OUTAGE_TIME, |last| end - last);
    Ok(Outage {
        published: receipts.published(),
        lost_on_b: receipts.lost(Node::B),
        reported: peer.reports_losses().then(|| cluster.reported()),
        lost_on_a: receipts.lost(Node::A),
        longest_pause_on_a: if to_the_end && last_pause > a.longest_pause {
            Pause::ToTheEnd
        } else {
            Pause::Of(a.longest_pause.max(last_pause))
        },
        returned: receipts.returned_after.ok_or(NotWithin(end - back)),
        faults: Faults { lost: 0, ..Faults::of(&receipts) },
    })
}

async fn start(peer: Peer) -> Result<(Cluster, Load), Box<dyn Error>> {
    let cluster = Cluster::start(peer).await?;
    let load = Load::join(cluster.addrs, peer.dialect()).await?;
    Ok((cluster, load))
}
