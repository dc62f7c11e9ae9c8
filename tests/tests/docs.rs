//! What the docs refer to is there.

use std::path::Path;

/// Each test that `docs/security.md` names stands in the file that it names before it.
#[test]
fn the_tests_that_show_what_is_said_of_security_exist() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = std::fs::read_to_string(workspace.join("docs/security.md")).expect("readable");
    let mut tests = 0;
    for entry in docs.split("\n\n").filter(|entry| entry.starts_with("**")) {
        let mut file: Option<(&str, String)> = None;
        let before = tests;
        // Between backticks: every second piece.
        for code in entry.split('`').skip(1).step_by(2) {
            if code.contains('/') && code.contains('.') {
                let text = std::fs::read_to_string(workspace.join(code));
                file = Some((code, text.unwrap_or_else(|error| panic!("{code}: {error}"))));
            } else if let Some((file, text)) = &file {
                let there = [format!("fn {code}("), format!("test(\"{code}\"")];
                let there = there.iter().any(|name| text.contains(name.as_str()));
                assert!(there, "{file} has no test `{code}`");
                tests += 1;
            }
        }
        assert!(tests > before, "no test shows this:\n{entry}");
    }
    assert!(tests > 30, "only {tests} tests are named");
}
