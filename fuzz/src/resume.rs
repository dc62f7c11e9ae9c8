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
    let offered: Vec<u8> = offered.collect();
    let answer = handshake::answer(&[HEAD, &offered[..], b"\r\n\r\n"].concat());
    let accepted = answer.starts_with(b"HTTP/1.1 101 ");
    let refused = answer.starts_with(b"HTTP/1.1 4");
    assert!(accepted || refused, "neither accepted nor refused: {}", answer.escape_ascii());
    let is_repeated = |prefix: &[u8]| {
        let names = offered.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        names.filter(|name| name.starts_with(prefix)).count() > 1
    };
    let contradicts = is_repeated(b"parlor.resume.") || is_repeated(b"parlor.bearer.");
    assert!(refused || !contradicts, "accepted: {}", answer.escape_ascii());
    // A header with control characters is not from a Parlor client.
    let is_printable = bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    let welcome = String::from_utf8_lossy(&answer).contains(r#"["$welcome",{"#);
    assert!(welcome || contradicts || !is_printable, "no welcome: {}", answer.escape_ascii());
}
