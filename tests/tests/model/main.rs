//! Random network faults and restarts: each message arrives once and in order, or the client
//! reports that its session was not recovered.
//!
//! Real clients and a real server run over in-memory connections on a paused clock; the steps are
//! random. `PARLOR_MODEL_CASES` sets the number of cases and `PARLOR_MODEL_SEED` the first seed. By
//! default each build runs the same cases. A failure names the seed of its case.

mod check;
mod procedure;
mod simulation;
mod steps;

use std::cell::RefCell;
use std::time::Instant;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// The number of cases in each build.
const CASES: u64 = 10_000;

#[test]
fn every_message_arrives_once_and_in_order_or_its_loss_is_reported() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let cases = number("PARLOR_MODEL_CASES").unwrap_or(CASES);
    let first = number("PARLOR_MODEL_SEED").unwrap_or(1);
    let start = Instant::now();
    let counts = RefCell::new(simulation::Counts::default());
    for seed in (first..).take(usize::try_from(cases).expect("a count")) {
        let rng = TestRng::from_seed(RngAlgorithm::XorShift, &spread(seed));
        let config = Config {
            cases: 1,
            max_shrink_iters: 5_000,
            failure_persistence: None,
            ..Config::default()
        };
        let ran = TestRunner::new_with_rng(config, rng).run(&steps::case(), |case| {
            *counts.borrow_mut() += simulation::run(&case).map_err(TestCaseError::fail)?;
            Ok(())
        });
        if let Err(error) = ran {
            panic!("PARLOR_MODEL_SEED={seed} PARLOR_MODEL_CASES=1 reproduces it\n{error}");
        }
    }
    let counts = counts.into_inner();
    println!("{cases} cases from seed {first} in {:?}: {counts:?}", start.elapsed());
    // If an expected outcome is too rare, the cases prove too little.
    let Some(least) = counts.rarest().filter(|_| cases >= CASES) else { return };
    assert!(least > 100, "some outcomes are too rare: {counts:?}");
}

/// Spreads a seed, because the generator derives similar cases from similar seeds.
fn spread(seed: u64) -> [u8; 16] {
    let odd = u128::from(seed) << 1 | 1;
    odd.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes()
}
