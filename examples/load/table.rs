//! The table on the terminal.

use crate::figures::Comparison;
use crate::workload::Workload;

pub fn print_head() {
    println!(
        "ratio: Parlor ÷ by hand, the median of the rounds; below 1 is better, but for messages/s\n"
    );
    println!("{:<16}{:<16}{:>10}{:>10}{:>8}", "", "", "Parlor", "by hand", "ratio");
}

pub fn print(workload: &Workload, comparisons: &[Comparison]) {
    for Comparison { metric, parlor, twin, ratio } in comparisons {
        let (name, unit, decimals) = (workload.name, metric.unit(), metric.decimals());
        println!("{name:<16}{unit:<16}{parlor:>10.decimals$}{twin:>10.decimals$}{ratio:>8.2}");
    }
}
