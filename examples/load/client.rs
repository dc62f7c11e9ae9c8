//! One connection of the load: a minimal and fast WebSocket client, because a slow client would
//! measure itself.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

pub const TEXT: u8 = 0x81;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8A;

const MASKED: u8 = 0x80;
/// Any mask except zero, which a server could skip.
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Connects and joins `room`. Returns when the server has handled the join.
pub fn join(addr: SocketAddr, room: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let request = format!(
        "GET /chat HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    read_to(&mut stream, b"\r\n\r\n")?;
    // The server handles events in order, so the answer to the echo shows that the join is done.
    let mut frames = Vec::new();
    push_frame(&mut frames, TEXT, format!(r#"["joinRoom",{{"room":"{room}"}}]"#).as_bytes());
    push_frame(&mut frames, TEXT, br#"["echo",{"text":"joined"}]"#);
    stream.write_all(&frames)?;
    read_to(&mut stream, br#"["echoed",{"text":"joined"}]"#)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Reads until the received bytes end with `end`.
fn read_to(stream: &mut TcpStream, end: &[u8]) -> io::Result<()> {
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    while !received.ends_with(end) {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            let received = String::from_utf8_lossy(&received);
            return Err(io::Error::other(format!("the server closed after {received:?}")));
        }
        received.extend_from_slice(&buffer[..read]);
    }
    Ok(())
}

/// Appends a masked frame.
pub fn push_frame(frames: &mut Vec<u8>, head: u8, payload: &[u8]) {
    frames.push(head);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..126), _) => frames.push(MASKED | length),
        (_, Ok(length)) => {
            frames.push(MASKED | 0x7E);
            frames.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            frames.push(MASKED | 0x7F);
            frames.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frames.extend_from_slice(&MASK);
    frames.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// Splits the first frame into head, payload and the rest. Returns `None` if it is incomplete.
pub fn split_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[head, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length {
        0x7E => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        0x7F => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        length => (usize::from(length), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((head, payload, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_any_length_are_split_where_they_end() {
        for length in [0, 125, 126, 65535, 65536] {
            let mut frame = Vec::new();
            push_frame(&mut frame, TEXT, &vec![b'x'; length]);
            // Server frames have no mask.
            let mask = frame.len() - length - MASK.len();
            frame.drain(mask..mask + MASK.len());
            frame[1] &= !MASKED;
            assert!(split_frame(&frame[..frame.len() - 1]).is_none());
            frame.push(TEXT);
            let (head, payload, rest) = split_frame(&frame).expect("it is all there");
            assert_eq!((head, payload.len(), rest), (TEXT, length, &[TEXT][..]));
        }
    }
}
