//! The PROXY protocol, version 2, on the server's own listener.

use parlor::Router;
use parlor::server::Handshakes;
use parlor_tests::{Log, TestServer, probe_fixture, within_timeout};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::client_address::reports_addresses;
use super::{Served, assert_warned_once, read_response, send, with};

const IPV4: &[u8] = b"\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\x01\xbb";
const IPV6: &[u8] = b"\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
    \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\x01\xbb";
/// IPv4, 10.0.0.9, with a value of three bytes after the addresses.
const WITH_MORE: &[u8] = b"\x21\x11\0\x12\x0a\0\0\x09\xc0\0\x02\x02\x12\x67\x01\xbb\x04\0\x03abc";
/// A client without an address, such as that of a Unix socket.
const UNKNOWN: &[u8] = b"\x21\0\0\0";
/// A health check of the proxy.
const LOCAL: &[u8] = b"\x20\0\0\0";

/// A header, then a handshake.
fn connection(header: &[u8], lines: &[&str]) -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n", header, with(lines).as_bytes()].concat()
}

fn router() -> Router {
    reports_addresses().trusted_proxies(["127.0.0.1", "10.0.0.0/8"]).proxy_protocol()
}

#[tokio::test]
async fn source_address_is_client_address() {
    let server = TestServer::start(router()).await;
    let list = ["X-Forwarded-For: 6.6.6.6, 198.51.100.7"];
    for (header, lines, client) in [
        (IPV4, &[][..], "192.0.2.1"),
        (IPV6, &[], "2001:db8::1"),
        (LOCAL, &[], "127.0.0.1"),
        // The client is no trusted proxy.
        (IPV4, &list, "192.0.2.1"),
        // Anyone may have sent the request: the proxy does not know its client.
        (UNKNOWN, &list, "127.0.0.1"),
        (LOCAL, &list, "127.0.0.1"),
        // It is one.
        (WITH_MORE, &list, "198.51.100.7"),
        (WITH_MORE, &[], "10.0.0.9"),
    ] {
        let response = send(server.addr, &connection(header, lines)).await;
        assert_eq!(response.status(), 403, "{}", response.head);
        assert_eq!(response.body, format!("client {client}, peer 127.0.0.1\n"));
    }
}

#[tokio::test]
async fn header_may_arrive_in_pieces() {
    let server = TestServer::start(router()).await;
    let mut stream = TcpStream::connect(server.addr).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    for byte in connection(IPV4, &[]) {
        stream.write_all(&[byte]).await.expect("sent");
    }
    let response = within_timeout("the response", read_response(&mut stream)).await;
    assert_eq!(response.body, "client 192.0.2.1, peer 127.0.0.1\n");
}

#[tokio::test]
async fn session_starts_after_header() {
    let router = Router::new().procedure("/probe", probe_fixture().server);
    let router = router.trusted_proxies(["127.0.0.1"]).proxy_protocol();
    let server = TestServer::start(router).await;
    assert_eq!(send(server.addr, &connection(IPV4, &[])).await.status(), 101);
}

#[tokio::test]
async fn connection_without_valid_header_is_400_that_names_cause() {
    let (log, _guard) = Log::start();
    let server = TestServer::start(router()).await;
    for (bytes, cause) in [
        (with(&[]).into_bytes(), "does not begin with a PROXY protocol header"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(), "version 1"),
        (connection(b"\x31\x11\0\0", &[]), "version or command"),
        (connection(b"\x21\x11\0\x04\0\0\0\0", &[]), "too short"),
        (connection(b"\x21\x11\xff\xff", &[]), "longer than `Handshakes::max_request_size`"),
    ] {
        let response = send(server.addr, &bytes).await;
        assert_eq!(response.status(), 400, "{cause}: {}", response.head);
        assert!(response.body.contains(cause), "{cause}: {}", response.body);
        assert!(log.text().contains(cause), "{}", log.text());
    }
}

#[tokio::test]
async fn connection_of_peer_that_is_no_trusted_proxy_is_403() {
    let (log, _guard) = Log::start();
    let router = reports_addresses().trusted_proxies(["10.0.0.0/8"]).proxy_protocol();
    let server = TestServer::start(router).await;
    for bytes in [connection(IPV4, &[]), with(&[]).into_bytes()] {
        let response = send(server.addr, &bytes).await;
        assert_eq!(response.status(), 403);
        assert!(response.body.contains("its proxies only"), "{}", response.body);
    }
    assert_warned_once(&log, "no trusted proxy");
}

#[tokio::test]
async fn second_header_is_400_that_says_to_turn_one_off() {
    let (log, _guard) = Log::start();
    let server = TestServer::start(router()).await;
    let v1 = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    let first = [b"\r\n\r\n\0\r\nQUIT\n", IPV4].concat();
    for second in [connection(IPV4, &[]), connection(LOCAL, &[]), v1.into()] {
        let response = send(server.addr, &[&first[..], &second].concat()).await;
        let text = "a second PROXY protocol header: two proxies in a row send one; turn it off in one of them";
        assert_eq!((response.status(), response.body), (400, format!("{text}\n")));
        assert!(log.text().contains(text), "{}", log.text());
    }
}

#[tokio::test]
async fn blank_lines_after_header_are_skipped() {
    let server = TestServer::start(router()).await;
    let bytes = [b"\r\n\r\n\0\r\nQUIT\n", IPV4, b"\r\n\r\n\r\n", with(&[]).as_bytes()].concat();
    assert_eq!(send(server.addr, &bytes).await.body, "client 192.0.2.1, peer 127.0.0.1\n");
}

#[tokio::test]
async fn proxy_protocol_without_trusted_proxies_fails_to_serve() {
    let served = reports_addresses().proxy_protocol().serve("127.0.0.1:0").into_future();
    let error = within_timeout("an error", served).await.expect_err("a mistake").to_string();
    assert!(error.contains("`.trusted_proxies([..])`"), "{error}");
}

#[tokio::test]
async fn header_counts_towards_size_of_request() {
    let bytes = connection(IPV4, &[]);
    for (max_request_size, status) in [(bytes.len(), 403), (bytes.len() - 1, 431)] {
        let limits = Handshakes { max_request_size, ..Handshakes::default() };
        let server = TestServer::start(router().handshakes(limits)).await;
        assert_eq!(send(server.addr, &bytes).await.status(), status);
    }
    // Values of any length, such as a certificate of the client.
    let long = [b"\x21\x11\x10\0".as_slice(), &IPV4[4..], &[0; 4096 - 12]].concat();
    let server = TestServer::start(router()).await;
    let response = send(server.addr, &connection(&long, &[])).await;
    assert_eq!(response.body, "client 192.0.2.1, peer 127.0.0.1\n");
}

#[tokio::test]
async fn proxy_protocol_has_no_effect_inside_another_server() {
    let served = Served::start(router()).await;
    let response = send(served.axum, with(&[]).as_bytes()).await;
    assert_eq!(response.body, "client 127.0.0.1, peer 127.0.0.1\n");
}
