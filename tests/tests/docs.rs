//! What the docs refer to is there.

use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(workspace().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// How many tests `entry` names; each stands in the file that is named before it.
fn named_tests(entry: &str) -> usize {
    let mut file: Option<(&str, String)> = None;
    let mut tests = 0;
    // Between backticks: every second piece.
    for code in entry.split('`').skip(1).step_by(2) {
        if code.contains('/') && code.contains('.') {
            file = Some((code, read(code)));
        } else if let Some((file, text)) = &file {
            let there = [format!("fn {code}("), format!("test(\"{code}\"")];
            let there = there.iter().any(|name| text.contains(name.as_str()));
            assert!(there, "{file} has no test `{code}`");
            tests += 1;
        }
    }
    assert!(tests > 0, "no test shows this:\n{entry}");
    tests
}

/// Each test that `docs/security.md` names stands in the file that it names before it.
#[test]
fn the_tests_that_show_what_is_said_of_security_exist() {
    let docs = read("docs/security.md");
    let entries = docs.split("\n\n").filter(|entry| entry.starts_with("**"));
    let tests: usize = entries.map(named_tests).sum();
    assert!(tests > 30, "only {tests} tests are named");
}

/// Each row of a table of `docs/waits.md` names tests, which exist.
#[test]
fn tests_that_show_the_bounds_of_waits_exist() {
    let docs = read("docs/waits.md");
    let is_row = |line: &&str| {
        line.starts_with("| ") && !line.starts_with("| wait") && !line.starts_with("| ---")
    };
    let tests: usize = docs.lines().filter(is_row).map(named_tests).sum();
    assert!(tests > 40, "only {tests} tests are named");
}
