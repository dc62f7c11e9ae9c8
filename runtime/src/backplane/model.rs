//! Random faults between nodes that a broker in memory links, on a paused clock.
//!
//! - What a member gets it gets once and in order, and what it does not get is counted.
//! - Each ask ends within its bound with the right answer; watchers end with the members of all nodes; nothing is left.
//!
//! `PARLOR_MODEL_CASES` sets the number of cases and `PARLOR_MODEL_SEED` the first seed. By default each
//! build runs the same cases. A failure names the seed of its case.

/// A struct that counts how often each outcome was observed.
macro_rules! outcomes {
    ($($outcome:ident,)*) => {
        #[derive(Debug, Default)]
        pub(in crate::backplane::model) struct Outcomes {
            $(pub(in crate::backplane::model) $outcome: u64,)*
        }

        impl crate::backplane::model::Outcomes for Outcomes {
            fn counts(&mut self) -> Vec<&mut u64> {
                vec![$(&mut self.$outcome,)*]
            }
        }
    };
}

mod presence;
mod simulation;
mod steps;

use std::cell::RefCell;
use std::fmt::Debug;
use std::thread;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::backplane::{Memory, MemoryNode};

/// The number of cases of each test in each build.
const EVENT_CASES: u64 = 10_000;
const PRESENCE_CASES: u64 = 3_000;

/// How often each outcome was observed.
trait Outcomes: Default + Debug + Send {
    fn counts(&mut self) -> Vec<&mut u64>;

    fn add(&mut self, mut other: Self) {
        for (count, more) in self.counts().into_iter().zip(other.counts()) {
            *count += *more;
        }
    }
}

/// Ends all faults of a broker and of its nodes.
fn end_faults<'a>(broker: &Memory, nodes: impl Iterator<Item = &'a MemoryNode>) {
    broker.start();
    for node in nodes {
        node.heal();
        node.resume();
        node.drop_next(0);
        node.duplicate_next(0);
    }
}

/// Runs the cases on all processors. If an expected outcome is too rare, the cases prove too little.
fn run_cases<C: Debug, O: Outcomes>(
    default: u64,
    case: impl Fn() -> proptest::strategy::BoxedStrategy<C> + Sync,
    simulate: fn(&C) -> Result<O, String>,
) {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let cases = number("PARLOR_MODEL_CASES").unwrap_or(default);
    let first: u64 = number("PARLOR_MODEL_SEED").unwrap_or(1);
    let start = std::time::Instant::now();
    // Cases do not depend on each other, and neither does the sum of their outcomes on the number of threads.
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut outcomes = O::default();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|part| {
                let seeds = (first..first + cases).skip(part).step_by(threads);
                let case = &case;
                scope.spawn(move || run_seeds(seeds, &case(), simulate))
            })
            .collect();
        for part in running {
            match part.join() {
                Ok(part) => outcomes.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    println!("{cases} cases from seed {first} in {:?}: {outcomes:?}", start.elapsed());
    let rarest = outcomes.counts().into_iter().min().map_or(0, |count| *count);
    assert!(cases < default || rarest > 100, "some outcomes are too rare: {outcomes:?}");
}

fn run_seeds<C: Debug, O: Outcomes>(
    seeds: impl Iterator<Item = u64>,
    case: &impl Strategy<Value = C>,
    simulate: fn(&C) -> Result<O, String>,
) -> O {
    let outcomes = RefCell::new(O::default());
    for seed in seeds {
        let odd = u128::from(seed) << 1 | 1;
        let spread = odd.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes();
        let rng = TestRng::from_seed(RngAlgorithm::XorShift, &spread);
        let config = Config {
            cases: 1,
            max_shrink_iters: 5_000,
            failure_persistence: None,
            ..Config::default()
        };
        let ran = TestRunner::new_with_rng(config, rng).run(case, |case| {
            let outcome = simulate(&case).map_err(TestCaseError::fail)?;
            outcomes.borrow_mut().add(outcome);
            Ok(())
        });
        if let Err(error) = ran {
            panic!("PARLOR_MODEL_SEED={seed} PARLOR_MODEL_CASES=1 reproduces it\n{error}");
        }
    }
    outcomes.into_inner()
}

#[test]
fn each_event_arrives_once_and_in_order_or_is_counted_as_lost() {
    run_cases(EVENT_CASES, || steps::case().boxed(), simulation::run);
}

#[test]
fn each_ask_ends_with_the_right_answer_and_watchers_end_with_the_members_of_all_nodes() {
    run_cases(PRESENCE_CASES, || presence::case().boxed(), presence::run);
}
