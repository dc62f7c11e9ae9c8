//! Tests that the docs name exist.

use parlor_tests::workspace;

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(workspace().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns how many tests `entry` names. Asserts that each is in the file named before it.
fn named_tests(entry: &str) -> usize {
    let mut file: Option<(&str, String)> = None;
    let mut tests = 0;
    // Every second part is between backticks.
    for code in entry.split('`').skip(1).step_by(2) {
        if code.contains('/') && code.contains('.') {
            file = Some((code, read(code)));
        } else if let Some((file, text)) = &file {
            let definitions = [format!("fn {code}("), format!("test(\"{code}\"")];
            let exists = definitions.iter().any(|name| text.contains(name.as_str()));
            assert!(exists, "{file} has no test `{code}`");
            tests += 1;
        }
    }
    assert!(tests > 0, "no test is named:\n{entry}");
    tests
}

#[test]
fn tests_named_in_security_docs_exist() {
    let docs = read("docs/security.md");
    let entries = docs.split("\n\n").filter(|entry| entry.starts_with("**"));
    let tests: usize = entries.map(named_tests).sum();
    assert!(tests > 30, "only {tests} tests are named");
}

/// Each row of a table must name at least one test.
#[test]
fn tests_named_in_waits_docs_exist() {
    let docs = read("docs/waits.md");
    let is_row = |line: &&str| {
        line.starts_with("| ") && !line.starts_with("| wait") && !line.starts_with("| ---")
    };
    let tests: usize = docs.lines().filter(is_row).map(named_tests).sum();
    assert!(tests > 40, "only {tests} tests are named");
}
