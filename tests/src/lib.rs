//! What the tests share: a procedure to probe, a server on a free port, and a client that is not
//! Parlor's.

#![allow(clippy::missing_panics_doc, reason = "what tests share panics where tests do")]

mod dice;
mod example;
mod log;
mod probe;
mod proxy;
mod running;
mod wire;

pub use dice::Dice;
pub use example::Example;
pub use log::{Listening, Log};
pub use probe::*;
pub use proxy::Proxy;
pub use running::Running;
pub use wire::{Closed, Welcomed, Wire, secret};

use std::io::Write;
use std::time::Duration;

use parlor::test::settle;

/// How long a test waits for what should come at once.
pub const GENEROUS: Duration = Duration::from_secs(20);

/// Waits for `future`, which should be ready at once.
///
/// # Panics
///
/// When it is not ready after [`GENEROUS`].
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    let waited = tokio::time::timeout(GENEROUS, future).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Lets time pass on a paused clock, bit by bit, so that all that is due in it happens in its order.
pub async fn pass(time: Duration) {
    const BIT: Duration = Duration::from_millis(10);
    let end = tokio::time::Instant::now() + time;
    loop {
        settle().await;
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            return;
        }
        tokio::time::advance(left.min(BIT)).await;
    }
}

/// Skips a test whose tool is missing, and says so. Under `PARLOR_TEST_ALL=1` nothing is skipped: the
/// test goes on, and fails.
pub fn skip_without(what: &str) -> bool {
    let skip = std::env::var_os("PARLOR_TEST_ALL").is_none_or(|value| value != "1");
    if skip {
        // Not `eprintln!`, which the test harness keeps to itself.
        let _ = writeln!(std::io::stderr(), "skipped a test: {what}");
    }
    skip
}
