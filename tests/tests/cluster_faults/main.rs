//! The fault matrix: what three nodes with 30 clients do when something is wrong with their broker.
//!
//! A row is a fault, with idle or with busy subscribers. Each asserts that
//!
//! - each event reaches the clients on the node that emits it, whatever the broker does;
//! - no event arrives twice, or before an earlier one of the same node and room;
//! - each node reports exactly the events that did not arrive there, also the last one of a room;
//! - the nodes reach each other again.
//!
//! "Idle" is one event per second of each node, and 20 per second to one room from the end of the fault until they
//! arrive.
//!
//! All idle rows of an engine run at the same time, then all busy ones, each with its own broker. Outages of 20 s take
//! 8 s, which is longer than a node counts as alive without a sign (6 s), and than an event waits in a queue (3 s).
//! Times are printed, not asserted.
//!
//! | variable | is |
//! | --- | --- |
//! | `PARLOR_FAULT_RUNS` | how often each row is run to measure it, with outages of 20 s, and per second 200 events of each busy node, 20 of each idle one |
//! | `PARLOR_FAULT_ROWS` | rows that are measured at the same time, 4 by default |
//! | `PARLOR_FAULT_ONLY` | parts of the names of the faults to run, with `\|` between them |
//!
//! This prints the tables of `docs/scaling.md`:
//!
//! ```sh
//! PARLOR_FAULT_RUNS=5 cargo test --release -p parlor-tests --features redis,nats --test cluster_faults -- --nocapture
//! ```

mod cluster;
mod contract;
mod engine;
mod fault;
mod matrix;
mod raw_broker_client;
mod record;
mod row;

use engine::Engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_redis() {
    matrix::run_all(Engine::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_nats() {
    matrix::run_all(Engine::Nats).await;
}
