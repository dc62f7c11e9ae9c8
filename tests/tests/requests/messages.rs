//! The text of responses without a WebSocket names the cause.

use parlor::Router;
use parlor_tests::{Log, RawClient, TestServer, probe_fixture};

use super::{
    CONNECTION, HOST, LINES, PARLOR, Served, UPGRADE, VERSION, assert_warned_once, replacing,
    request, send, with,
};

async fn mounted_at(paths: &[&str]) -> Served {
    let router = paths
        .iter()
        .fold(Router::new(), |router, path| router.procedure(*path, probe_fixture().server));
    Served::start(router).await
}

#[tokio::test]
async fn response_404_says_what_was_asked_and_what_is_mounted() {
    let served = mounted_at(&["/news", "/chat"]).await;
    let text = "no procedure is mounted at /char; mounted are /chat, /news\n";
    served.assert_response(&request("/char?token=secret", &LINES), 404, text).await;
    // Without a handshake too, as in the address bar of a browser.
    served.assert_response(&request("/char?token=secret", &[HOST]), 404, text).await;
    let one = mounted_at(&["/chat"]).await;
    let text = "no procedure is mounted at /; mounted is /chat\n";
    one.assert_response(&request("/", &LINES), 404, text).await;
    mounted_at(&[])
        .await
        .assert_response(&request("/", &LINES), 404, "no procedure is mounted\n")
        .await;
    // The close reason of Parlor mode.
    let headers = [("sec-websocket-protocol", "parlor.v1.json")];
    let mut client = RawClient::open(one.plain.addr, "/x", &headers).await.expect("accepted");
    assert_eq!(client.closed().await.reason, "no procedure is mounted at /x; mounted is /chat");
}

/// A page of a name that resolves to this address, or of another origin, learns no path.
#[tokio::test]
async fn response_404_names_no_path_to_foreign_host_or_origin() {
    let served = mounted_at(&["/news", "/chat"]).await;
    let foreign = ["Host: rebound.example", "Host: localhost\r\nOrigin: https://evil.example"];
    for lines in foreign {
        for all in [&[lines][..], &[lines, CONNECTION, UPGRADE, super::KEY, VERSION]] {
            for (server, response) in served.send(&request("/char", all)).await {
                assert_eq!(response.status(), 403, "{server}: {lines}");
                assert!(!response.body.contains("/chat"), "{server}: {}", response.body);
            }
        }
    }
}

