//! Random faults between nodes that a broker in memory links, on a paused clock: what a member gets it gets once and in
//! order, and what it does not get is counted.
//!
//! `PARLOR_MODEL_CASES` sets the number of cases and `PARLOR_MODEL_SEED` the first seed. By default each
//! build runs the same cases. A failure names the seed of its case.

mod simulation;
mod steps;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// The number of cases in each build.
const CASES: u64 = 10_000;

#[test]
fn each_event_arrives_once_and_in_order_or_is_counted_as_lost() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let cases = number("PARLOR_MODEL_CASES").unwrap_or(CASES);
    let first = number("PARLOR_MODEL_SEED").unwrap_or(1);
    let start = std::time::Instant::now();
    let outcomes = RefCell::new(simulation::Outcomes::default());
    for seed in (first..).take(usize::try_from(cases).expect("a count")) {
        let odd = u128::from(seed) << 1 | 1;
        let spread = odd.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes();
        let rng = TestRng::from_seed(RngAlgorithm::XorShift, &spread);
        let config = Config {
            cases: 1,
            max_shrink_iters: 5_000,
            failure_persistence: None,
            ..Config::default()
        };
        let ran = TestRunner::new_with_rng(config, rng).run(&steps::case(), |case| {
            let outcome = simulation::run(&case).map_err(TestCaseError::fail)?;
            outcomes.borrow_mut().add(&outcome);
            Ok(())
        });
        if let Err(error) = ran {
            panic!("PARLOR_MODEL_SEED={seed} PARLOR_MODEL_CASES=1 reproduces it\n{error}");
        }
    }
    let outcomes = outcomes.into_inner();
    println!("{cases} cases from seed {first} in {:?}: {outcomes:?}", start.elapsed());
    // If an expected outcome is too rare, the cases prove too little.
    assert!(cases < CASES || outcomes.rarest() > 100, "some outcomes are too rare: {outcomes:?}");
}
