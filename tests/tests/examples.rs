//! Each example does what it says.

use parlor_tests::{Example, Wire};
use serde_json::json;

#[tokio::test]
async fn what_one_types_in_the_chat_the_other_sees() {
    let server = Example::serve("chat").await;
    let join = |name: &'static str| {
        let url = server.url.clone();
        async move { Example::run("chat", &["join", "general", "--name", name, "--url", &url]).await }
    };
    let mut ada = join("ada").await;
    assert_eq!(ada.line_with("general").await, "* in general: ada");
    let mut bob = join("bob").await;
    ada.line_with("bob came").await;
    bob.line_with("in general").await;

    ada.type_line("Hello!").await;
    assert_eq!(bob.line_with("Hello").await, "ada: Hello!");
    assert_eq!(ada.line_with("Hello").await, "ada: Hello!");
    bob.type_line("Hi, Ada").await;
    assert_eq!(ada.line_with("Hi").await, "bob: Hi, Ada");

    let nameless = Example::run("chat", &["join", "general", "--name", "Ada L."]).await;
    assert!(nameless.fails().await.contains("letters and digits"));

    bob.close_input();
    ada.line_with("bob left").await;
    bob.output().await;
}

#[tokio::test]
async fn the_readmes_program_is_hello_and_says_so() {
    let output = Example::run("hello", &[]).await.output().await;
    assert!(output.contains(": Hello!"), "{output}");
    let program = include_str!("../../examples/hello.rs");
    let (_, program) = program.split_once("\n\n").expect("a head and a program");
    assert!(include_str!("../../README.md").contains(program), "README.md should have\n{program}");
}

#[tokio::test]
async fn the_auction_shows_typed_refusals() {
    let output = Example::run("auction", &[]).await.output().await;
    for line in [
        "ada's bid is number 1",
        "bob's 5 is too low: the highest bid is 10",
        "`amount` breaks the rule `range`",
        "bob's bid is number 2",
        "ada is outbid with 20",
    ] {
        assert!(output.contains(line), "{line} is not in\n{output}");
    }
}

#[tokio::test]
async fn bearer_lets_in_who_has_a_token() {
    let output = Example::run("bearer", &[]).await.output().await;
    assert!(output.contains("with a token: ada"), "{output}");
    assert!(output.contains("a bearer token is needed"), "{output}");
}

#[tokio::test]
async fn the_bench_server_keeps_its_contract() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("an address");
    drop(listener);
    let _server = Example::serve_at("bench_server", addr.port()).await;
    let mut wire = Wire::plain(addr, "/chat").await;
    wire.emit("joinRoom", json!({"room": "a"})).await;
    wire.emit("echo", json!({"text": "hi"})).await;
    assert_eq!(wire.receive().await, json!(["echoed", {"text": "hi"}]));
    wire.emit("sendMessage", json!({"room": "a", "text": "hello"})).await;
    let message = wire.receive().await;
    assert_eq!((&message[0], &message[1]["text"]), (&json!("newMessage"), &json!("hello")));
}
