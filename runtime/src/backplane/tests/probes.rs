use std::time::Duration;

use tokio::time::sleep;

use super::fixture::{TestNode, runtime};
use crate::backplane::{Memory, Status};

#[test]
fn probe_that_is_dropped_costs_no_link() {
    runtime().block_on(async {
        let node = TestNode::new(&Memory::new());
        sleep(Duration::from_millis(3500)).await;
        let age = node.health().probe_age.expect("a probe");
        assert!(age < Duration::from_secs(1), "{age:?}");
        // Of the next two parcels, at least one is a probe.
        node.engine.drop_next(2);
        sleep(Duration::from_secs(10)).await;
        let health = node.health();
        assert_eq!((health.counters.links_lost, health.status), (0, Status::Up));
        assert!(health.probe_age < Some(Duration::from_millis(1001)));
    });
}
