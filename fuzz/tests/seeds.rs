//! Each target over its seeds, and over some thousands of changes to them: the same ones each time.

use std::cell::Cell;
use std::io::{Write, stderr};
use std::path::Path;
use std::sync::Once;

const CHANGED: usize = 3000;

/// No seed grows beyond this.
const MAX_LENGTH: usize = 4096;

thread_local! {
    /// What the target of this thread runs with.
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Numbers that look random: xorshift64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// A range of something that is so long.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(32) + 1)
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let range = self.range(bytes.len());
        match self.below(5) {
            0 => drop(bytes.drain(range)),
            1 => bytes.extend_from_within(range),
            2 => {
                let at = self.below(bytes.len() + 1);
                bytes.insert(at, self.below(256) as u8);
            }
            3 => {
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte ^= 1 << self.below(8);
                }
            }
            _ => {
                let other = &seeds[self.below(seeds.len())];
                drop(bytes.splice(range, other[self.range(other.len())].iter().copied()));
            }
        }
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<_> =
        folder.read_dir().expect("seeds").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

/// Runs a target as the fuzzer does, which stops at any panic, contained or not.
fn run(target: &str, run: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "no seeds for {target}");
    for seed in &seeds {
        check(seed, run);
    }
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for _ in 0..CHANGED {
        let mut bytes = seeds[chance.below(seeds.len())].clone();
        for _ in 0..=chance.below(6) {
            chance.change(&mut bytes, &seeds);
        }
        bytes.truncate(MAX_LENGTH);
        check(&bytes, run);
    }
}

fn check(bytes: &[u8], run: fn(&[u8])) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            // Not `eprintln!`, which the test harness keeps to itself.
            let input = INPUT.take();
            let _ = writeln!(stderr(), "{panic}\nwith the input\n{}", input.escape_ascii());
            std::process::abort();
        }));
    });
    INPUT.set(bytes.to_vec());
    run(bytes);
}

#[test]
fn frame() {
    run("frame", parlor_fuzz::frame::run);
}

#[test]
fn resume() {
    run("resume", parlor_fuzz::resume::run);
}

#[test]
fn handshake() {
    run("handshake", parlor_fuzz::handshake::run);
}

#[test]
fn macros() {
    run("macro", parlor_fuzz::macros::run);
}
