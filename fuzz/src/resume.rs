//! The subprotocols that a client offers: credentials and a session to resume.

use crate::handshake;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: \
    parlor.v1.json, ";

pub fn run(bytes: &[u8]) {
    if let Some((secret, received)) = parlor::__fuzz::resume(bytes) {
        // The parsed value is exactly what the client wrote: nothing is invented, trimmed or
        // truncated.
        let text = String::from_utf8_lossy(bytes);
        let mut offered = text.split(',').map(str::trim);
        let resume = offered.find_map(|name| name.strip_prefix("parlor.resume."));
        let (written, count) = resume.and_then(|it| it.split_once('.')).expect("it was offered");
        assert_eq!((written, count.parse()), (secret.as_str(), Ok(received)));
    }
    let offered = bytes.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).copied();
    let request: Vec<u8> = HEAD.iter().copied().chain(offered).chain(*b"\r\n\r\n").collect();
    let answer = handshake::answer(&request);
    let accepted = answer.starts_with(b"HTTP/1.1 101 ");
    let refused = answer.starts_with(b"HTTP/1.1 4");
    assert!(accepted || refused, "neither accepted nor refused: {}", answer.escape_ascii());
    // A header with other bytes is not from a Parlor client, so plain mode is used.
    let is_printable = bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    let welcome = String::from_utf8_lossy(&answer).contains(r#"["$welcome",{"#);
    assert!(welcome || !is_printable, "no welcome: {}", answer.escape_ascii());
}
