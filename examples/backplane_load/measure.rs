//! Latency at a rate, and the highest rate.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::received::Received;

/// Events that are published together.
pub const MAX_BATCH: usize = 128;
/// Events under way, at most, when the highest rate is measured: half of what the outbox of a slow client may hold.
const WINDOW: u64 = 2048;
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

pub struct Measured {
    pub p50: Duration,
    pub p99: Duration,
    /// Events per second.
    pub rate: f64,
}

/// One side of the comparison.
pub trait Publisher {
    fn received(&self) -> &Arc<Received>;

    /// Publishes `count` events, at most [`MAX_BATCH`].
    async fn publish(&mut self, count: usize) -> Result<(), Box<dyn Error>>;
}

/// p50 and p99 at 1 000 events per second.
pub async fn latency(
    publisher: &mut impl Publisher,
    time: Duration,
) -> Result<[Duration; 2], Box<dyn Error>> {
    let received = Arc::clone(publisher.received());
    let until = received.count();
    received.take_latencies();
    let mut tick = interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < time {
        tick.tick().await;
        publisher.publish(1).await?;
        sent += 1;
    }
    arrives(&received, until + sent).await?;
    let mut latencies = received.take_latencies();
    latencies.sort_unstable();
    let of = |percent| latencies.get(latencies.len() * percent / 100).copied();
    Ok([of(50).ok_or("nothing arrived")?, of(99).ok_or("nothing arrived")?])
}

/// The events per second that arrive when the publisher always has more. Fails if one is lost.
pub async fn sustained(
    publisher: &mut impl Publisher,
    time: Duration,
) -> Result<f64, Box<dyn Error>> {
    let received = Arc::clone(publisher.received());
    let before = received.count();
    let mut sent = before;
    let start = Instant::now();
    while start.elapsed() < time {
        if sent + MAX_BATCH as u64 > received.count() + WINDOW {
            timeout(ARRIVES_WITHIN, received.more()).await?;
            continue;
        }
        publisher.publish(MAX_BATCH).await?;
        sent += MAX_BATCH as u64;
    }
    arrives(&received, sent).await?;
    let count = u32::try_from(sent - before)?;
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Waits until this number of events has arrived since the start.
pub async fn arrives(received: &Received, count: u64) -> Result<(), Box<dyn Error>> {
    let all = async {
        while received.count() < count {
            received.more().await;
        }
    };
    let lost = |_| format!("{} events are lost", count - received.count());
    Ok(timeout(ARRIVES_WITHIN, all).await.map_err(lost)?)
}
