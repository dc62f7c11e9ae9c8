//! Measures Parlor beside socketioxide and Socket.IO: two nodes of each, on one Redis.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml
//! ```
//!
//! It prints the tables of "Beside others" in `docs/scaling.md`. `README.md` says what they contain.

mod client;
mod cluster;
mod cpu;
mod load;
mod measure;
mod peer;
mod process;
mod receipts;
mod tables;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use tokio::task::LocalSet;

use crate::measure::Fault;
use crate::peer::Peer;
use crate::tables::Results;

const USAGE: &str = "usage: parlor-peers [--rounds N] [--secs S] [--only NAME]
  --rounds N  how often each figure of the first table is measured (3)
  --secs S    how long (3)
  --only NAME parlor, socketioxide, redis-adapter or redis-streams-adapter";

struct Options {
    rounds: usize,
    time: Duration,
    only: Option<Peer>,
}

// One thread for all clients: the load leaves the other cores to the nodes and to Redis.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = options(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if cfg!(debug_assertions) {
        println!("not optimised: `--release` is missing, and the values mean nothing\n");
    }
    match LocalSet::new().run_until(compare(&options)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Parses the arguments. Returns `None` if they are invalid.
fn options(args: &[String]) -> Option<Options> {
    let (mut rounds, mut secs, mut only) = (3, 3.0, None);
    for pair in args.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--rounds" => rounds = value.parse().ok()?,
            "--secs" => secs = value.parse().ok()?,
            "--only" => only = Some(Peer::of_name(value)?),
            _ => return None,
        }
    }
    let time = Duration::try_from_secs_f64(secs).ok()?;
    (!time.is_zero() && rounds > 0).then_some(Options { rounds, time, only })
}

async fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let peers = peer::prepare(options.only)?;
    let mut results: Vec<Results> = peers.iter().copied().map(Results::new).collect();
    for round in 1..=options.rounds {
        for of in &mut results {
            eprintln!("round {round}: {}", of.peer.title());
            of.paced.push(measure::paced(of.peer, options.time).await?);
            of.window.push(measure::window(of.peer, options.time).await?);
        }
    }
    for fault in Fault::ALL {
        for of in &mut results {
            eprintln!("Redis is {}: {}", fault.title(), of.peer.title());
            of.outages.push((fault, measure::outage(of.peer, fault).await?));
        }
    }
    tables::print(&results);
    Ok(())
}
