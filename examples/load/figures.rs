//! What was measured, and how the two compare.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// Microseconds of the server's CPU for each message that a client received.
    Cpu,
    /// Messages received per second.
    Rate,
    /// Microseconds from sending to receiving: of one message in two.
    P50,
    /// … of all but one message in a hundred.
    P99,
    /// KiB of the server for each connection.
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

/// One figure of one server in one round.
#[derive(Clone, Copy)]
pub struct Figure {
    pub metric: Metric,
    pub value: f64,
}

/// What the two servers showed in one round.
pub struct Round {
    pub parlor: Vec<Figure>,
    pub twin: Vec<Figure>,
}

pub struct Comparison {
    pub metric: Metric,
    pub parlor: f64,
    pub twin: f64,
    /// Of the first by the second, in one and the same round: what changes between rounds, such as how
    /// fast the machine is, cancels out.
    pub ratio: f64,
}

/// The medians of the rounds.
pub fn compare(rounds: &[Round]) -> Vec<Comparison> {
    let metrics = rounds.first().into_iter().flat_map(|round| &round.parlor);
    metrics
        .map(|figure| figure.metric)
        .filter_map(|metric| {
            let pairs: Vec<(f64, f64)> = rounds
                .iter()
                .filter_map(|round| {
                    Some((value(&round.parlor, metric)?, value(&round.twin, metric)?))
                })
                .collect();
            Some(Comparison {
                metric,
                parlor: median(pairs.iter().map(|pair| pair.0))?,
                twin: median(pairs.iter().map(|pair| pair.1))?,
                ratio: median(pairs.iter().map(|pair| pair.0 / pair.1))?,
            })
        })
        .collect()
}

fn value(figures: &[Figure], metric: Metric) -> Option<f64> {
    figures.iter().find(|figure| figure.metric == metric).map(|figure| figure.value)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) =
        (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}
