//! The lines of a request, and where its head ends.

use parlor::Router;
use parlor::server::Handshakes;
use parlor_tests::{TestServer, probe_fixture, within_timeout};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Response, Served, read_response, send, with};

/// Sends the bytes one by one.
async fn send_in_pieces(addr: std::net::SocketAddr, bytes: &[u8]) -> Response {
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    for byte in bytes {
        stream.write_all(&[*byte]).await.expect("sent");
    }
    within_timeout("the response", read_response(&mut stream)).await
}

#[tokio::test]
async fn blank_lines_before_request_are_skipped() {
    let served = Served::probe().await;
    for blank in ["\r\n", "\r\n\r\n", "\r\n\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n"] {
        let request = format!("{blank}{}", with(&[]));
        served.assert_response(&request, 101, "").await;
        for addr in [served.plain.addr, served.axum] {
            assert_eq!(send_in_pieces(addr, request.as_bytes()).await.status(), 101, "{blank:?}");
        }
    }
}

#[tokio::test]
async fn blank_lines_count_towards_size_of_request() {
    let request = with(&[]);
    let limits = Handshakes { max_request_size: request.len() + 4, ..Handshakes::default() };
    let router = Router::new().procedure("/probe", probe_fixture().server).handshakes(limits);
    let server = TestServer::start(router).await;
    for (blank, status) in [("\r\n\r\n", 101), ("\r\n\r\n\r\n", 431)] {
        let response = send(server.addr, format!("{blank}{request}").as_bytes()).await;
        assert_eq!(response.status(), status, "{blank:?}");
    }
    let blank = "\r\n".repeat(request.len());
    assert_eq!(send(server.addr, blank.as_bytes()).await.status(), 431);
}

/// Inside axum, hyper decides.
#[tokio::test]
async fn line_that_ends_with_lf_alone_is_400() {
    let served = Served::probe().await;
    let valid = with(&[]);
    let smuggled = format!("{}\n\nGET /x HTTP/1.1\r\n\r\n", valid.trim_end());
    for (request, line) in [
        (valid.replace("\r\n", "\n"), 1),
        (valid.replace("\r\n", "\n") + "\r\n\r\n", 1),
        (valid.replacen("\r\n", "\n", 1), 1),
        (valid.replace("\r\nUpgrade", "\nUpgrade"), 3),
        (format!("{}\n\r\n", valid.trim_end()), 6),
        (format!("{}\r\n\n", valid.trim_end()), 7),
        (smuggled, 6),
        (format!("\r\n{}", valid.replace("\r\n", "\n")), 1),
    ] {
        let text = format!("line {line} ends with LF alone: lines of a request end with CRLF\n");
        let response = send(served.plain.addr, request.as_bytes()).await;
        assert_eq!((response.status(), response.body), (400, text), "{request:?}");
    }
}

#[tokio::test]
async fn response_400_names_line_and_problem() {
    let served = Served::probe().await;
    for (line, text) in [
        ("X Y: 1", "line 7 is not a header: its name contains a space"),
        ("X : 1", "line 7 is not a header: its name contains a space"),
        (" folded", "line 7 is folded, which HTTP/1.1 does not allow (RFC 9112 §5.2)"),
        ("\tfolded: 1", "line 7 is folded"),
        ("nothing", "line 7 is not a header: it has no colon"),
        (": 1", "line 7 is not a header: it has no name"),
        ("X(: 1", "line 7 is not a header: its name contains `(`"),
        ("\u{e4}: 1", r"line 7 is not a header: its name contains `\xc3`"),
        ("X: \0", r"line 7 is not a header: its value contains `\x00`"),
        ("X: a\rb", r"line 7 is not a header: its value contains `\r`"),
    ] {
        let response = send(served.plain.addr, with(&[line]).as_bytes()).await;
        assert_eq!(response.status(), 400, "{line:?}");
        assert!(response.body.starts_with(text), "{line:?}: {}", response.body);
        assert!(!response.body.contains("httparse"), "{}", response.body);
        assert_eq!(send(served.axum, with(&[line]).as_bytes()).await.status(), 400, "{line:?}");
    }
}

#[tokio::test]
async fn response_400_names_problem_of_request_line() {
    let served = Served::probe().await;
    let headers = with(&[]).split_once("\r\n").expect("lines").1.to_owned();
    for (line, text) in [
        ("GET /probe", "line 1 is not a request line, as in `GET /chat HTTP/1.1`"),
        ("GET  /probe HTTP/1.1", "line 1 is not a request line"),
        ("GET /pro be HTTP/1.1", "line 1 is not a request line"),
        ("G(T /probe HTTP/1.1", "line 1 has a method that contains `(`"),
        ("GET /pro\0be HTTP/1.1", r"line 1 has a target that contains `\x00`"),
        ("GET /probe HTTP/9.1", "line 1 has another version than HTTP/1.1"),
        ("GET http:///probe HTTP/1.1", "line 1 has a target that is not a path"),
    ] {
        let request = format!("{line}\r\n{headers}");
        let response = send(served.plain.addr, request.as_bytes()).await;
        assert_eq!(response.status(), 400, "{line:?}");
        assert!(response.body.starts_with(text), "{line:?}: {}", response.body);
    }
}
