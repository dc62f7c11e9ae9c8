//! Runs each example and checks its output.

use std::net::SocketAddr;

use futures::StreamExt;
use parlor::http::StatusCode;
use parlor_tests::{Example, RawClient, free_addr, within_timeout};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn chat_sends_typed_lines_to_all_in_room() {
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

    // An empty name is replaced.
    let (addr, path) = server.url["ws://".len()..].split_once('/').expect("a path");
    let addr = addr.parse().expect("an address");
    let mut guest = RawClient::parlor(addr, &format!("/{path}?name=")).await;
    guest.emit("joinRoom", json!({"room": "hall"})).await;
    let joined = guest.receive().await;
    assert_eq!(joined[0], "userJoined");
    assert_ne!(joined[1]["userId"], "");

    bob.close_input();
    ada.line_with("bob left").await;
    bob.output().await;
}

#[tokio::test]
async fn hello_prints_message_and_is_program_of_readme() {
    let output = Example::run("hello", &[]).await.output().await;
    assert!(output.contains(": Hello!"), "{output}");
    let program = include_str!("../../examples/hello.rs");
    let (_, program) = program.split_once("\n\n").expect("a head and a program");
    assert!(include_str!("../../README.md").contains(program), "README.md should have\n{program}");
}

#[tokio::test]
async fn auction_prints_typed_errors() {
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
async fn bearer_admits_client_with_token_only() {
    let output = Example::run("bearer", &[]).await.output().await;
    assert!(output.contains("with a token: ada"), "{output}");
    assert!(output.contains("a bearer token is needed"), "{output}");
}

#[tokio::test]
async fn noticeboard_sends_notice_posted_over_http_to_live_readers() {
    let addr = free_addr();
    let _server = Example::serve_at("noticeboard", addr.port()).await;
    let page = http(addr, "GET / HTTP/1.1", "").await;
    assert!(page.contains("<h1>Noticeboard</h1>"), "{page}");
    let unknown = RawClient::open(addr, "/live/board", &[]).await;
    assert_eq!(unknown.err(), Some(StatusCode::UNAUTHORIZED));

    let login = "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: 8";
    let login = http(addr, login, "name=ada").await;
    let (_, cookie) = login.split_once("set-cookie: ").expect("a cookie");
    let cookie = cookie.split(';').next().expect("its value");
    let mut ada =
        RawClient::open(addr, "/live/board", &[("cookie", cookie)]).await.expect("accepted");
    let headers = format!("Cookie: {cookie}\r\nContent-Type: application/json\r\n");
    // The length rule of the event also applies to HTTP.
    let (piano, novel) = (json!({"text": "Piano for sale"}), json!({"text": "x".repeat(201)}));
    for (notice, status) in [(novel, "422"), (piano, "201")] {
        let notice = notice.to_string();
        let request =
            format!("POST /api/notices HTTP/1.1\r\n{headers}Content-Length: {}", notice.len());
        let answer = http(addr, &request, &notice).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let notice = json!({"number": 0, "by": "ada", "text": "Piano for sale"});
    assert_eq!(ada.receive().await, json!(["pinned", notice]));

    ada.emit("pin", json!({"text": "Found: a glove"})).await;
    assert_eq!(ada.receive().await[1]["text"], "Found: a glove");
    let list = http(addr, "GET /api/notices HTTP/1.1", "").await;
    assert!(list.contains("Piano for sale") && list.contains("Found: a glove"), "{list}");
}

#[tokio::test]
async fn bot_without_server_plays_quiz_of_server_without_client() {
    let server = Example::serve_package("server").await;
    let output = Example::run_package("bot", &[&server.url]).await.output().await;
    let answers: Vec<_> = output.lines().take(3).collect();
    let expected = ["1 + 1 = 2 (points: 1)", "2 + 3 = 5 (points: 2)", "3 + 5 = 8 (points: 3)"];
    assert_eq!(answers, expected, "{output}");
}

/// Sends an HTTP request and returns the whole response.
async fn http(addr: SocketAddr, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    let request = format!("{request}\r\nHost: {addr}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    within_timeout("the answer", stream.read_to_string(&mut answer)).await.expect("read");
    answer
}

#[tokio::test]
async fn bench_server_echoes_and_broadcasts() {
    let addr = free_addr();
    let _server = Example::serve_at("bench_server", addr.port()).await;
    let mut client = RawClient::plain(addr, "/chat").await;
    client.emit("joinRoom", json!({"room": "a"})).await;
    client.emit("echo", json!({"text": "hi"})).await;
    assert_eq!(client.receive().await, json!(["echoed", {"text": "hi"}]));
    client.emit("sendMessage", json!({"room": "a", "text": "hello"})).await;
    let message = client.receive().await;
    assert_eq!((&message[0], &message[1]["text"]), (&json!("newMessage"), &json!("hello")));
}

#[tokio::test]
async fn echo_returns_messages_unchanged() {
    let addr = free_addr();
    let _server = Example::serve_at("echo", addr.port()).await;
    let mut client = RawClient::plain(addr, "/").await;
    for (sent, expected) in [
        (Message::text("hi"), Message::text("hi")),
        (Message::binary(&b"\x00\xff"[..]), Message::binary(&b"\x00\xff"[..])),
        (Message::Ping("ping".into()), Message::Pong("ping".into())),
    ] {
        client.send_message(sent).await;
        let received = within_timeout("the echo", client.0.next()).await.expect("not closed");
        assert_eq!(received.expect("no error"), expected);
    }
}

#[tokio::test]
async fn load_prints_ratios_and_writes_chart() {
    let chart = std::env::temp_dir().join(format!("parlor-load-{}.svg", std::process::id()));
    let short = ["--secs", "0.1", "--rounds", "1", "--members", "20"];
    let args = [&short[..], &["--chart", chart.to_str().expect("a path in Unicode")]].concat();
    let output = Example::run("load", &args).await.output().await;
    let drawn = std::fs::read_to_string(&chart).expect("the chart");
    std::fs::remove_file(&chart).expect("removed");

    let idle = cfg!(target_os = "linux").then_some("idle");
    let workloads = ["fan-out", "fan-out-single", "rooms", "echo", "pipeline"];
    for workload in workloads.into_iter().chain(idle) {
        let line = output.lines().find(|line| line.split_whitespace().next() == Some(workload));
        let line = line.unwrap_or_else(|| panic!("{workload} is not in\n{output}"));
        let ratio = line.split_whitespace().last().expect("a column");
        assert!(ratio.parse::<f64>().is_ok_and(|ratio| ratio > 0.0), "{line}");
        assert!(drawn.contains(&format!(">{workload}<")), "{workload} is not in\n{drawn}");
    }
    assert!(drawn.starts_with("<svg") && drawn.trim_end().ends_with("</svg>"), "{drawn}");
}

#[tokio::test]
async fn load_with_invalid_options_prints_usage() {
    for wrong in [&["--speed", "9"][..], &["--only", "nothing"], &["--secs", "0"], &["--secs"]] {
        let said = Example::run("load", wrong).await.fails().await;
        assert!(said.starts_with("usage: load"), "{wrong:?}: {said}");
    }
}
