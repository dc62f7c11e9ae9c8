//! Compiles each file of `fail/` and `pass/`.

use std::env;
use std::io::Write;
use std::process::Command;

/// The version of rustc that wrote `fail/*.stderr`. Each release changes some messages.
const RUSTC: &str = "1.95";

#[test]
fn wrong_use_gets_its_message() {
    let running = rustc();
    if !is_pinned(&running) && env::var_os("PARLOR_TEST_ALL").is_none_or(|value| value != "1") {
        // Not with `eprintln!`: the output of a passing test is captured.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: the messages in `fail` are those of rustc {RUSTC}, and this is rustc {running}; \
             `PARLOR_TEST_ALL=1` compares them anyway"
        );
        return;
    }
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

#[test]
fn right_use_compiles() {
    trybuild::TestCases::new().pass("pass/*.rs");
}

#[test]
fn only_stable_patch_releases_of_the_pinned_version_are_pinned() {
    assert!(is_pinned(&format!("{RUSTC}.0")) && is_pinned(&format!("{RUSTC}.1")));
    for other in ["1.9.0", "1.950.0", "2.0.0", "unknown", ""] {
        assert!(!is_pinned(other), "{other}");
    }
    assert!(!is_pinned(&format!("{RUSTC}.0-nightly")) && !is_pinned(&format!("{RUSTC}.0-beta.1")));
}

fn is_pinned(version: &str) -> bool {
    let patch = version.strip_prefix(RUSTC).and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| patch.parse::<u32>().is_ok())
}

/// The version of the rustc that cargo runs, such as `1.95.0` or `1.96.0-nightly`.
fn rustc() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8(output.stdout).expect("rustc writes text");
    version.split_whitespace().nth(1).unwrap_or("unknown").to_owned()
}
