use parlor::backplane::{Nats, Topic};
use parlor_tests::{Broker, SeededRng};

use super::node::{Node, parcel};

const COUNT: u64 = 20_000;
const BATCH: usize = 128;
/// Topics of events, and control topics.
const EVENTS: u64 = 200;
const CONTROLS: u64 = 3;

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("8 bytes"))
}

/// A publisher, and a receiver of the topics.
async fn two_nodes(server: &Broker, topics: &[Topic]) -> (Node, Node) {
    let nats = Nats::connect(&server.url()).await.expect("a server");
    let (publisher, receiver) = (Node::connect(&nats).await, Node::connect(&nats).await);
    receiver.subscribe(topics).await;
    (publisher, receiver)
}

/// Publishes numbers to the topics that `choose` returns. Returns which.
async fn publish(node: &Node, topics: &[Topic], mut choose: impl FnMut(u64) -> u64) -> Vec<usize> {
    let index = |topic| usize::try_from(topic).expect("a small number");
    let chosen: Vec<_> = (0..COUNT).map(|number| index(choose(number))).collect();
    let parcels: Vec<_> = (0_u64..)
        .zip(&chosen)
        .map(|(number, topic)| parcel(&topics[*topic], number.to_be_bytes().to_vec()))
        .collect();
    for batch in parcels.chunks(BATCH) {
        node.publish(batch).await;
    }
    chosen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parcels_of_a_topic_keep_their_order() {
    let Some(server) = Broker::nats(&[]).await else { return };
    let topics: Vec<_> = (0..50).map(|bucket| Topic::new(format!("parlor:b:{bucket}"))).collect();
    let (publisher, mut receiver) = two_nodes(&server, &topics).await;
    let mut rng = SeededRng::new(1);
    let chosen = publish(&publisher, &topics, |_| rng.below(50)).await;
    let mut last = [None; 50];
    for _ in 0..COUNT {
        let number = number(&receiver.receive().await);
        let topic = chosen[usize::try_from(number).expect("a small number")];
        assert!(last[topic] < Some(number), "{number} is delivered after {:?}", last[topic]);
        last[topic] = Some(number);
    }
}

/// Neither an event nor a parcel of another control topic may be missing when one of a control topic is delivered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_topics_are_delivered_after_everything_before() {
    let Some(server) = Broker::nats(&[]).await else { return };
    let mut topics: Vec<_> =
        (0..EVENTS).map(|bucket| Topic::new(format!("parlor:b:{bucket}"))).collect();
    topics.extend((0..CONTROLS).map(|node| Topic::control(format!("parlor:n:{node}"))));
    let (publisher, mut receiver) = two_nodes(&server, &topics).await;
    let mut rng = SeededRng::new(2);
    let publishing = publish(&publisher, &topics, |number| match number % 3 {
        0 => EVENTS + rng.below(CONTROLS),
        _ => rng.below(EVENTS),
    });
    let receiving = async {
        let mut numbers = Vec::new();
        for _ in 0..COUNT {
            numbers.push(number(&receiver.receive().await));
        }
        numbers
    };
    let (chosen, order) = tokio::join!(publishing, receiving);
    // Everything below is delivered.
    let mut complete = 0;
    let mut is_delivered = vec![false; chosen.len()];
    for number in order {
        let number = usize::try_from(number).expect("a small number");
        is_delivered[number] = true;
        while is_delivered.get(complete) == Some(&true) {
            complete += 1;
        }
        let is_control = topics[chosen[number]].is_control();
        assert!(!is_control || complete > number, "{number} is delivered before {complete}");
    }
}
