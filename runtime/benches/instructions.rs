//! Detects slower handling of events without a clock: counts the instructions of each operation
//! with valgrind and compares them with `instructions.txt`.
//!
//! A count hardly changes between runs, even on a busy machine. It depends on the code and on the
//! compiler, so the counts hold for one rustc.

mod cases;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::process::{Command, ExitCode, Output};

use cases::{CASES, Case, Round};

const FIGURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");
/// The tolerated deviation of a count, in percent.
const TOLERANCE: u64 = 10;
/// Rounds until buffers have grown, and counted rounds.
const WARM_UP: u32 = 20;
const ROUNDS: u32 = 40;
/// The case that the program under valgrind runs.
const CASE: &str = "PARLOR_COUNTED_CASE";

const HEADER: &str = "\
# How many instructions an operation takes, as valgrind's callgrind counts them: see `instructions.rs`.
# Written by `PARLOR_OVERWRITE=1 cargo bench -p parlor --bench instructions`; they hold for this rustc
# on this machine, and for the profile `bench`.
";

fn main() -> ExitCode {
    if let Some(name) = env::var_os(CASE) {
        let case = CASES.iter().find(|case| *case.name == *name).expect("a case of this name");
        run(case);
        return ExitCode::SUCCESS;
    }
    // Without `--bench`, `cargo test --all-targets` runs this, in another profile.
    if !env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let filters: Vec<_> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen = |case: &&Case| {
        filters.is_empty() || filters.iter().any(|filter| case.name.contains(filter.as_str()))
    };
    let chosen: Vec<_> = CASES.iter().filter(chosen).collect();

    let toolchain = toolchain();
    if let Err(why) = check_tools(&toolchain) {
        println!("skipped: {why}");
        result(0, 0, chosen.len());
        return ExitCode::SUCCESS;
    }
    let counts: Vec<_> = chosen.iter().map(|case| (case.name, count(case))).collect();
    if env::var_os("PARLOR_OVERWRITE").is_some_and(|value| value == "1") {
        overwrite(&toolchain, &counts);
    }
    compare(&counts)
}

/// Runs the rounds of one case. The counted ones run in [`parlor_counted`].
fn run(case: &Case) {
    let mut round = (case.make)();
    for _ in 0..WARM_UP {
        round.prepare();
        round.run();
    }
    for _ in 0..ROUNDS {
        round.prepare();
        parlor_counted(&mut *round);
    }
}

/// Valgrind counts from the call of this function to its return.
#[inline(never)]
fn parlor_counted(round: &mut dyn Round) -> u32 {
    round.run();
    // Prevents a tail call above, which would not return here.
    black_box(0)
}

/// Returns the number of instructions per operation of this case.
fn count(case: &Case) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*parlor_counted*")
        .arg(env::current_exe().expect("a program that runs has a name"))
        .env(CASE, case.name);
    let Output { status, stderr, .. } = valgrind.output().expect("valgrind runs");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "`{}` failed under valgrind:\n{said}", case.name);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let collected = collected.and_then(|(_, count)| count.trim().parse::<u64>().ok());
    let collected = collected.filter(|count| *count > 0);
    let collected = collected.unwrap_or_else(|| panic!("valgrind has counted nothing:\n{said}"));
    collected / u64::from(ROUNDS * case.operations)
}

/// Returns why the tools for counting are missing or do not match. Under `PARLOR_TEST_ALL=1` the
/// count runs anyway, and fails if it cannot.
fn check_tools(toolchain: &str) -> Result<(), String> {
    let set = |name| env::var_os(name).is_some_and(|value| value == "1");
    if set("PARLOR_TEST_ALL") || set("PARLOR_OVERWRITE") {
        return Ok(());
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err("instructions are counted by valgrind, which is not installed".to_owned());
    }
    let (pinned, _) = figures();
    if pinned != toolchain {
        return Err(format!(
            "the figures in `instructions.txt` are those of {pinned}, and this is {toolchain}"
        ));
    }
    Ok(())
}

/// Returns, for example, `rustc 1.95 x86_64-unknown-linux-gnu`.
fn toolchain() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let said = String::from_utf8(output.stdout).expect("rustc writes text");
    let of = |key| said.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("unknown");
    let (release, host) = (of("release: "), of("host: "));
    let minor = release.rsplit_once('.').filter(|(_, patch)| patch.parse::<u32>().is_ok());
    format!("rustc {} {host}", minor.map_or(release, |(minor, _)| minor))
}

/// Reads the committed toolchain and the count of each case.
fn figures() -> (String, BTreeMap<String, u64>) {
    let text = fs::read_to_string(FIGURES).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let (figures, toolchain): (Vec<_>, Vec<_>) =
        lines.map(|line| line.split_once(": ").ok_or(line)).partition(Result::is_ok);
    let toolchain = toolchain.into_iter().filter_map(Result::err).collect();
    let figures = figures.into_iter().flatten().map(|(name, figure)| {
        (name.to_owned(), figure.parse().expect("a figure of `instructions.txt` is a number"))
    });
    (toolchain, figures.collect())
}

/// Writes these counts. Cases that were not chosen keep their counts if the toolchain is the same.
fn overwrite(toolchain: &str, counts: &[(&str, u64)]) {
    let (pinned, mut figures) = figures();
    if pinned != toolchain {
        figures.clear();
    }
    figures.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), *count)));
    figures.retain(|name, _| CASES.iter().any(|case| case.name == name));
    let mut text = format!("{HEADER}{toolchain}\n");
    for (name, figure) in figures {
        let _ = writeln!(text, "{name}: {figure}");
    }
    fs::write(FIGURES, text).expect("`instructions.txt` is written");
}

fn compare(counts: &[(&str, u64)]) -> ExitCode {
    let (_, figures) = figures();
    let mut failed = Vec::new();
    for (name, count) in counts {
        let figure = figures.get(*name).copied().unwrap_or(0);
        let off = count.abs_diff(figure) * 100 > figure * TOLERANCE;
        let verdict = if off { "FAILED" } else { "ok" };
        println!("test instructions of {name}: {count}, and {figure} are committed ... {verdict}");
        if off && *count > figure {
            failed.push(format!("`{name}` has grown from {figure} to {count} instructions"));
        } else if off {
            failed.push(format!(
                "`{name}` has shrunk from {figure} to {count} instructions: keep it there"
            ));
        }
    }
    for failure in &failed {
        println!("{failure}");
    }
    if !failed.is_empty() {
        println!(
            "More than {TOLERANCE} % off. If it is meant, accept the new figures, and say why in the commit:\n\
             PARLOR_OVERWRITE=1 cargo bench -p parlor --bench instructions"
        );
    }
    result(counts.len() - failed.len(), failed.len(), 0);
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the result like libtest, for scripts that sum up test results.
fn result(passed: usize, failed: usize, ignored: usize) {
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored");
}
