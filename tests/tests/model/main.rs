//! Whatever happens on the way: each message arrives once and in order, or the client hears honestly
//! that its session was not recovered.
//!
//! Real clients and the real server over lines in memory, on a paused clock; the steps are random.
//! `PARLOR_MODEL_CASES` says how many cases are run, from `PARLOR_MODEL_SEED` on: the same ones with every
//! build, others when somebody looks for more. A failure names the seed of its case.

mod check;
mod procedure;
mod steps;
mod world;

use std::cell::RefCell;
use std::time::Instant;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// What is run with every build.
const CASES: u64 = 10_000;

#[test]
fn every_message_arrives_once_and_in_order_or_the_loss_is_told() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let cases = number("PARLOR_MODEL_CASES").unwrap_or(CASES);
    let first = number("PARLOR_MODEL_SEED").unwrap_or(1);
    let start = Instant::now();
    let tally = RefCell::new(world::Tally::default());
    for seed in (first..).take(usize::try_from(cases).expect("a count")) {
        let rng = TestRng::from_seed(RngAlgorithm::XorShift, &spread(seed));
        let config = Config {
            cases: 1,
            max_shrink_iters: 5_000,
            failure_persistence: None,
            ..Config::default()
        };
        let ran = TestRunner::new_with_rng(config, rng).run(&steps::case(), |case| {
            *tally.borrow_mut() += world::run(&case).map_err(TestCaseError::fail)?;
            Ok(())
        });
        if let Err(error) = ran {
            panic!("PARLOR_MODEL_SEED={seed} PARLOR_MODEL_CASES=1 shows it again\n{error}");
        }
    }
    let tally = tally.into_inner();
    println!("{cases} cases from seed {first} in {:?}: {tally:?}", start.elapsed());
    // Else the cases would show nothing.
    let Some(least) = tally.rarest().filter(|_| cases >= CASES) else { return };
    assert!(least > 100, "some things hardly ever happen: {tally:?}");
}

/// A seed for an algorithm that makes similar cases of similar seeds.
fn spread(seed: u64) -> [u8; 16] {
    let odd = u128::from(seed) << 1 | 1;
    odd.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes()
}
