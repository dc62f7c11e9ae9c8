//! All rows of an engine, and the table of their figures.

use std::fmt::Write;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

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
    /// Busy rows that run at the same time.
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
                busy: Load { rate: 20, before: seconds(1) },
                idle: Load { rate: 1, before: seconds(1) },
                at_once: usize::MAX,
            },
            Some(runs) => Self {
                runs,
                long: seconds(20),
                busy: Load { rate: 200, before: seconds(4) },
                idle: Load { rate: 1, before: seconds(10) },
                at_once: number("PARLOR_FAULT_ROWS").map_or(4, |rows| rows as usize),
            },
        }
    }

    fn faults(&self) -> Vec<(&'static str, Fault)> {
        let seconds = Duration::from_secs;
        vec![
            ("none", Fault::None),
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
        ]
    }
}

/// Runs all rows, prints their figures, and fails if a row does.
pub(crate) async fn run_all(engine: Engine) {
    let scale = Scale::new();
    let faults = scale.faults();
    let only = std::env::var("PARLOR_FAULT_ONLY").unwrap_or_default();
    let mut table = String::from(
        "| fault | subscribers | local p99: before → during | back in service | lost = reported |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut failed = Vec::new();
    for (load_name, load, at_once) in
        [("idle", scale.idle, usize::MAX), ("busy", scale.busy, scale.at_once)]
    {
        let mut rows: Vec<Vec<Figures>> = faults.iter().map(|_| Vec::new()).collect();
        for _ in 0..scale.runs {
            let mut waiting =
                faults.iter().enumerate().filter(|(_, (name, _))| name.contains(&only));
            let mut running = FuturesUnordered::new();
            loop {
                while running.len() < at_once
                    && let Some((row, (_, fault))) = waiting.next()
                {
                    let task = tokio::spawn(run(engine, *fault, load));
                    running.push(async move { (row, task.await) });
                }
                let Some((row, outcome)) = running.next().await else { break };
                match outcome {
                    Ok(Some(figures)) => rows[row].push(figures),
                    Ok(None) => return,
                    Err(_) => failed.push((faults[row].0, load_name)),
                }
            }
        }
        for ((name, _), figures) in faults.iter().zip(&rows) {
            if !figures.is_empty() {
                writeln!(table, "| {name} | {load_name} | {}", cells(figures)).expect("written");
            }
        }
    }
    println!("{engine:?}\n\n{table}");
    assert!(failed.is_empty(), "failed: {failed:?}");
}

fn cells(runs: &[Figures]) -> String {
    let p99 = |times: &dyn Fn(&Figures) -> &Vec<Duration>| {
        let mut all: Vec<_> = runs.iter().flat_map(|run| times(run).iter().copied()).collect();
        all.sort_unstable();
        all.get((all.len() * 99 / 100).min(all.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let before = milliseconds(p99(&|run| &run.before));
    let during = milliseconds(p99(&|run| &run.during));
    let is_within = runs.iter().all(|run| run.lost == run.reported);
    let back = runs.iter().map(|run| run.back).max().unwrap_or_default().as_secs_f64();
    let lost: u64 = runs.iter().map(|run| run.lost).sum();
    let reported: u64 = runs.iter().map(|run| run.reported).sum();
    assert!(is_within, "lost {lost}, reported {reported}");
    format!("{before:.2} → {during:.2} ms | {back:.2} s | {lost} = {reported} |")
}
