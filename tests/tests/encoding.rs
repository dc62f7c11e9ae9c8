//! How often user code runs to encode a value.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::vec::IntoIter;

use parlor::client::CallError;
use parlor::prelude::*;
use parlor::test::Network;
use parlor_tests::{RawClient, TestServer};
use serde::de::Deserializer;
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Rows that can be serialized once, as those of a database cursor.
#[derive(Debug)]
struct Rows(Mutex<Option<IntoIter<u32>>>);

impl Rows {
    fn new(rows: Vec<u32>) -> Self {
        Self(Mutex::new(Some(rows.into_iter())))
    }

    fn into_vec(self) -> Vec<u32> {
        self.0.into_inner().expect("not poisoned").into_iter().flatten().collect()
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.0.lock().expect("not poisoned").take();
        serializer.collect_seq(rows.into_iter().flatten())
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::new)
    }
}

/// Counts how often it is serialized.
#[derive(Debug, Default)]
struct Counted(AtomicU32);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element(&count)?;
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [count] = <[u32; 1]>::deserialize(deserializer)?;
        Ok(Self(count.into()))
    }
}

/// A rule that counts how often it is checked.
fn fails(_: &str) -> Result<(), String> {
    static CHECKED: AtomicU32 = AtomicU32::new(0);
    Err(format!("checked {} times", CHECKED.fetch_add(1, Ordering::Relaxed) + 1))
}

/// Rows in each shape of an enum, and in a map.
#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    Plain(Rows),
    Pair(u8, Rows),
    Wide { rows: Rows },
    Map(BTreeMap<u8, Rows>),
}

impl Shape {
    fn into_vec(self) -> Vec<u32> {
        match self {
            Self::Plain(rows) | Self::Pair(_, rows) | Self::Wide { rows } => rows.into_vec(),
            Self::Map(map) => map.into_values().flat_map(Rows::into_vec).collect(),
        }
    }
}

#[procedure]
trait Report {
    #[incoming]
    async fn send_rows(&mut self);
    #[incoming]
    async fn sum(&mut self, rows: Rows) -> u32;
    #[incoming]
    async fn rows(&mut self) -> Rows;
    #[incoming]
    async fn refuse(&mut self) -> Result<u32, Shape>;
    #[incoming]
    async fn count(&mut self) -> Counted;
    #[incoming]
    async fn pick(&mut self, #[validate(custom(fails))] text: String);

    #[outgoing]
    fn rows_read(#[payload] rows: Rows);
    #[outgoing]
    fn shapes_read(shapes: Vec<Shape>);
    #[outgoing]
    fn counted(counted: Counted);
}

struct Reporter(ReportSocket);

impl Report for Reporter {
    async fn send_rows(&mut self) {
        let rows = || Rows::new(vec![1, 2, 3]);
        self.0.emit().rows_read(&rows());
        self.0.emit().shapes_read(&vec![
            Shape::Plain(rows()),
            Shape::Pair(1, rows()),
            Shape::Wide { rows: rows() },
            Shape::Map(BTreeMap::from([(1, rows())])),
        ]);
        self.0.emit().counted(&Counted::default());
    }

    async fn sum(&mut self, rows: Rows) -> u32 {
        rows.into_vec().into_iter().sum()
    }

    async fn rows(&mut self) -> Rows {
        Rows::new(vec![4, 5])
    }

    async fn refuse(&mut self) -> Result<u32, Shape> {
        Err(Shape::Wide { rows: Rows::new(vec![6]) })
    }

    async fn count(&mut self) -> Counted {
        Counted::default()
    }

    async fn pick(&mut self, _text: String) {}
}

async fn connected() -> (Network, ReportClient, ReportEvents) {
    let report = ReportServer::new(async |socket| Ok(Reporter(socket)));
    let network = Network::new(Router::new().procedure("/report", report));
    let (client, events) =
        network.line().client::<ReportClient>("/report").connect().await.unwrap();
    (network, client, events)
}

#[tokio::test(start_paused = true)]
async fn event_that_can_be_serialized_once_arrives_whole() {
    let (_network, client, mut events) = connected().await;
    client.send_rows().unwrap();
    match events.next().await {
        Some(ReportEvent::RowsRead(rows)) => assert_eq!(rows.into_vec(), [1, 2, 3]),
        other => panic!("{other:?}"),
    }
    match events.next().await {
        Some(ReportEvent::ShapesRead { shapes }) => {
            let shapes: Vec<_> = shapes.into_iter().map(Shape::into_vec).collect();
            assert_eq!(shapes, vec![[1, 2, 3]; 4]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn serialize_of_event_runs_once() {
    let (_network, client, mut events) = connected().await;
    client.send_rows().unwrap();
    while let Some(event) = events.next().await {
        if let ReportEvent::Counted { counted } = event {
            assert_eq!(counted.0.into_inner(), 1);
            return;
        }
    }
    panic!("no event");
}

#[tokio::test(start_paused = true)]
async fn call_answer_and_error_that_can_be_serialized_once_arrive_whole() {
    let (_network, client, _events) = connected().await;
    assert_eq!(client.sum(&Rows::new(vec![1, 2])).await, Ok(3));
    assert_eq!(client.rows().await.unwrap().into_vec(), [4, 5]);
    assert_eq!(client.count().await.unwrap().0.into_inner(), 1);
    match client.refuse().await {
        Err(CallError::Refused(shape)) => assert_eq!(shape.into_vec(), [6]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rule_that_fails_runs_once() {
    let report = ReportServer::new(async |socket| Ok(Reporter(socket)));
    let running = TestServer::start(Router::new().procedure("/report", report)).await;
    let mut client = RawClient::parlor(running.addr, "/report").await;
    let answer = client.call("pick", json!({"text": "a"}), 1).await;
    assert_eq!(answer[1]["details"]["message"], "checked 1 times", "{answer}");
}
