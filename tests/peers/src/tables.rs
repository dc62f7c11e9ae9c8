//! Prints the results as in `docs/scaling.md`.

use std::time::Duration;

use crate::measure::{Fault, Faults, NotWithin, Outage, Paced, Pause, Window};
use crate::peer::Peer;

/// The results of one peer.
pub struct Results {
    pub peer: Peer,
    pub paced: Vec<Paced>,
    pub window: Vec<Window>,
    pub outages: Vec<(Fault, Outage)>,
}

impl Results {
    pub fn new(peer: Peer) -> Self {
        Self { peer, paced: Vec::new(), window: Vec::new(), outages: Vec::new() }
    }
}

pub fn print(results: &[Results]) {
    println!(
        "| | p50 at 1 000/s, µs | p99, µs | events/s, 256 under way | CPU of both nodes per event, µs |"
    );
    println!("| --- | ---: | ---: | ---: | ---: |");
    for of in results {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let p50 = median(of.paced.iter().map(|it| micros(it.p50)));
        let p99 = median(of.paced.iter().map(|it| micros(it.p99)));
        let rate = median(of.window.iter().map(|it| it.events_per_second));
        let cpu = median(of.window.iter().filter_map(|it| it.cpu_per_event).map(micros));
        let [p50, p99, cpu] = [p50, p99, cpu].map(|it| it.map(grouped).unwrap_or_default());
        let rate = rate.map(|it| grouped(three_digits(it))).unwrap_or_default();
        println!("| {} | {p50} | {p99} | {rate} | {cpu} |", of.peer.title());
    }
    println!();
    println!(
        "| 1 000/s, and Redis is | lost on B | reported | lost on A | longest pause on A | B receives again after |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for fault in Fault::ALL {
        println!("| {} | | | | | |", fault.title());
        let outages = results.iter().filter_map(|of| Some((of.peer, outage(of, fault)?)));
        for (index, (peer, outage)) in outages.enumerate() {
            print_outage(peer, outage, index == 0);
        }
    }
    println!();
    print_faults(results);
}

fn print_outage(peer: Peer, outage: &Outage, is_first: bool) {
    let mut lost = grouped_count(outage.lost_on_b);
    if is_first {
        lost = format!("{lost} of {}", grouped_count(outage.published));
    }
    let reported = outage.reported.map(|it| format!(" {it}")).unwrap_or_default();
    let pause = match outage.longest_pause_on_a {
        Pause::Of(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Pause::Of(time) => format!("{:.1} s", time.as_secs_f64()),
        Pause::ToTheEnd => "to the end".to_owned(),
    };
    let returned = match outage.returned {
        Ok(time) => format!("{:.2} s", time.as_secs_f64()),
        Err(NotWithin(time)) => format!("not within {:.0} s", time.as_secs_f64()),
    };
    let lost_on_a = grouped_count(outage.lost_on_a);
    println!("| {} | {lost} |{reported} | {lost_on_a} | {pause} | {returned} |", peer.title());
}

/// What the tables do not contain, and would make them doubtful.
fn print_faults(results: &[Results]) {
    for of in results {
        let paced = of.paced.iter().map(|it| ("1 000/s", &it.faults));
        let window = of.window.iter().map(|it| ("256 under way", &it.faults));
        let outages = of.outages.iter().map(|(fault, it)| (fault.title(), &it.faults));
        for (when, Faults { lost, twice, out_of_order }) in paced.chain(window).chain(outages) {
            if lost + twice + out_of_order > 0 {
                println!(
                    "- {}, {when}: {lost} lost, {twice} twice, {out_of_order} out of order",
                    of.peer.title()
                );
            }
        }
    }
}

fn outage(results: &Results, fault: Fault) -> Option<&Outage> {
    results.outages.iter().find(|(of, _)| *of == fault).map(|(_, outage)| outage)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Rounds to three digits.
fn three_digits(value: f64) -> f64 {
    let unit = 10_f64.powf(value.max(1.0).log10().floor() - 2.0).max(1.0);
    (value / unit).round() * unit
}

/// Without decimals, and with a space between thousands.
fn grouped(value: f64) -> String {
    group(&format!("{value:.0}"))
}

fn grouped_count(value: usize) -> String {
    group(&value.to_string())
}

fn group(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
