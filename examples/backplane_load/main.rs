//! Measures what a backplane costs: two nodes in this process, beside the bare client library of the broker.
//!
//! ```sh
//! cargo run --release --features nats,redis --example backplane_load -- redis://127.0.0.1
//! cargo run --release --features nats,redis --example backplane_load -- nats://127.0.0.1 --secs 1 --rounds 9
//! cargo run --release --features nats,redis --example backplane_load -- redis://127.0.0.1 --rooms 100000
//! ```
//!
//! Both sides publish the same frames of 200 bytes, in turn. Parlor's way is the whole one: an emit on node A, the
//! broker, node B, its session, a WebSocket on loopback, and a client that parses the frame. The bare way is one
//! connection that publishes, in pipelines of at most 128, and one that is subscribed.

mod bare;
mod client;
mod measure;
mod node;
mod received;
mod rooms;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use crate::bare::Bare;
use crate::measure::{Measured, Publisher};
use crate::node::Pair;

const USAGE: &str = "usage: backplane_load URL [--secs S] [--rounds N] [--rooms N]
  URL        of the broker: redis:// or nats://
  --secs S   how long each figure is measured in each round (1)
  --rounds N how often each side has its turn (5)
  --rooms N  measures the time and the memory of N rooms instead; the memory of NATS is read from its
             monitoring port 8222, which `nats-server -m 8222` opens";

struct Options {
    url: String,
    time: Duration,
    rounds: usize,
    rooms: Option<u32>,
}

#[tokio::main]
async fn main() -> ExitCode {
    parlor_examples::log();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = options(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if cfg!(debug_assertions) {
        println!("not optimised: `--release` is missing, and the values mean nothing\n");
    }
    let done = match options.rooms {
        Some(rooms) => rooms::measure(&options.url, rooms).await,
        None => compare(&options).await,
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
    let (url, pairs) = args.split_first()?;
    let (mut secs, mut rounds, mut rooms) = (1.0, 5, None);
    for pair in pairs.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--secs" => secs = value.parse().ok()?,
            "--rounds" => rounds = value.parse().ok()?,
            "--rooms" => rooms = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    let time = Duration::try_from_secs_f64(secs).ok()?;
    (!time.is_zero() && rounds > 0).then(|| Options { url: url.clone(), time, rounds, rooms })
}

/// Each round measures both sides one after the other.
async fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let (mut bare, mut pair) =
        (Bare::connect(&options.url).await?, Pair::link(&options.url).await?);
    let mut rounds = Vec::new();
    for number in 0..options.rounds {
        // The order alternates.
        rounds.push(if number.is_multiple_of(2) {
            let parlor = measure(&mut pair, options.time).await?;
            (parlor, measure(&mut bare, options.time).await?)
        } else {
            let bare = measure(&mut bare, options.time).await?;
            (measure(&mut pair, options.time).await?, bare)
        });
    }
    let (count, time) = (options.rounds, options.time);
    println!("Parlor's backplane and the bare client library; medians of {count} × {time:?}\n");
    println!("{:<28}{:>12}{:>12}{:>12}", "", "Parlor", "bare", "difference");
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    for (name, of) in
        [("p50", (|it: &Measured| it.p50) as fn(&Measured) -> Duration), ("p99", |it| it.p99)]
    {
        let [parlor, bare] = medians(&rounds, |it| micros(of(it)));
        let more =
            median(rounds.iter().map(|(parlor, bare)| micros(of(parlor)) - micros(of(bare))));
        println!(
            "{:<28}{parlor:>12.0}{bare:>12.0}{:>12}",
            format!("{name} at 1 000/s, µs"),
            format!("{more:+.0}")
        );
    }
    let [parlor, bare] = medians(&rounds, |it| it.rate);
    let ratio = median(rounds.iter().map(|(parlor, bare)| parlor.rate / bare.rate));
    println!(
        "{:<28}{parlor:>12.0}{bare:>12.0}{:>12}",
        "sustained, events/s",
        format!("× {ratio:.2}")
    );
    println!("\n{}", pair.losses());
    Ok(())
}

async fn measure(
    publisher: &mut impl Publisher,
    time: Duration,
) -> Result<Measured, Box<dyn Error>> {
    let [p50, p99] = measure::latency(publisher, time).await?;
    Ok(Measured { p50, p99, rate: measure::sustained(publisher, time).await? })
}

fn medians(rounds: &[(Measured, Measured)], of: impl Fn(&Measured) -> f64) -> [f64; 2] {
    let parlor = median(rounds.iter().map(|(parlor, _)| of(parlor)));
    [parlor, median(rounds.iter().map(|(_, bare)| of(bare)))]
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
