//! The table on the terminal.

use std::time::Duration;

use crate::metrics::Comparison;
use crate::workload::Workload;

pub fn print_head(rounds: usize, time: Duration) {
    println!(
        "Parlor and the same chat by hand with tokio-tungstenite; medians of {rounds} × {time:?}."
    );
    println!("ratio: Parlor ÷ by hand in one round; less is better, except for messages/s\n");
    println!("{:<16}{:<16}{:>10}{:>10}{:>8}", "", "", "Parlor", "by hand", "ratio");
}

pub fn print(workload: &Workload, comparisons: &[Comparison]) {
    for Comparison { metric, parlor, handwritten, ratio } in comparisons {
        let (name, unit, decimals) = (workload.name, metric.unit(), metric.decimals());
        println!(
            "{name:<16}{unit:<16}{parlor:>10.decimals$}{handwritten:>10.decimals$}{ratio:>8.2}"
        );
    }
}
