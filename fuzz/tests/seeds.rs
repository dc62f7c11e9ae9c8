//! Runs each target with its seeds and with some thousands of mutations of them, the same ones each
//! time.

use std::cell::Cell;
use std::io::{Write, stderr};
use std::path::Path;
use std::sync::Once;

const MUTATIONS: usize = 3000;

/// The longest mutated input.
const MAX_LENGTH: usize = 4096;

thread_local! {
    /// The current input of this thread.
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Pseudo-random numbers: xorshift64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// Returns a random range within `length`.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(32) + 1)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
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

/// Runs a target as the fuzzer does, which stops at any panic, even a caught one.
fn run(target: &str, run: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "no seeds for {target}");
    for seed in &seeds {
        check(seed, run);
    }
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    for _ in 0..MUTATIONS {
        let mut bytes = seeds[rng.below(seeds.len())].clone();
        for _ in 0..=rng.below(6) {
            rng.mutate(&mut bytes, &seeds);
        }
        bytes.truncate(MAX_LENGTH);
        check(&bytes, run);
    }
}

fn check(bytes: &[u8], run: fn(&[u8])) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            // Not `eprintln!`: the test harness captures it.
            let input = INPUT.take();
            let _ = writeln!(stderr(), "{panic}\nwith the input\n{}", input.escape_ascii());
            std::process::abort();
        }));
    });
    INPUT.set(bytes.to_vec());
    run(bytes);
}

#[test]
fn frame_target_accepts_seeds_and_mutations() {
    run("frame", parlor_fuzz::frame::run);
}

#[test]
fn resume_target_accepts_seeds_and_mutations() {
    run("resume", parlor_fuzz::resume::run);
}

#[test]
fn handshake_target_accepts_seeds_and_mutations() {
    run("handshake", parlor_fuzz::handshake::run);
}

#[test]
fn proxy_target_accepts_seeds_and_mutations() {
    run("proxy", parlor_fuzz::proxy::run);
}

#[test]
fn macro_target_accepts_seeds_and_mutations() {
    run("macro", parlor_fuzz::macros::run);
}

#[test]
fn parcel_target_accepts_seeds_and_mutations() {
    run("parcel", parlor_fuzz::parcel::run);
}
