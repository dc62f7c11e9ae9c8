//! The processor time of a process, as Linux shows it.

use std::path::Path;
use std::time::Duration;

/// What `/proc` counts in: 100 per second on all common architectures.
const TICK: Duration = Duration::from_millis(10);

/// The processor time of all threads of a process. `None` on other systems.
pub fn used(process: u32) -> Option<Duration> {
    let folder = format!("/proc/{process}");
    match scheduled(Path::new(&folder)) {
        // Some kernels do not count it.
        None | Some(Duration::ZERO) => ticks(Path::new(&folder)),
        used => used,
    }
}

/// In nanoseconds: the first field of each thread's `schedstat`.
fn scheduled(process: &Path) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for thread in process.join("task").read_dir().ok()? {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        sum += Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?);
    }
    Some(sum)
}

/// In ticks: `utime` and `stime` of `stat`.
fn ticks(process: &Path) -> Option<Duration> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    // The name is in parentheses, and may contain spaces. `state` is the first field after it.
    let mut fields = stat.rsplit(") ").next()?.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}
