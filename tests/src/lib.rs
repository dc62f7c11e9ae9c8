//! Shared by the tests: a test procedure, a server on a free port, and a WebSocket client that is
//! independent of Parlor's client.

#![allow(clippy::missing_panics_doc, reason = "panics fail the test")]

mod broker;
mod broker_proxy;
mod deadlock;
mod example;
mod faulty_proxy;
mod log;
mod probe_procedure;
mod raw_client;
mod reusable_port;
mod seeded_rng;
mod test_server;

pub use broker::Broker;
pub use broker_proxy::{BrokerProxy, Direction};
pub use deadlock::{without_deadlock, without_deadlock_async};
pub use example::Example;
pub use faulty_proxy::FaultyProxy;
pub use log::{Log, LogGuard};
pub use probe_procedure::*;
pub use raw_client::{Closed, RawClient, Welcomed, secret};
pub use reusable_port::reusable_addr;
pub use seeded_rng::SeededRng;
pub use test_server::TestServer;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parlor::server::Recovery;
use parlor::test::settle;

/// Sessions end with their connections.
pub fn recovery_off() -> Recovery {
    Recovery { window: Duration::ZERO, ..Recovery::default() }
}

/// The longest time that a test waits for something that happens without delay.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Waits for `future` for at most [`TEST_TIMEOUT`].
///
/// # Panics
///
/// When it is not ready by then.
pub async fn within_timeout<F: Future>(what: &str, future: F) -> F::Output {
    let waited = tokio::time::timeout(TEST_TIMEOUT, future).await;
    waited.unwrap_or_else(|_| panic!("timed out waiting for {what}"))
}

/// Waits until the health of a node is as expected. No event tells of a change, so other tasks run in between.
///
/// # Panics
///
/// When it is not by then.
pub async fn wait_for_health(
    router: &parlor::Router,
    what: &str,
    is_met: impl Fn(&parlor::backplane::Health) -> bool,
) {
    let polling = async {
        while !router.health().is_some_and(|health| is_met(&health)) {
            tokio::task::yield_now().await;
        }
    };
    within_timeout(what, polling).await;
}

/// Advances a paused clock in steps, so that timers fire in order and tasks run in between.
pub async fn advance_clock(time: Duration) {
    const STEP: Duration = Duration::from_millis(10);
    let end = tokio::time::Instant::now() + time;
    loop {
        settle().await;
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            return;
        }
        tokio::time::advance(left.min(STEP)).await;
    }
}

/// Returns an address with a free port.
pub fn free_addr() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// Returns the folder of the repository.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reports that a test is skipped because a tool is missing, and returns true. Under
/// `PARLOR_TEST_ALL=1` it returns false: the test runs and fails.
pub fn skip_without(what: &str) -> bool {
    let skip = std::env::var_os("PARLOR_TEST_ALL").is_none_or(|value| value != "1");
    if skip {
        // Not `eprintln!`: the test harness captures it.
        let _ = writeln!(std::io::stderr(), "skipped a test: {what}");
    }
    skip
}
