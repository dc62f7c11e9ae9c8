//! Values that JSON cannot have are found where they are encoded: their sender learns what and where.

use std::collections::{BTreeMap, HashMap};

use parlor::client::{CallError, EmitError};
use parlor::prelude::*;
use parlor::server::Limits;
use parlor::session::Denied;
use parlor_tests::{Log, RawClient, TestServer, within_timeout};
use serde::ser::{Error, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[payload]
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    value: f64,
    #[serde(flatten)]
    more: BTreeMap<String, Option<f32>>,
}

fn reading(value: f64) -> Reading {
    Reading { value, more: BTreeMap::new() }
}

#[payload]
#[derive(Debug, Clone, PartialEq)]
enum Limit {
    Over { limit: f64 },
    Long(String),
}

/// Its `Serialize` fails.
#[derive(Debug, Deserialize)]
struct Secret;

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("the key is hunter2"))
    }
}

/// Lists in lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

impl Tree {
    fn of_depth(depth: usize) -> Self {
        (1..depth).fold(Self(vec![]), |tree, _| Self(vec![tree]))
    }
}

#[procedure]
trait Sensor {
    /// Sends `measured` with a NaN, then with `value`.
    #[incoming]
    async fn measure(&mut self, value: f64);
    /// Returns what it gets.
    #[incoming]
    async fn echo(&mut self, #[payload] reading: Reading) -> Reading;
    #[incoming]
    async fn readings(&mut self) -> Vec<Reading>;
    #[incoming]
    async fn pairs(&mut self) -> HashMap<(u8, u8), u8>;
    #[incoming]
    async fn limit(&mut self, length: usize) -> Result<u32, Limit>;
    #[incoming]
    async fn secret(&mut self) -> Vec<Secret>;
    #[incoming]
    async fn fill(&mut self, size: usize) -> String;
    #[incoming]
    async fn tree(&mut self, depth: usize) -> Tree;
    #[incoming]
    async fn plant(&mut self, tree: Tree);
    /// Sends `by_key`, `limited` and `grown` with values that cannot be encoded, then `measured`.
    #[incoming]
    async fn emit_all(&mut self);

    #[outgoing]
    fn measured(readings: Vec<Reading>);
    #[outgoing]
    fn by_key(numbers: Vec<(f32, Option<f64>)>);
    #[outgoing(latest = limit)]
    fn limited(limit: Limit);
    #[outgoing]
    fn grown(#[payload] tree: Tree);
}

struct Station(SensorSocket);

impl Sensor for Station {
    async fn measure(&mut self, value: f64) {
        self.0.emit().measured(&vec![reading(1.0), reading(f64::NAN)]);
        self.0.emit().measured(&vec![reading(value)]);
    }

    async fn echo(&mut self, reading: Reading) -> Reading {
        reading
    }

    async fn readings(&mut self) -> Vec<Reading> {
        let mut last = reading(3.0);
        last.more.insert("max".to_owned(), Some(f32::INFINITY));
        vec![reading(1.0), reading(2.0), last]
    }

    async fn pairs(&mut self) -> HashMap<(u8, u8), u8> {
        HashMap::from([((1, 2), 3)])
    }

    async fn limit(&mut self, length: usize) -> Result<u32, Limit> {
        match length {
            0 => Err(Limit::Over { limit: f64::NEG_INFINITY }),
            length => Err(Limit::Long("x".repeat(length))),
        }
    }

    async fn secret(&mut self) -> Vec<Secret> {
        vec![Secret]
    }

    async fn fill(&mut self, size: usize) -> String {
        "x".repeat(size)
    }

    async fn tree(&mut self, depth: usize) -> Tree {
        Tree::of_depth(depth)
    }

    async fn plant(&mut self, _tree: Tree) {}

    async fn emit_all(&mut self) {
        let emit = self.0.emit();
        emit.by_key(&vec![(1.5, None), (f32::NAN, Some(1.0))]);
        emit.limited(&Limit::Over { limit: f64::NAN });
        emit.grown(&Tree::of_depth(128));
        emit.measured(&vec![]);
    }
}

async fn server() -> TestServer {
    let sensor = SensorServer::new(async |socket| Ok(Station(socket)))
        .limits(Limits { max_outbox_size: 1000, ..Limits::default() })
        .guard(|_: &Station, event| match event.name() {
            "emitAll" if event.size() > 2 => Err(Denied::new("x".repeat(2000))),
            _ => Ok(()),
        });
    TestServer::start(Router::new().procedure("/sensor", sensor)).await
}

async fn raw_client() -> (TestServer, RawClient) {
    let running = server().await;
    let client = RawClient::parlor(running.addr, "/sensor").await;
    (running, client)
}

/// Calls `event` and returns the message of the answer, whose code must be `failed`.
async fn failed(client: &mut RawClient, event: &str, payload: Value) -> String {
    let answer = client.call(event, payload, 1).await;
    assert_eq!((&answer[0], &answer[1]["code"]), (&json!("$err"), &json!("failed")), "{answer}");
    assert_eq!(answer[1].get("details"), None);
    answer[1]["message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn answer_that_cannot_be_encoded_is_failed_with_sentence() {
    let (log, _guard) = Log::start();
    let (running, mut client) = raw_client().await;
    let message = failed(&mut client, "pairs", json!({})).await;
    assert!(message.contains("list of pairs"), "{message}");
    let message = failed(&mut client, "readings", json!({})).await;
    assert!(message.contains("`[2].max`: inf is no JSON number"), "{message}");
    let message = failed(&mut client, "limit", json!({"length": 0})).await;
    assert!(message.contains("`details.over.limit`: -inf is no JSON number"), "{message}");
    let message = failed(&mut client, "tree", json!({"depth": 128})).await;
    assert!(message.contains("nested more than 127 levels deep"), "{message}");
    drop(client);
    running.stop().await;
    let text = log.text();
    for (event, path) in [("readings", "[2].max"), ("limit", "details.over.limit")] {
        let logged = |line: &str| line.contains(event) && line.contains(path);
        assert!(text.lines().any(logged), "{text}");
    }
}

#[tokio::test]
async fn error_of_serialize_is_logged_and_not_sent() {
    let (log, _guard) = Log::start();
    let (running, mut client) = raw_client().await;
    let message = failed(&mut client, "secret", json!({})).await;
    assert!(message.contains("`[0]`: ") && !message.contains("hunter2"), "{message}");
    drop(client);
    running.stop().await;
    assert!(log.text().contains("hunter2"), "{}", log.text());
}

#[tokio::test]
async fn answer_or_typed_error_larger_than_outbox_is_failed() {
    let (_running, mut client) = raw_client().await;
    for (event, payload) in [("fill", json!({"size": 2000})), ("limit", json!({"length": 2000}))] {
        let message = failed(&mut client, event, payload).await;
        assert!(message.contains("the server sends at most 1000"), "{message}");
    }
    assert_eq!(client.call("fill", json!({"size": 2}), 2).await, json!(["$ok", "xx", 2]));
}

#[tokio::test]
async fn error_reply_larger_than_outbox_is_sent_without_its_message() {
    let (_running, mut client) = raw_client().await;
    let answer = client.call("emitAll", json!({"more": 1}), 1).await;
    assert_eq!(answer[1]["code"], "denied");
    assert_eq!(answer[1]["message"], "the error reply is larger than the server sends");
}

#[tokio::test]
async fn rust_client_gets_sentence_of_failed_call() {
    let running = server().await;
    let (client, _events) = SensorClient::connect(running.url("/sensor")).await.unwrap();
    match client.pairs().await {
        Err(CallError::Failed(message)) => assert!(message.contains("list of pairs"), "{message}"),
        other => panic!("{other:?}"),
    }
    match client.limit(0).await {
        Err(CallError::Failed(message)) => assert!(message.contains("limit"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn event_with_value_that_json_cannot_have_is_logged_and_not_sent() {
    let (log, _guard) = Log::start();
    let (running, mut client) = raw_client().await;
    client.emit("measure", json!({"value": -0.0})).await;
    let measured = client.receive().await;
    assert_eq!(measured.to_string(), r#"["measured",{"readings":[{"value":-0.0}]}]"#);
    client.emit("emitAll", json!({})).await;
    assert_eq!(client.receive().await, json!(["measured", {"readings": []}]));
    drop(client);
    running.stop().await;
    let text = log.text();
    for (event, path) in [
        ("measured", "`readings[1].value`: NaN is no JSON number"),
        ("byKey", "`numbers[1][0]`: NaN is no JSON number"),
        ("limited", "`over.limit`: NaN is no JSON number"),
        ("grown", "nested more than 127 levels deep"),
    ] {
        let logged = |line: &str| line.contains(event) && line.contains(path);
        assert!(text.lines().any(logged), "{event}: {text}");
    }
}

#[tokio::test]
async fn rust_client_refuses_value_that_json_cannot_have() {
    let running = server().await;
    let (client, mut events) = SensorClient::connect(running.url("/sensor")).await.unwrap();
    match client.measure(f64::INFINITY) {
        Err(EmitError::Encode(message)) => {
            assert!(message.starts_with("`value`: inf is no JSON number"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let mut flat = reading(1.0);
    flat.more.insert("min".to_owned(), Some(f32::NAN));
    match client.echo(&flat).await {
        Err(CallError::Encode(message)) => {
            assert!(message.starts_with("`min`: NaN is no JSON number"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    // `None` is `null`.
    flat.more.insert("min".to_owned(), None);
    assert_eq!(client.echo(&flat).await, Ok(flat));
    client.measure(2.5).unwrap();
    match within_timeout("an event", events.next()).await {
        Some(SensorEvent::Measured { readings }) => assert_eq!(readings, [reading(2.5)]),
        other => panic!("{other:?}"),
    }
}

/// What can be sent can be read.
#[tokio::test]
async fn deepest_value_that_is_sent_can_be_read() {
    let running = server().await;
    let (client, _events) = SensorClient::connect(running.url("/sensor")).await.unwrap();
    assert_eq!(client.tree(127).await, Ok(Tree::of_depth(127)));
    assert!(matches!(client.tree(128).await, Err(CallError::Failed(_))));
}

#[tokio::test]
async fn value_that_is_nested_too_deep_is_invalid_with_path() {
    let (_running, mut client) = raw_client().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    client.send(format!(r#"["plant",{{"tree":{deep}}},1]"#)).await;
    let answer = client.receive().await;
    assert_eq!(answer[1]["code"], "invalid", "{answer}");
    let details = &answer[1]["details"];
    assert!(
        details["path"].as_str().is_some_and(|path| path.starts_with("tree[0][0]")),
        "{answer}"
    );
    assert_eq!(details["message"], "nested more than 127 levels deep");
}
