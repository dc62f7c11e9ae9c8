//! Invalid input gets a clear error and affects no other client.

use parlor::Router;
use parlor::server::Limits;
use parlor_tests::{ProbeFixture, RawClient, TestServer, probe_fixture, within_timeout};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

async fn server() -> (TestServer, ProbeFixture) {
    let ProbeFixture { server, ended, gate } = probe_fixture();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    (running, ProbeFixture { server: probe_fixture().server, ended, gate })
}

/// Sends `text` and returns the body of the `$err` that answers it.
async fn error_reply(client: &mut RawClient, text: &str) -> Value {
    client.send(text).await;
    let answer = client.receive().await;
    assert_eq!(answer[0], "$err", "{text}: {answer}");
    answer[1].clone()
}

#[tokio::test]
async fn malformed_message_gets_error_with_position_and_connection_stays() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for (text, what) in [
        ("hello", "line 1 column 1"),
        ("", "EOF"),
        (r#"["add", ]"#, "line 1"),
        (r#"["add",]"#, "line 1"),
        (r#"{"event":"add"}"#, "not an array"),
        ("[]", "empty"),
        (r#"["add"]"#, "payload is missing"),
        (r"[7,{}]", "name"),
        (r#"["add",{"a":1,"b":2},3,4]"#, "three elements"),
        (r#"["add",{"a":1,"b":2},"7"]"#, "id"),
        (r#"["add",{"a":1,"b":2},-7]"#, "id"),
        (r#"["add",{"a":1,"b":2},1.5]"#, "id"),
        (r#"["add",{"a":1,"b":2},9007199254740993]"#, "id"),
        (r#"["add",{"a":1,"b":]"#, "expected value"),
        (r#"["say",{"room":"a","text":"\x41"}]"#, "invalid escape at line 1 column 29"),
        ("[\"say\",{\"room\":\"a\",\"text\":\"\n\"}]", "control character"),
        (r#"["say",{"room":"a","text":"b",}]"#, "line 1 column 31"),
        (r#"["say",{"room":"a","text":"\u12"}]"#, "line 1 column"),
    ] {
        let body = error_reply(&mut client, text).await;
        assert_eq!(body["code"], "malformed", "{text}: {body}");
        let message = body["message"].as_str().expect("a message");
        assert!(message.contains(what), "{text}: {message}");
    }
    client.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.receive().await[1]["code"], "malformed");
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 1).await, json!(["$ok", 3, 1]));
}

#[tokio::test]
async fn hundred_consecutive_malformed_messages_close_with_1008() {
    let (running, mut fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for _ in 0..99 {
        error_reply(&mut client, "[]").await;
    }
    // A valid message resets the count.
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
    for _ in 0..99 {
        error_reply(&mut client, "[]").await;
    }
    // So do control frames and errors of other kinds.
    client.assert_nothing_received().await;
    for _ in 0..99 {
        error_reply(&mut client, "[]").await;
    }
    assert_eq!(error_reply(&mut client, r#"["nope",{}]"#).await["code"], "unknown");
    for _ in 0..99 {
        error_reply(&mut client, "[]").await;
    }
    client.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.closed().await.code, 1008);
    let reason = within_timeout("the end", fixture.ended.recv()).await.expect("a reason");
    assert!(reason.to_string().contains("malformed"), "{reason}");
}

#[tokio::test]
async fn plain_client_gets_no_error_reply_and_stays_connected() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::plain(running.addr, "/probe").await;
    for text in
        ["hello", "[]", r#"["nope",{}]"#, r#"["say",{}]"#, r#"["say",{"room":"a","text":""}]"#]
    {
        client.send(text).await;
    }
    client.send_message(Message::binary(vec![1, 2, 3])).await;
    client.send(r#"["ping",null]"#).await;
    assert_eq!(client.receive().await, json!(["pong", null]));
    for _ in 0..100 {
        client.send("[]").await;
    }
    assert_eq!(client.closed().await.code, 1008);
}

#[tokio::test]
async fn invalid_utf8_closes_with_1007() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    let frame = Frame::message(vec![b'[', b'"', 0xff, 0xfe], OpCode::Data(Data::Text), true);
    client.send_message(Message::Frame(frame)).await;
    assert_eq!(client.closed().await.code, 1007);
}

#[tokio::test]
async fn unknown_event_gets_error_with_similar_name_if_there_is_one() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for (name, similar) in [("ente", "enter"), ("Publish", "publish"), ("shuot", "shout")] {
        let body = error_reply(&mut client, &format!(r#"["{name}",{{"room":"a"}}]"#)).await;
        let expected = format!("no event is called `{name}`; did you mean `{similar}`?");
        assert_eq!((&body["code"], &body["message"]), (&json!("unknown"), &json!(expected)));
    }
    for name in ["__proto__", "constructor", "x", "", "subscribe", "sayAll"] {
        let body = error_reply(&mut client, &json!([name, {}]).to_string()).await;
        let expected = format!("no event is called `{name}`");
        assert_eq!((&body["code"], &body["message"]), (&json!("unknown"), &json!(expected)));
    }
    // Clients cannot send outgoing events.
    let body = error_reply(&mut client, r#"["said",{}]"#).await;
    let expected = "`said` is an event that the server sends: clients cannot send it";
    assert_eq!((&body["code"], &body["message"]), (&json!("unknown"), &json!(expected)));
    // An unknown call is answered with the error.
    assert_eq!(client.call("nope", json!({}), 7).await[1]["code"], "unknown");
    client.send(r#"["\ud800",{},8]"#).await;
    let answer = client.receive().await;
    assert_eq!((&answer[1]["code"], &answer[2]), (&json!("unknown"), &json!(8)), "{answer}");
}

#[tokio::test]
async fn missing_field_is_required_with_path_at_any_depth() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for (event, payload, path) in [
        ("add", r#"{"a":1}"#, "b"),
        ("publish", "{}", "title"),
        ("publish", r#"{"title":"t"}"#, "authors"),
        ("publish", r#"{"title":"t","authors":[{}]}"#, "authors[0].name"),
        ("publish", r#"{"title":"t","authors":[{"name":"n"},{"Name":"n"}]}"#, "authors[1].name"),
    ] {
        let details = error_reply(&mut client, &format!(r#"["{event}",{payload}]"#)).await;
        let expected = json!({"path": path, "rule": "required", "message": "the field is missing"});
        assert_eq!(details["details"], expected, "{payload}");
    }
}

mod board {
    use std::collections::BTreeMap;

    use parlor::prelude::*;

    #[parlor::payload]
    pub(super) enum Shape {
        Circle,
        Path { points: Vec<u32> },
        Clear(u32),
    }

    #[parlor::payload]
    pub(super) struct Layer {
        pub(super) shapes: Vec<Shape>,
    }

    #[procedure]
    pub(super) trait Board {
        #[incoming]
        async fn draw(&mut self, shape: Shape);
        #[incoming]
        async fn replace(&mut self, #[payload] layer: Layer);
        /// Returns what it received.
        #[incoming]
        async fn count(&mut self, colors: BTreeMap<String, u32>) -> BTreeMap<String, u32>;
    }

    pub(super) struct Session;

    impl Board for Session {
        async fn draw(&mut self, _: Shape) {}
        async fn replace(&mut self, _: Layer) {}
        async fn count(&mut self, colors: BTreeMap<String, u32>) -> BTreeMap<String, u32> {
            colors
        }
    }
}

#[tokio::test]
async fn value_that_is_no_form_of_enum_is_answered_with_variants() {
    let server = board::BoardServer::new(|_: board::BoardSocket| async { Ok(board::Session) });
    let running = TestServer::start(Router::new().procedure("/board", server)).await;
    let mut client = RawClient::parlor(running.addr, "/board").await;
    let expected =
        "expected one of `circle`, `path`, `clear`, as a text or as an object with one field";
    for (event, payload, path) in [
        ("draw", r#"{"shape":5}"#, "shape"),
        ("draw", r#"{"shape":null}"#, "shape"),
        ("draw", r#"{"shape":["circle"]}"#, "shape"),
        ("replace", r#"{"shapes":["circle",true]}"#, "shapes[1]"),
    ] {
        let body = error_reply(&mut client, &format!(r#"["{event}",{payload}]"#)).await;
        let details = json!({"path": path, "rule": "type", "message": expected});
        assert_eq!(body["details"], details, "{payload}");
    }
    for (payload, path, message) in [
        (r#"{"shape":"square"}"#, "shape", "unknown variant `square`, expected one of"),
        (r#"{"shape":{"clear":1,"circle":null}}"#, "shape", "as an object with one field"),
        (r#"{"shape":{"clear":"x"}}"#, "shape.clear", "invalid type"),
        (r#"{"shape":{"path":{}}}"#, "shape.path.points", "the field is missing"),
    ] {
        let body = error_reply(&mut client, &format!(r#"["draw",{payload}]"#)).await;
        assert_eq!(body["details"]["path"], path, "{payload}: {body}");
        let found = body["details"]["message"].as_str().expect("a message");
        assert!(found.contains(message), "{payload}: {found}");
    }
}

#[tokio::test]
async fn key_that_occurs_twice_in_map_has_its_last_value() {
    let server = board::BoardServer::new(|_: board::BoardSocket| async { Ok(board::Session) });
    let running = TestServer::start(Router::new().procedure("/board", server)).await;
    let mut client = RawClient::parlor(running.addr, "/board").await;
    client.send(r#"["count",{"colors":{"red":1,"blue":2,"red":3}},7]"#).await;
    assert_eq!(client.receive().await, json!(["$ok", {"red": 3, "blue": 2}, 7]));
    // The name of the field is declared.
    let body = error_reply(&mut client, r#"["count",{"colors":{},"colors":{}}]"#).await;
    assert_eq!((&body["code"], &body["details"]["path"]), (&json!("invalid"), &json!("colors")));
}

/// JavaScript programs send half of a surrogate pair when they cut a text.
#[tokio::test]
async fn unreadable_value_in_well_formed_message_is_invalid_with_path() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (event, payload, path, what) in [
        ("say", r#"{"room":"a","text":"\ud800"}"#, "text", "surrogate pair"),
        ("say", r#"{"room":"a","text":"\ud83d and more"}"#, "text", "surrogate pair"),
        ("say", r#"{"room":"\udc00b","text":"x"}"#, "room", "surrogate pair"),
        ("say", r#"{"room":"\ud800\ud800","text":"x"}"#, "room", "surrogate pair"),
        (
            "publish",
            r#"{"title":"t","authors":[{"name":"n"},{"name":"\ud83d"}]}"#,
            "authors[1].name",
            "surrogate pair",
        ),
        ("add", r#"{"\ud800":1,"a":1,"b":2}"#, "", "surrogate pair"),
        ("add", r#"{"a":1e999,"b":2}"#, "a", "number out of range"),
        ("add", r#"{"a":1,"b":9223372036854775808}"#, "b", "expected i64"),
        ("add", r#"{"a":1.0,"b":2}"#, "a", "expected i64"),
        ("add", r#"{"a":1,"b":2e0}"#, "b", "expected i64"),
        ("add", r#"{"a":1,"a":2,"b":2}"#, "a", "duplicate field `a`"),
        (
            "publish",
            r#"{"title":"t","title":"t","authors":[]}"#,
            "title",
            "duplicate field `title`",
        ),
        (
            "publish",
            r#"{"title":"t","authors":[{"name":"n"},{"name":"n","name":"m"}]}"#,
            "authors[1].name",
            "duplicate field `name`",
        ),
        ("publish", &deep, "[0]", "invalid type"),
    ] {
        client.send(format!(r#"["{event}",{payload},7]"#)).await;
        let answer = client.receive().await;
        assert_eq!((&answer[1]["code"], &answer[2]), (&json!("invalid"), &json!(7)), "{answer}");
        assert_eq!(answer[1]["details"]["path"], path, "{payload}: {answer}");
        assert_eq!(answer[1]["details"]["rule"], "type", "{payload}: {answer}");
        let message = answer[1]["details"]["message"].as_str().expect("a message");
        assert!(message.contains(what) && !message.contains("column"), "{payload}: {message}");
    }
    // In a field that no event has, it does not matter.
    client.send(r#"["add",{"a":1,"b":2,"c":"\ud800","d":1e999},7]"#).await;
    assert_eq!(client.receive().await, json!(["$ok", 3, 7]));
    // It does not count as malformed.
    for _ in 0..200 {
        let body = error_reply(&mut client, r#"["say",{"room":"a","text":"\ud800"}]"#).await;
        assert_eq!(body["code"], "invalid");
    }
}

#[tokio::test]
async fn long_value_of_wrong_type_is_not_repeated_in_full() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    let body =
        error_reply(&mut client, &json!(["add", {"a": "x".repeat(60_000)}]).to_string()).await;
    assert_eq!(body["code"], "invalid");
    assert!(body.to_string().len() < 1000, "{}", body.to_string().len());
}

#[tokio::test]
async fn frame_of_another_protocol_gets_error_that_names_it() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for (text, protocol) in [
        (r#"42["say",{"room":"a"}]"#, "Socket.IO"),
        (r#"420["say",{"room":"a"}]"#, "Socket.IO"),
        ("40", "Socket.IO"),
        ("2probe", "Socket.IO"),
        (r#"40/admin,{"token":"t"}"#, "Socket.IO"),
        ("CONNECT\naccept-version:1.2\n\n\0", "STOMP"),
        ("SUBSCRIBE\r\nid:0\r\n\r\n\0", "STOMP"),
        (r#"["{\"type\":\"say\"}"]"#, "SockJS"),
        (r#"{"type":"connection_init","payload":{}}"#, "graphql-ws"),
        (r#"{"id":"1","type":"subscribe","payload":{"query":"{a}"}}"#, "graphql-ws"),
        (r#"{"jsonrpc":"2.0","method":"say","id":1}"#, "JSON-RPC"),
        ("{\"protocol\":\"json\",\"version\":1}\u{1e}", "SignalR"),
        (r#"["1","1","room:a","phx_join",{}]"#, "Phoenix"),
    ] {
        let body = error_reply(&mut client, text).await;
        assert_eq!(body["code"], "malformed", "{text}: {body}");
        let message = body["message"].as_str().expect("a message");
        let expected = format!(r#"a frame of {protocol}? send ["event", payload]"#);
        assert!(message.ends_with(&expected), "{text}: {message}");
    }
    for text in [r#"{"event":"add"}"#, "7", "null", r#""say""#, "hello", r#"["add"]"#, "[]"] {
        let body = error_reply(&mut client, text).await;
        let message = body["message"].as_str().expect("a message");
        let expected = r#": send ["event", payload]"#;
        assert!(message.ends_with(expected) && !message.contains("frame of"), "{text}: {message}");
    }
    // A plain client gets no error replies. The close reason has the last one.
    let mut client = RawClient::plain(running.addr, "/probe").await;
    for _ in 0..100 {
        client.send(r#"42["say",{}]"#).await;
    }
    let reason = client.closed().await.reason;
    assert!(reason.contains("Socket.IO"), "{reason}");
}

#[tokio::test]
async fn missing_or_mistyped_field_is_named_and_unknown_field_is_ignored() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for (event, payload, path, rule) in [
        ("add", json!({"a": 1}), "b", "required"),
        ("add", json!(null), "a", "required"),
        ("add", json!({"a": 1, "b": "2"}), "b", "type"),
        (
            "publish",
            json!({"title": "t", "authors": [{"name": "n"}, {"name": 5}]}),
            "authors[1].name",
            "type",
        ),
        ("publish", json!({"title": "t", "authors": [{}]}), "authors[0].name", "required"),
        ("add", json!([1, 2]), "", "type"),
    ] {
        let answer = client.call(event, payload.clone(), 1).await;
        assert_eq!(answer[1]["code"], "invalid", "{payload}: {answer}");
        assert_eq!(answer[1]["details"]["path"], path, "{payload}: {answer}");
        assert_eq!(answer[1]["details"]["rule"], rule, "{payload}: {answer}");
    }
    let surplus = json!({"a": 1, "b": 2, "c": {"d": [3]}});
    assert_eq!(client.call("add", surplus, 1).await, json!(["$ok", 3, 1]));
}

#[tokio::test]
async fn violation_contains_rule_and_limit_but_not_the_value() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    let body =
        error_reply(&mut client, r#"["say",{"room":"a","text":"much too long a secret"}]"#).await;
    assert_eq!(body["code"], "invalid");
    assert_eq!(body["details"]["path"], "text");
    assert_eq!(body["details"]["rule"], "length");
    assert_eq!(body["details"]["max"], 10);
    assert!(!body.to_string().contains("secret"), "{body}");
}

#[tokio::test]
async fn message_over_max_message_size_closes_with_1009() {
    let server =
        probe_fixture().server.limits(Limits { max_message_size: 1000, ..Limits::default() });
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let fits = json!(["add", {"a": 1, "b": 2, "c": "x".repeat(900)}, 1]).to_string();
    let large = json!(["add", {"a": 1, "b": 2, "c": "x".repeat(1000)}, 1]).to_string();

    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(fits).await;
    assert_eq!(client.receive().await, json!(["$ok", 3, 1]));
    client.send(large.clone()).await;
    assert_eq!(client.closed().await.code, 1009);

    // The limit applies to the sum of all fragments.
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    let (first, second) = large.split_at(500);
    let fragment = |text: &str, kind, last| {
        Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(kind), last))
    };
    client.send_message(fragment(first, Data::Text, false)).await;
    client.send_message(fragment(second, Data::Continue, true)).await;
    assert_eq!(client.closed().await.code, 1009);
}

#[tokio::test]
async fn call_with_id_in_use_is_malformed() {
    let (running, fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["wait",{},7]"#).await;
    client.send(r#"["add",{"a":1,"b":2},8]"#).await;
    for id in [7, 8] {
        let body = error_reply(&mut client, &format!(r#"["add",{{"a":1,"b":2}},{id}]"#)).await;
        assert_eq!(body["code"], "malformed");
        assert!(body["message"].as_str().is_some_and(|it| it.contains(&id.to_string())), "{body}");
    }
    fixture.gate.add_permits(1);
    assert_eq!(client.receive().await, json!(["$ok", 0, 7]));
    assert_eq!(client.receive().await, json!(["$ok", 3, 8]));
    // The id can be reused after the answer.
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 7).await[1], 3);
}

#[tokio::test]
async fn invalid_read_ahead_message_does_not_affect_next_message() {
    let (running, fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    for next in [json!({"a": 1, "b": 2}), json!({"a": 1, "b": 2, "more": "é".repeat(200)})] {
        client.send(r#"["wait",{},7]"#).await;
        let body = error_reply(&mut client, r#"["wait",{},7]"#).await;
        assert_eq!(body["code"], "malformed", "the first is running");
        client.send(r#"["add",{"a":"ééééééééé"},8]"#).await;
        client.send(r#"["ping",1]"#).await;
        assert_eq!(client.receive().await, json!(["pong", 1]), "all was read");
        fixture.gate.add_permits(1);
        assert_eq!(client.receive().await[2], 7);
        assert_eq!(client.receive().await[1]["code"], "invalid");
        assert_eq!(client.call("add", next, 9).await, json!(["$ok", 3, 9]));
    }
}

#[tokio::test]
async fn handler_panic_ends_only_its_own_session() {
    let (running, mut fixture) = server().await;
    let mut other = RawClient::parlor(running.addr, "/probe").await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    assert_eq!(client.call("crash", json!({}), 7).await[1]["code"], "panicked");
    assert_eq!(client.closed().await.code, 1011);
    let reason = within_timeout("the end", fixture.ended.recv()).await;
    assert_eq!(reason, Some(parlor::DisconnectReason::HandlerPanicked));
    assert_eq!(other.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn panic_while_decoding_ends_only_its_own_session() {
    let (running, mut fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    assert_eq!(client.call("explode", json!({"bomb": 1}), 7).await[1]["code"], "panicked");
    assert_eq!(client.closed().await.code, 1011);
    let reason = within_timeout("the end", fixture.ended.recv()).await;
    assert_eq!(reason, Some(parlor::DisconnectReason::HandlerPanicked));
}

/// The field is decoded, and then invalid JSON follows.
#[tokio::test]
async fn panic_while_dropping_decoded_field_ends_only_its_own_session() {
    let (running, mut fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["explode",{"bomb":2} x,7]"#).await;
    let answer = client.receive().await;
    assert_eq!((&answer[1]["code"], &answer[2]), (&json!("panicked"), &json!(7)));
    assert_eq!(client.closed().await.code, 1011);
    let reason = within_timeout("the end", fixture.ended.recv()).await;
    assert_eq!(reason, Some(parlor::DisconnectReason::HandlerPanicked));
}

#[tokio::test]
async fn long_unknown_event_name_is_rejected_quickly() {
    let (running, _fixture) = server().await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    // Each of these would take seconds if the whole name were compared with all known names.
    let long = "e".repeat(60_000);
    for _ in 0..200 {
        let body = error_reply(&mut client, &format!(r#"["{long}",{{}}]"#)).await;
        assert_eq!(body["code"], "unknown");
        assert!(
            body["message"].as_str().is_some_and(|it| it.len() < 200),
            "the name is not repeated in full"
        );
    }
}

#[tokio::test]
async fn resume_with_unknown_secret_starts_fresh_session() {
    let (running, _fixture) = server().await;
    let offered = "parlor.v1.json, parlor.resume.AAAAAAAAAAAAAAAAAAAAAA.12";
    let headers = [("sec-websocket-protocol", offered)];
    let mut client = RawClient::open(running.addr, "/probe", &headers).await.expect("accepted");
    let welcome = client.receive().await;
    assert_eq!(welcome[0], "$welcome");
    assert_eq!(welcome[1]["recovered"], false);
    assert_eq!(welcome[1]["received"], 0);
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}
