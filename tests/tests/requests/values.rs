//! Cookies and query parameters, as a factory reads them.

use std::sync::Arc;

use parlor::Router;
use parlor_tests::{Log, ProbeServer, ProbeSocket, RawClient, probe_fixture};
use serde::Deserialize;

use super::{LINES, Served, request, with};

#[derive(Deserialize)]
struct Query {
    room: String,
    since: Option<u64>,
}

/// A server whose factory needs a query, and responds with what it has read.
async fn served() -> Served {
    let fixture = Arc::new(probe_fixture());
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let fixture = Arc::clone(&fixture);
        async move {
            let query: Query = socket.request().query_as()?;
            assert_eq!((query.room.as_str(), query.since), ("a b", Some(7)));
            Ok(fixture.session(socket))
        }
    });
    Served::start(Router::new().procedure("/probe", server)).await
}

#[tokio::test]
async fn wrong_query_rejects_connection_and_names_parameter() {
    let (log, _guard) = Log::start();
    let served = served().await;
    served.assert_response(&request("/probe?room=a+b&since=7", &LINES), 101, "").await;
    for (query, text) in [
        ("?room=a+b&since=soon", "the query parameter `since` is not of type u64"),
        ("?since=7", "the query parameter `room` is missing"),
        ("", "the query parameter `room` is missing"),
        ("?room=a+b&room=secret", "the query parameter `room` is given twice"),
    ] {
        served.assert_response(&request(&format!("/probe{query}"), &LINES), 400, text).await;
        let headers = [("sec-websocket-protocol", "parlor.v1.json")];
        let path = format!("/probe{query}");
        let opened = RawClient::open(served.plain.addr, &path, &headers).await;
        let closed = opened.expect("accepted").closed().await;
        assert_eq!((closed.code, closed.reason.as_str()), (4506, text));
    }
    assert!(!log.text().contains("soon") && !log.text().contains("secret"), "{}", log.text());
}

#[tokio::test]
async fn cookie_is_read_from_any_line() {
    let fixture = Arc::new(probe_fixture());
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let fixture = Arc::clone(&fixture);
        async move {
            let request = socket.request();
            assert_eq!(request.cookie("session"), Some("a=b"));
            assert_eq!(request.cookie("theme"), Some("dark mode"));
            assert_eq!(request.cookie("Session"), None);
            Ok(fixture.session(socket))
        }
    });
    let running = Served::start(Router::new().procedure("/probe", server)).await;
    let lines = ["Cookie: lang=de; session=a=b", "Cookie: theme=\"dark mode\"; session=other"];
    running.assert_response(&with(&lines), 101, "").await;
}

#[tokio::test]
async fn bearer_token_is_read_after_any_white_space() {
    let fixture = Arc::new(probe_fixture());
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let fixture = Arc::clone(&fixture);
        async move {
            assert_eq!(socket.request().bearer_token().as_deref(), Some("ada"));
            Ok(fixture.session(socket))
        }
    });
    let running = Served::start(Router::new().procedure("/probe", server)).await;
    for line in [
        "Authorization: Bearer ada",
        "Authorization: bearer\tada",
        "Authorization: BEARER \t ada ",
        "Sec-WebSocket-Protocol: parlor.bearer.YWRh",
    ] {
        running.assert_response(&with(&[line]), 101, "").await;
    }
}
