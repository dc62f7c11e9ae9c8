//! A program that uses one side of Parlor does not depend on the other: `examples/three-crates`.

use std::collections::HashMap;
use std::process::Command;

/// Crates that only the server needs.
const ONLY_SERVER: [&str; 5] =
    ["serde_path_to_error", "sha2", "signal-hook-registry", "strsim", "subtle"];
/// Crates that only the client needs.
const ONLY_CLIENT: [&str; 1] = ["tokio-tungstenite"];
/// Crates that both sides need, and a contract does not.
const EITHER: [&str; 5] = ["futures", "getrandom", "socket2", "tokio", "tungstenite"];

/// The crates that a package depends on, with their features, as Cargo resolves them for it alone.
fn dependencies(package: &str) -> HashMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", package])
        .args(["--format", "{f}\t{p}"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("UTF-8");
    let packages = tree.lines().filter_map(|line| {
        let (features, package) = line.split_once('\t')?;
        let name = package.split(' ').next()?;
        Some((name.to_owned(), features.to_owned()))
    });
    packages.collect()
}

fn assert_sides(package: &str, features: &str, present: &[&str], absent: &[&str]) {
    let dependencies = dependencies(package);
    assert_eq!(dependencies.get("parlor").map(String::as_str), Some(features), "{package}");
    for name in present {
        assert!(dependencies.contains_key(*name), "{package} should depend on {name}");
    }
    for name in absent {
        assert!(!dependencies.contains_key(*name), "{package} depends on {name}");
    }
}

#[test]
fn client_only_program_depends_on_no_crate_of_server() {
    let present = [&EITHER[..], &ONLY_CLIENT].concat();
    assert_sides("bot", "client", &present, &ONLY_SERVER);
}

#[test]
fn server_only_program_depends_on_no_crate_of_client() {
    let present = [&EITHER[..], &ONLY_SERVER].concat();
    assert_sides("server", "server", &present, &ONLY_CLIENT);
}

#[test]
fn contract_alone_depends_on_no_crate_of_either_side() {
    let absent = [&EITHER[..], &ONLY_CLIENT, &ONLY_SERVER].concat();
    assert_sides("contract", "", &["http", "serde", "serde_json"], &absent);
}
