//! What has arrived, and how long it took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The digits of the time in a text.
const DIGITS: usize = 16;
/// The bytes of a frame, without its head.
const FRAME_SIZE: usize = 200;
/// What is around the text in a frame.
const AROUND: usize = r#"["message",{"text":""}]"#.len();

/// A text that contains the time, for a frame of 200 bytes.
pub fn text() -> String {
    let nanos = START.elapsed().as_nanos();
    format!("{nanos:0DIGITS$}{}", "x".repeat(FRAME_SIZE - AROUND - DIGITS))
}

#[derive(Default)]
pub struct Received {
    count: AtomicU64,
    latencies: Mutex<Vec<Duration>>,
    /// Wakes the publisher, which waits for space.
    arrived: Notify,
}

impl Received {
    /// Counts a frame.
    pub fn record(&self, frame: &[u8]) {
        let digits = frame.get(AROUND - 3..AROUND - 3 + DIGITS);
        let sent = digits.and_then(|it| std::str::from_utf8(it).ok()?.parse().ok());
        if let Some(sent) = sent {
            let latency = START.elapsed().saturating_sub(Duration::from_nanos(sent));
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(latency);
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Wakes the publisher, after some frames.
    pub fn wake(&self) {
        self.arrived.notify_one();
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub async fn more(&self) {
        self.arrived.notified().await;
    }

    /// Takes the times of all frames since the last call.
    pub fn take_latencies(&self) -> Vec<Duration> {
        std::mem::take(&mut self.latencies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
