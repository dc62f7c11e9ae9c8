//! Measured values, and the comparison of both servers.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// Microseconds of the server's CPU per message that a client received.
    Cpu,
    /// Messages received per second.
    Rate,
    /// The median latency in microseconds.
    P50,
    /// The latency in microseconds that 99 % of the messages do not exceed.
    P99,
    /// KiB of the server's memory per connection.
    Memory,
}

impl Metric {
    pub fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "CPU µs/message",
            Self::Rate => "messages/s",
            Self::P50 => "p50 µs",
            Self::P99 => "p99 µs",
            Self::Memory => "KiB/connection",
        }
    }

    pub fn decimals(self) -> usize {
        match self {
            Self::Cpu => 2,
            Self::Memory => 1,
            Self::Rate | Self::P50 | Self::P99 => 0,
        }
    }
}

/// One value of one server in one round.
#[derive(Clone, Copy)]
pub struct Measurement {
    pub metric: Metric,
    pub value: f64,
}

/// The values of both servers in one round.
pub struct Round {
    pub parlor: Vec<Measurement>,
    pub handwritten: Vec<Measurement>,
}

pub struct Comparison {
    pub metric: Metric,
    pub parlor: f64,
    pub handwritten: f64,
    /// Parlor divided by handwritten, within one round. Changes between rounds, such as the speed
    /// of the machine, cancel out.
    pub ratio: f64,
}

/// Returns the medians of all rounds.
pub fn compare(rounds: &[Round]) -> Vec<Comparison> {
    let metrics = rounds.first().into_iter().flat_map(|round| &round.parlor);
    metrics
        .map(|measurement| measurement.metric)
        .filter_map(|metric| {
            let pairs: Vec<(f64, f64)> = rounds
                .iter()
                .filter_map(|round| {
                    Some((value(&round.parlor, metric)?, value(&round.handwritten, metric)?))
                })
                .collect();
            Some(Comparison {
                metric,
                parlor: median(pairs.iter().map(|pair| pair.0))?,
                handwritten: median(pairs.iter().map(|pair| pair.1))?,
                ratio: median(pairs.iter().map(|pair| pair.0 / pair.1))?,
            })
        })
        .collect()
}

fn value(measurements: &[Measurement], metric: Metric) -> Option<f64> {
    measurements
        .iter()
        .find(|measurement| measurement.metric == metric)
        .map(|measurement| measurement.value)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) =
        (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}