#[tokio::test]
async fn response_404_is_short_when_path_or_list_is_long() {
    let long = format!("/{}", "a".repeat(3000));
    let paths: Vec<String> = (0..9).map(|number| format!("/p{number}")).collect();
    let many = mounted_at(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (server, response) in many.send(&request(&long, &LINES)).await {
        assert_eq!(response.status(), 404, "{server}");
        assert!(response.body.len() < 300, "{server}: {}", response.body);
        assert!(response.body.contains("/aaaa"), "{server}: {}", response.body);
        assert!(!response.body.contains("/p1"), "{server}: {}", response.body);
    }
    let long = mounted_at(&[&long]).await;
    long.assert_response(&request("/x", &LINES), 404, "at /x\n").await;
}

#[tokio::test]
async fn log_of_404_names_all_mounted_paths() {
    let (log, _guard) = Log::start();
    let paths: Vec<String> = (0..9).map(|number| format!("/p{number}")).collect();
    let many = mounted_at(&paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    many.assert_response(&request("/char?token=secret", &LINES), 404, "/char").await;
    let text = log.text();
    assert!(text.contains("/p0") && text.contains("/p8") && text.contains("/char"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

/// Sends bytes that are not an HTTP/1.1 request.
async fn assert_cause(bytes: &[u8], texts: &[&str]) {
    let (log, _guard) = Log::start();
    let router = Router::new().procedure("/probe", probe_fixture().server);
    let server = TestServer::start(router).await;
    // A scanner does not fill the log.
    for _ in 0..3 {
        let response = send(server.addr, bytes).await;
        assert_eq!(response.status(), 400, "{}{}", response.head, response.body);
        for text in texts {
            assert!(response.body.contains(text), "`{text}`: {}", response.body);
            assert_warned_once(&log, text);
        }
    }
}

#[tokio::test]
async fn proxy_protocol_header_is_400_that_names_setting() {
    let v1 = format!("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n{}", replacing("", &[]));
    assert_cause(v1.as_bytes(), &["PROXY protocol", "version 1"]).await;
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend_from_slice(&[192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 4, 1, 0xbb]);
    v2.extend_from_slice(replacing("", &[]).as_bytes());
    assert_cause(&v2, &["PROXY protocol", "version 2"]).await;
}

#[tokio::test]
async fn tls_client_hello_is_400_that_names_tls() {
    assert_cause(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", &["TLS", "ws://"]).await;
}

#[tokio::test]
async fn http2_preface_is_400_that_names_http_1_1() {
    assert_cause(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &["HTTP/2", "HTTP/1.1"]).await;
}

#[tokio::test]
async fn http_1_0_request_is_400_that_names_http_1_1() {
    let request = replacing("", &[]).replace("HTTP/1.1", "HTTP/1.0");
    let served = Served::probe().await;
    for (server, response) in served.send(&request).await {
        assert_eq!(response.status(), 400, "{server}");
        assert!(response.body.contains("HTTP/1.1"), "{server}: {}", response.body);
    }
}

#[tokio::test]
async fn response_426_says_what_is_expected() {
    let served = Served::probe().await;
    for (lines, text) in [
        (replacing(UPGRADE, &[]), "`Upgrade: websocket`"),
        (replacing(CONNECTION, &["Connection: close"]), "`Connection: Upgrade`"),
        (request("/probe", &[HOST]), "ws://"),
    ] {
        for (server, response) in served.send(&lines).await {
            assert_eq!(response.status(), 426, "{server}: {lines}");
            assert_eq!(response.header("upgrade"), Some("websocket"), "{server}: {lines}");
            let connection = response.header("connection").unwrap_or_default().to_lowercase();
            assert!(connection.contains("upgrade"), "{server}: {}", response.head);
            assert!(response.body.contains(text), "{server}: {}", response.body);
        }
    }
}

/// RFC 6455 §4.4.
#[tokio::test]
async fn other_websocket_version_is_426_that_names_version_13() {
    let served = Served::probe().await;
    for (lines, status) in [
        (replacing(VERSION, &["Sec-WebSocket-Version: 8"]), 426),
        (replacing(VERSION, &["Sec-WebSocket-Version: 25", PARLOR]), 426),
        (replacing(VERSION, &["Sec-WebSocket-Version: 13, 8"]), 426),
        (replacing(VERSION, &[]), 400),
    ] {
        for (server, response) in served.send(&lines).await {
            assert_eq!(response.status(), status, "{server}: {lines}");
            assert_eq!(response.header("sec-websocket-version"), Some("13"), "{server}: {lines}");
            assert!(response.body.contains("13"), "{server}: {}", response.body);
        }
    }
}

#[tokio::test]
async fn wrong_key_is_400_that_names_it() {
    let served = Served::probe().await;
    for (lines, problem) in [
        (&[][..], "is missing"),
        (&["Sec-WebSocket-Key:"], "is not 16 bytes in base64"),
        (&["Sec-WebSocket-Key: short"], "is not 16 bytes in base64"),
        (&["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!=="], "is not 16 bytes in base64"),
    ] {
        let text = format!("the header `Sec-WebSocket-Key` {problem}\n");
        served.assert_response(&replacing(super::KEY, lines), 400, &text).await;
    }
}

#[tokio::test]
async fn unknown_subprotocol_is_not_echoed_and_logged_with_known_one() {
    for (offer, is_known) in [
        ("graphql-ws", false),
        ("parlor.v2.json", false),
        ("PARLOR.V1.JSON", false),
        ("parlor.bearer.czNjcmV0", false),
        ("graphql-ws, parlor.v1.json", true),
    ] {
        let (log, _guard) = Log::start();
        let served = Served::probe().await;
        let request = with(&[&format!("Sec-WebSocket-Protocol: {offer}")]);
        for (server, response) in served.send(&request).await {
            assert_eq!(response.status(), 101, "{server}: {offer}");
            let echoed = response.header("sec-websocket-protocol");
            assert_eq!(echoed, is_known.then_some("parlor.v1.json"), "{server}: {offer}");
        }
        let text = log.text();
        let lines = text.lines().filter(|line| line.contains("no offered subprotocol"));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), if is_known { 0 } else { 2 }, "{offer}: {text}");
        assert!(lines.iter().all(|line| line.contains("`parlor.v1.json`")), "{offer}: {text}");
        assert!(!text.contains("graphql") && !text.contains("czNjcmV0"), "{offer}: {text}");
    }
}
