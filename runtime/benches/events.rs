//! Measures the steps that handle an event: `cargo bench -p parlor`.

mod cases;

use std::time::{Duration, Instant};

use cases::CASES;
use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for case in &CASES {
        let mut round = None;
        criterion.bench_function(case.name, |bencher| {
            let round = round.get_or_insert_with(case.make);
            bencher.iter_custom(|wanted| {
                let rounds = wanted.div_ceil(case.operations.into());
                let mut time = Duration::ZERO;
                for _ in 0..rounds {
                    round.prepare();
                    let start = Instant::now();
                    round.run();
                    time += start.elapsed();
                }
                let operations = rounds * u64::from(case.operations);
                let nanos = time.as_nanos() * u128::from(wanted) / u128::from(operations);
                Duration::from_nanos(u64::try_from(nanos).expect("less than centuries"))
            });
        });
    }
    criterion.final_summary();
}
