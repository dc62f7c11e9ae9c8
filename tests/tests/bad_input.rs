//! Bad input gets a clear error, and costs no one else anything.

use parlor::Router;
use parlor_tests::{Probing, Running, Wire, probing, soon};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

async fn server() -> (Running, Probing) {
    let Probing { server, ended, gate } = probing();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    (running, Probing { server: probing().server, ended, gate })
}

/// Sends `text` and returns the body of the `$err` that it gets.
async fn refused(wire: &mut Wire, text: &str) -> Value {
    wire.send(text).await;
    let answer = wire.receive().await;
    assert_eq!(answer[0], "$err", "{text}: {answer}");
    answer[1].clone()
}

#[tokio::test]
async fn malformed_messages_are_told_what_and_where_and_the_connection_stays() {
    let (running, _probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    let deep = format!(r#"["publish",{}1{}]"#, "[".repeat(10_000), "]".repeat(10_000));
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
        (r#"["add",{"a":1e999,"b":2}]"#, "number out of range"),
        (r#"["add",{"a":1,"b":]"#, "expected value"),
        (deep.as_str(), "recursion limit"),
    ] {
        let body = refused(&mut wire, text).await;
        assert_eq!(body["code"], "malformed", "{text}: {body}");
        let message = body["message"].as_str().expect("a message");
        assert!(message.contains(what), "{text}: {message}");
    }
    wire.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(wire.receive().await[1]["code"], "malformed");
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 1).await, json!(["$ok", 3, 1]));
}

#[tokio::test]
async fn a_hundred_malformed_messages_in_a_row_close_with_1008() {
    let (running, mut probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    for _ in 0..99 {
        refused(&mut wire, "[]").await;
    }
    // One good message, and the count begins anew.
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
    for _ in 0..99 {
        refused(&mut wire, "[]").await;
    }
    // Nor do good control frames, or refusals of other kinds, count.
    wire.nothing_came().await;
    for _ in 0..99 {
        refused(&mut wire, "[]").await;
    }
    assert_eq!(refused(&mut wire, r#"["nope",{}]"#).await["code"], "unknown");
    for _ in 0..99 {
        refused(&mut wire, "[]").await;
    }
    wire.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(wire.closed().await.code, 1008);
    let reason = soon("the end", probing.ended.recv()).await.expect("a reason");
    assert!(reason.to_string().contains("malformed"), "{reason}");
}

#[tokio::test]
async fn plain_clients_are_told_nothing_and_stay() {
    let (running, _probing) = server().await;
    let mut wire = Wire::plain(running.addr, "/probe").await;
    for text in
        ["hello", "[]", r#"["nope",{}]"#, r#"["say",{}]"#, r#"["say",{"room":"a","text":""}]"#]
    {
        wire.send(text).await;
    }
    wire.send_message(Message::binary(vec![1, 2, 3])).await;
    wire.send(r#"["ping",null]"#).await;
    assert_eq!(wire.receive().await, json!(["pong", null]));
    for _ in 0..100 {
        wire.send("[]").await;
    }
    assert_eq!(wire.closed().await.code, 1008);
}

#[tokio::test]
async fn invalid_utf8_closes_with_1007() {
    let (running, _probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    let frame = Frame::message(vec![b'[', b'"', 0xff, 0xfe], OpCode::Data(Data::Text), true);
    wire.send_message(Message::Frame(frame)).await;
    assert_eq!(wire.closed().await.code, 1007);
}

#[tokio::test]
async fn unknown_events_are_told_the_nearest() {
    let (running, _probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    let body = refused(&mut wire, r#"["ente",{"room":"a"}]"#).await;
    assert_eq!(body["code"], "unknown");
    assert!(body["message"].as_str().is_some_and(|it| it.contains("`enter`")), "{body}");
    // An outgoing event is not one that clients can send.
    assert_eq!(refused(&mut wire, r#"["said",{}]"#).await["code"], "unknown");
    // As a call, its caller hears of it.
    assert_eq!(wire.call("nope", json!({}), 7).await[1]["code"], "unknown");
}

#[tokio::test]
async fn fields_that_are_missing_or_mistyped_are_named_and_surplus_ones_ignored() {
    let (running, _probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
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
        ("publish", json!({"title": "t", "authors": [{}]}), "authors[0]", "type"),
        ("add", json!([1, 2]), "", "type"),
    ] {
        let answer = wire.call(event, payload.clone(), 1).await;
        assert_eq!(answer[1]["code"], "invalid", "{payload}: {answer}");
        assert_eq!(answer[1]["details"]["path"], path, "{payload}: {answer}");
        assert_eq!(answer[1]["details"]["rule"], rule, "{payload}: {answer}");
    }
    let surplus = json!({"a": 1, "b": 2, "c": {"d": [3]}});
    assert_eq!(wire.call("add", surplus, 1).await, json!(["$ok", 3, 1]));
}

#[tokio::test]
async fn a_broken_rule_is_named_with_its_bound_and_without_the_value() {
    let (running, _probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    let body = refused(&mut wire, r#"["say",{"room":"a","text":"much too long a secret"}]"#).await;
    assert_eq!(body["code"], "invalid");
    assert_eq!(body["details"]["path"], "text");
    assert_eq!(body["details"]["rule"], "length");
    assert_eq!(body["details"]["max"], 10);
    assert!(!body.to_string().contains("secret"), "{body}");
}

#[tokio::test]
async fn larger_than_the_limit_closes_with_1009() {
    let server = probing().server.max_message_size(1000);
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let fits = json!(["add", {"a": 1, "b": 2, "c": "x".repeat(900)}, 1]).to_string();
    let large = json!(["add", {"a": 1, "b": 2, "c": "x".repeat(1000)}, 1]).to_string();

    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(fits).await;
    assert_eq!(wire.receive().await, json!(["$ok", 3, 1]));
    wire.send(large.clone()).await;
    assert_eq!(wire.closed().await.code, 1009);

    // All fragments together count.
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    let (first, second) = large.split_at(500);
    let fragment = |text: &str, kind, last| {
        Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(kind), last))
    };
    wire.send_message(fragment(first, Data::Text, false)).await;
    wire.send_message(fragment(second, Data::Continue, true)).await;
    assert_eq!(wire.closed().await.code, 1009);
}

#[tokio::test]
async fn a_call_whose_id_is_in_use_is_malformed() {
    let (running, probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["wait",{},7]"#).await;
    wire.send(r#"["add",{"a":1,"b":2},8]"#).await;
    for id in [7, 8] {
        let body = refused(&mut wire, &format!(r#"["add",{{"a":1,"b":2}},{id}]"#)).await;
        assert_eq!(body["code"], "malformed");
        assert!(body["message"].as_str().is_some_and(|it| it.contains(&id.to_string())), "{body}");
    }
    probing.gate.add_permits(1);
    assert_eq!(wire.receive().await, json!(["$ok", 0, 7]));
    assert_eq!(wire.receive().await, json!(["$ok", 3, 8]));
    // Once answered, the id is free.
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 7).await[1], 3);
}

#[tokio::test]
async fn what_was_read_ahead_and_refused_is_not_mixed_up_with_what_comes_next() {
    let (running, probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    for next in [json!({"a": 1, "b": 2}), json!({"a": 1, "b": 2, "more": "é".repeat(200)})] {
        wire.send(r#"["wait",{},7]"#).await;
        let body = refused(&mut wire, r#"["wait",{},7]"#).await;
        assert_eq!(body["code"], "malformed", "the first is running");
        wire.send(r#"["add",{"a":"ééééééééé"},8]"#).await;
        wire.send(r#"["ping",1]"#).await;
        assert_eq!(wire.receive().await, json!(["pong", 1]), "all was read");
        probing.gate.add_permits(1);
        assert_eq!(wire.receive().await[2], 7);
        assert_eq!(wire.receive().await[1]["code"], "invalid");
        assert_eq!(wire.call("add", next, 9).await, json!(["$ok", 3, 9]));
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_session_and_nothing_else() {
    let (running, mut probing) = server().await;
    let mut other = Wire::parlor(running.addr, "/probe").await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    assert_eq!(wire.call("crash", json!({}), 7).await[1]["code"], "panicked");
    assert_eq!(wire.closed().await.code, 1011);
    let reason = soon("the end", probing.ended.recv()).await;
    assert_eq!(reason, Some(parlor::DisconnectReason::HandlerPanicked));
    assert_eq!(other.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn a_panic_while_decoding_ends_its_own_session_too() {
    let (running, mut probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    assert_eq!(wire.call("explode", json!({"bomb": 1}), 7).await[1]["code"], "panicked");
    assert_eq!(wire.closed().await.code, 1011);
    let reason = soon("the end", probing.ended.recv()).await;
    assert_eq!(reason, Some(parlor::DisconnectReason::HandlerPanicked));
}

/// It is decoded, and then what follows it is no JSON.
#[tokio::test]
async fn a_panic_in_what_is_thrown_away_ends_its_own_session_too() {
    let (running, mut probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["explode",{"bomb":2} x,7]"#).await;
    let answer = wire.receive().await;
    assert_eq!((&answer[1]["code"], &answer[2]), (&json!("panicked"), &json!(7)));
    assert_eq!(wire.closed().await.code, 1011);
    let reason = soon("the end", probing.ended.recv()).await;
    assert_eq!(reason, Some(parlor::DisconnectReason::HandlerPanicked));
}

#[tokio::test]
async fn a_long_unknown_name_is_cheap() {
    let (running, _probing) = server().await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    // Each of these would take seconds if the whole name were compared with each known one.
    let long = "e".repeat(60_000);
    for _ in 0..200 {
        let body = refused(&mut wire, &format!(r#"["{long}",{{}}]"#)).await;
        assert_eq!(body["code"], "unknown");
        assert!(
            body["message"].as_str().is_some_and(|it| it.len() < 200),
            "it is not echoed whole"
        );
    }
}

#[tokio::test]
async fn a_resume_secret_that_nobody_knows_gets_a_fresh_session() {
    let (running, _probing) = server().await;
    let offered = "parlor.v1.json, parlor.resume.AAAAAAAAAAAAAAAAAAAAAA.12";
    let headers = [("sec-websocket-protocol", offered)];
    let mut wire = Wire::open(running.addr, "/probe", &headers).await.expect("accepted");
    let welcome = wire.receive().await;
    assert_eq!(welcome[0], "$welcome");
    assert_eq!(welcome[1]["recovered"], false);
    assert_eq!(welcome[1]["received"], 0);
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}
