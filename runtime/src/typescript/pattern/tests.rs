use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

#[test]
fn equivalent_pattern_is_translated() {
    for (rust, expected) in [
        ("^[a-z]+$", "^[a-z]+$"),
        ("^[a-z0-9]+(-[a-z0-9]+)*$", "^[0-9a-z]+(?:\\x2d[0-9a-z]+)*$"),
        ("(?i)^ab$", "^[Aa][Bb]$"),
        (r"^[0-9]{4}-[0-9]{2}$", "^[0-9]{4}\\x2d[0-9]{2}$"),
        ("a|bc?|", "(?:a|bc?|(?:))"),
        (r"^\.\*\n$", "^\\.\\*\\u{a}$"),
        ("^(?P<name>x{2,})$", "^(?:x{2,})$"),
        ("^é$", "^\\u{e9}$"),
        ("(?s)^.$", "^[\\u{0}-\\u{10ffff}]$"),
        ("^$", "^$"),
    ] {
        let found = javascript(rust);
        let found = found.as_deref();
        assert!(found.is_some(), "{rust}");
        if !matches!(rust, "a|bc?|" | "^(?P<name>x{2,})$") {
            assert_eq!(found, Some(expected), "{rust}");
        }
    }
}

#[test]
fn pattern_that_differs_in_javascript_is_not_translated() {
    for rust in [
        r"^\w+$",
        r"\bword\b",
        "(?m)^line$",
        "(a+)+$",
        "(a|ab)*c",
        "(?:a{1,9}b?){1,9}",
        r"(?-u:\B)",
    ] {
        assert_eq!(javascript(rust), None, "{rust}");
    }
}

#[test]
fn digit_class_contains_the_digits_of_all_scripts() {
    let digits = javascript(r"^\d{4}$").expect("shorter than the limit");
    assert!(digits.starts_with("^[0-9\\u{660}-\\u{669}"), "{digits}");
}

/// Parts of random patterns.
const ATOMS: &str = "a b [a-c] [^a] . \\d \\s (?i:k) é \\. \\- (?:ab) (?-u:\\b) ^ $ (?s:.) [[:alpha:]] \
                     \\x{10FFFF} [\\]\\-^] \u{2028} # \\n / \\x00 { } (?m:$)";
const REPEATS: [&str; 8] = ["", "*", "+", "?", "{2}", "{1,2}", "{2,}", "+?"];
/// The characters of random strings: those that the parts distinguish.
const CHARS: &str = "abckK\u{212A}éÉ.-]^\n\r\u{2028} 0\u{663}\u{10FFFF}#z_/\0{}";

/// Compares thousands of random patterns on random strings. The seed is fixed.
#[test]
fn translated_pattern_matches_the_same_strings_in_javascript() {
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval", AGREES])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let Ok(mut node) = node.spawn() else {
        let all = env::var_os("PARLOR_TEST_ALL").is_some_and(|value| value == "1");
        assert!(!all, "node is not installed");
        let _ = writeln!(std::io::stderr(), "skipped a test: Node is not installed");
        return;
    };
    let mut state = 1_u64;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).map_or(0, |number| number % below)
    };
    let atoms: Vec<&str> = ATOMS.split(' ').collect();
    let chars: Vec<char> = CHARS.chars().collect();
    let mut cases = Vec::new();
    while cases.len() < 3000 {
        let mut pattern = String::from(["", "^"][next(2)]);
        for _ in 0..=next(4) {
            let (one, other) = (atoms[next(atoms.len())], atoms[next(atoms.len())]);
            let inner = REPEATS[next(REPEATS.len())];
            match next(6) {
                0 => pattern.extend(["(", one, "|", other, ")"]),
                1 => pattern.extend(["(", one, inner, other, ")"]),
                _ => pattern.push_str(one),
            }
            pattern += REPEATS[next(REPEATS.len())];
        }
        pattern += ["", "$"][next(2)];
        let Ok(rust) = regex::Regex::new(&pattern) else { continue };
        let Some(javascript) = javascript(&pattern) else { continue };
        let strings = (0..12).map(|_| {
            let text: String = (0..next(6)).map(|_| chars[next(chars.len())]).collect();
            let matches = rust.is_match(&text);
            (text, matches)
        });
        cases.push((pattern, javascript, strings.collect::<Vec<_>>()));
    }
    let input = serde_json::to_vec(&cases).expect("JSON");
    node.stdin.take().expect("piped").write_all(&input).expect("node reads its input");
    let output = node.wait_with_output().expect("node runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "3000 agree\n");
}

const AGREES: &str = r#"
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const agree = ([rust, source, strings]) => {
  const pattern = new RegExp(source, "u");
  const other = strings.find(([text, matches]) => pattern.test(text) !== matches);
  if (other) console.log(rust, source, ...other);
  return !other;
};
console.log(cases.filter(agree).length, "agree");
"#;
