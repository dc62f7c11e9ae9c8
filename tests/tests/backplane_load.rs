//! `examples/backplane_load`: the figures of Parlor and of the bare client library, for both brokers.

use parlor_tests::{Broker, Example};

const FEATURES: &str = "nats,redis";

#[tokio::test]
async fn both_sides_have_figures_and_nothing_is_lost() {
    for broker in [Broker::redis(&[]).await, Broker::nats(&[]).await].into_iter().flatten() {
        let args = [&broker.url(), "--secs", "0.1", "--rounds", "1"];
        let output =
            Example::run_with_features("backplane_load", FEATURES, &args).await.output().await;
        for figure in ["p50 at", "p99 at", "sustained"] {
            let line = output.lines().find(|line| line.starts_with(figure));
            let line = line.unwrap_or_else(|| panic!("{figure} is not in\n{output}"));
            let (_, figures) = line.split_once("s ").expect("a unit");
            let mut figures = figures.split_whitespace();
            for side in ["Parlor", "bare"] {
                let value = figures.next().and_then(|figure| figure.parse::<f64>().ok());
                assert!(value.is_some_and(|value| value > 0.0), "{side}: {line}");
            }
        }
        assert!(output.contains(" 0 lost,"), "{output}");
    }
}

#[tokio::test]
async fn rooms_have_figures() {
    let Some(redis) = Broker::redis(&[]).await else { return };
    let args = [&redis.url(), "--rooms", "2000"];
    let output = Example::run_with_features("backplane_load", FEATURES, &args).await.output().await;
    let line = output.lines().find(|line| line.starts_with("with two nodes"));
    let line = line.unwrap_or_else(|| panic!("two nodes are not in\n{output}"));
    let at_broker = line.split_whitespace().last().and_then(|it| it.parse::<f64>().ok());
    assert!(at_broker.is_some_and(|bytes| bytes > 50.0), "{line}");
}
