//! All rows of an engine, and the table of their figures.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Barrier, Mutex};

use crate::engine::Engine;
use crate::fault::Fault;
use crate::row::{Figures, Load, run};

/// How the matrix is run.
struct Scale {
    runs: u32,
    /// The outages of 20 s take this time.
    long: Duration,
    busy: Load,
    idle: Load,
    /// Rows that run at the same time.
    at_once: usize,
}

impl Scale {
    /// As the environment says: see [`main`](crate).
    fn new() -> Self {
        let number = |name| std::env::var(name).ok().map(|it| it.parse().expect("a number"));
        let seconds = Duration::from_secs;
        match number("PARLOR_FAULT_RUNS") {
            None => Self {
                runs: 1,
                long: seconds(8),
                busy: Load { rate: 50, before: seconds(1) },
                idle: Load { rate: 1, before: seconds(1) },
                at_once: usize::MAX,
            },
            Some(runs) => Self {
                runs,
                long: seconds(20),
                busy: Load { rate: 200, before: seconds(4) },
                idle: Load { rate: 20, before: seconds(10) },
                at_once: number("PARLOR_FAULT_ROWS").map_or(4, |rows| rows as usize),
            },
        }
    }

    fn faults(&self) -> Vec<(&'static str, Fault)> {
        let seconds = Duration::from_secs;
        let mut faults = vec![
            ("none", Fault::None(seconds(5))),
            ("kill -9, restart after 20 s", Fault::Kill(self.long)),
            ("SIGSTOP for 20 s", Fault::Stop(self.long)),
            ("kill -9, restart after 1 s", Fault::Kill(seconds(1))),
            ("SIGSTOP for 3 s", Fault::Stop(seconds(3))),
            ("connections of one node blackholed", Fault::Blackhole),
            ("reset within a frame", Fault::ResetMidFrame),
            ("10 kB/s for one node, 5 s", Fault::Throttle(seconds(5))),
            ("broker out of memory", Fault::OutOfMemory(seconds(1))),
            ("cut for a full output buffer", Fault::OutputBuffer),
            ("peer of a wrong version, 3 s", Fault::WrongVersion(seconds(3))),
        ];
        // It uses prlimit.
        faults.retain(|(_, fault)| {
            cfg!(target_os = "linux") || !matches!(fault, Fault::OutOfMemory(_))
        });
        faults
    }
}

const TABLE_HEAD: &str = "\
| fault | p99 of local events, idle | busy | back in service: idle, busy | lost, and reported: idle, busy |
| --- | --- | --- | --- | --- |
";

/// Its holder runs rows. Those of two engines would have more than 1 024 connections, which is a common limit of files.
static TURN: Mutex<()> = Mutex::const_new(());

/// Runs all rows, prints their figures, and fails if a row does.
pub(crate) async fn run_all(engine: Engine) {
    let _turn = TURN.lock().await;
    let scale = Scale::new();
    let faults = scale.faults();
    let mut failed = Vec::new();
    let Some(idle) = run_rows(engine, &scale, scale.idle, &mut failed).await else {
        return;
    };
    let busy = run_rows(engine, &scale, scale.busy, &mut failed).await;
    let busy = busy.expect("the broker is installed");
    let mut table = String::from(TABLE_HEAD);
    for (((name, _), idle), busy) in faults.iter().zip(&idle).zip(&busy) {
        if !idle.is_empty() && !busy.is_empty() {
            writeln!(table, "| {name} | {} |", cells([idle, busy])).expect("written");
        }
    }
    println!("{engine:?}\n\n{table}");
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// Runs all rows with a load, as often as `scale` says. Returns the figures of each that did not fail. `None` if the
/// broker is not installed.
async fn run_rows(
    engine: Engine,
    scale: &Scale,
    load: Load,
    failed: &mut Vec<String>,
) -> Option<Vec<Vec<Figures>>> {
    let faults = scale.faults();
    let only = std::env::var("PARLOR_FAULT_ONLY").unwrap_or_default();
    let mut rows: Vec<Vec<Figures>> = faults.iter().map(|_| Vec::new()).collect();
    let is_chosen = |name: &str| only.split('|').any(|part| name.contains(part));
    let chosen: Vec<_> =
        faults.iter().enumerate().filter(|(_, (name, _))| is_chosen(name)).collect();
    for chosen in (0..scale.runs).flat_map(|_| chosen.chunks(scale.at_once)) {
        let ready = Arc::new(Barrier::new(chosen.len()));
        let running = chosen.iter().map(|(row, (_, fault))| {
            (*row, tokio::spawn(run(engine, *fault, load, Arc::clone(&ready))))
        });
        for (row, task) in running.collect::<Vec<_>>() {
            match task.await {
                Ok(figures) => rows[row].push(figures?),
                // What it panics with is printed.
                Err(_) => failed.push(format!("{}, {load:?}", faults[row].0)),
            }
        }
    }
    Some(rows)
}

/// The cells of a fault, from its idle and its busy runs: of all runs together the times of local events, the longest
/// time until they were back, and the sum of what was lost.
fn cells(loads: [&Vec<Figures>; 2]) -> String {
    let [idle, busy] = loads.map(|runs| {
        let before = milliseconds(p99(runs, |run| &run.before));
        let during = milliseconds(p99(runs, |run| &run.during));
        let back = runs.iter().map(|run| run.back).max().unwrap_or_default().as_secs_f64();
        let lost: u64 = runs.iter().map(|run| run.lost).sum();
        (format!("{before:.2} → {during:.2} ms"), back, lost)
    });
    let (backs, losses) = ((idle.1, busy.1), (idle.2, busy.2));
    format!(
        "{} | {} | {:.2} s, {:.2} s | {}, {}",
        idle.0, busy.0, backs.0, backs.1, losses.0, losses.1
    )
}

fn p99(runs: &[Figures], times: impl Fn(&Figures) -> &Vec<Duration>) -> Duration {
    let mut all: Vec<_> = runs.iter().flat_map(|run| times(run).iter().copied()).collect();
    all.sort_unstable();
    let index = (all.len() * 99 / 100).min(all.len().saturating_sub(1));
    all.get(index).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
