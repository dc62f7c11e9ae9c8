//! The programs, built in edition 2021, do what they do in edition 2024.

use std::process::Command;

fn output(program: &str) -> String {
    let output = Command::new(program).output().expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn program_of_the_readme_runs() {
    let output = output(env!("CARGO_BIN_EXE_hello"));
    assert!(output.contains(": Hello!"), "{output}");
}

#[test]
fn contract_with_most_of_the_grammar_runs() {
    assert_eq!(output(env!("CARGO_BIN_EXE_contract")), "");
}
