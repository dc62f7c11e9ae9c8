//! Compares Parlor with a chat server written directly with tokio-tungstenite, under the same load.
//!
//! ```sh
//! cargo run --release --example load                              # two minutes; writes load.svg
//! cargo run --release --example load -- --only echo --secs 5
//! ```
//!
//! Each server runs in a process of its own, so its CPU time is measured apart from that of the load.
//! Compare the CPU time: the messages per second also depend on the load, which shares the machine
//! and, in `echo` and `pipeline`, uses as much CPU as the server.
//!
//! The clients use plain mode, with frames of `["event", payload]`. The load fails if a client does not
//! receive each message once and in order.

mod chart;
mod client;
mod group;
mod handwritten_server;
mod measure;
mod metrics;
mod parlor_server;
mod server;
mod table;
mod workload;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use crate::metrics::{Measurement, Round};
use crate::server::{Kind, Server};
use crate::workload::Workload;

const USAGE: &str =
    "usage: load [--secs S] [--rounds N] [--members N] [--only WORKLOAD] [--chart PATH]
  --secs S         how long each server is measured in each round (2)
  --rounds N       how often each server has its turn (3)
  --members N      of the room in fan-out, and connections in rooms and idle (1000, for which each
                   process needs `ulimit -n 1024`)
  --only WORKLOAD  fan-out, fan-out-single, rooms, echo, pipeline or idle
  --chart PATH     where the chart is written (load.svg)";

struct Options {
    secs: Duration,
    rounds: usize,
    members: usize,
    only: Option<String>,
    chart: PathBuf,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = if let [serve, kind] = args.as_slice()
        && serve == server::SERVE
    {
        kind.parse().and_then(server::serve)
    } else if let Some(options) = options(&args) {
        compare(&options)
    } else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Parses the arguments. Returns `None` if they are invalid.
fn options(args: &[String]) -> Option<Options> {
    let (mut secs, mut rounds, mut members, mut only) = (2.0, 3, 1000, None);
    let mut chart = PathBuf::from("load.svg");
    for pair in args.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--secs" => secs = f64::from_str(value).ok()?,
            "--rounds" => rounds = value.parse().ok()?,
            "--members" => members = value.parse().ok()?,
            "--only" => only = Some(value.clone()),
            "--chart" => chart = value.into(),
            _ => return None,
        }
    }
    let secs = Duration::try_from_secs_f64(secs).ok()?;
    let known = |name: &String| workload::all(members).iter().any(|it| it.name == name);
    let is_valid = !secs.is_zero() && rounds > 0 && members >= workload::MIN_MEMBERS;
    (is_valid && only.as_ref().is_none_or(known)).then_some(Options {
        secs,
        rounds,
        members,
        only,
        chart,
    })
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        println!("not optimised: `--release` is missing, and the values mean nothing\n");
    }
    if !server::CAN_ATTRIBUTE {
        println!("CPU time and memory are only known on Linux\n");
    }
    table::print_head(options.rounds, options.secs);
    let mut comparisons = Vec::new();
    for workload in workload::all(options.members) {
        if options.only.as_ref().is_none_or(|only| only == workload.name) {
            let rounds = rounds(&workload, options)?;
            let compared = metrics::compare(&rounds);
            table::print(&workload, &compared);
            comparisons.push((workload, compared));
        }
    }
    let chart = chart::draw(&comparisons, options.rounds, options.secs);
    std::fs::write(&options.chart, chart)
        .map_err(|error| format!("{}: {error}", options.chart.display()))?;
    println!("\nchart: {}", options.chart.display());
    Ok(())
}

/// Each round measures both servers one after the other, each in a new process.
fn rounds(workload: &Workload, options: &Options) -> Result<Vec<Round>, Box<dyn Error>> {
    let measure = |kind: Kind| -> Result<Vec<Measurement>, Box<dyn Error>> {
        let server = Server::start(kind)?;
        measure::measure(workload, &server, options.secs)
            .map_err(|error| format!("{} with {}: {error}", workload.name, kind.name()).into())
    };
    let round = |number: usize| {
        // The order alternates.
        Ok(if number.is_multiple_of(2) {
            let parlor = measure(Kind::Parlor)?;
            Round { parlor, handwritten: measure(Kind::Handwritten)? }
        } else {
            let handwritten = measure(Kind::Handwritten)?;
            Round { parlor: measure(Kind::Parlor)?, handwritten }
        })
    };
    (0..options.rounds).map(round).collect()
}
