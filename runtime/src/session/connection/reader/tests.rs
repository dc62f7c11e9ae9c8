use std::collections::VecDeque;
use std::io::{Read, Write};
use std::task::Waker;

use proptest::prelude::*;
use tungstenite::Message as WireMessage;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

use super::*;
use crate::disconnect_reason::DisconnectReason;
use crate::session::connection::disconnect_reason;

const MAX_MESSAGE_SIZE: usize = 300;

/// A stream that returns one chunk per read, then ends.
struct Chunks(VecDeque<Vec<u8>>);

impl Read for Chunks {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(mut chunk) = self.0.pop_front() else { return Ok(0) };
        let count = chunk.len().min(bytes.len());
        bytes[..count].copy_from_slice(&chunk[..count]);
        if count < chunk.len() {
            self.0.push_front(chunk.split_off(count));
        }
        Ok(count)
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.read(buffer.initialize_unfilled())?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Chunks {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, b: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(b.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The messages that `Reader` reads and the error that ends them. `releases` acts as a task that sleeps
/// before each message.
fn read(chunks: VecDeque<Vec<u8>>, releases: bool) -> (Vec<WireMessage>, Error) {
    let mut reader =
        Reader::new(Input::Other(Box::new(Chunks(chunks))), Vec::new(), MAX_MESSAGE_SIZE);
    let mut messages = Vec::new();
    loop {
        if releases {
            reader.release();
        }
        let Poll::Ready(read) = reader.poll_read(&mut Context::from_waker(Waker::noop())) else {
            panic!("chunks are always ready");
        };
        messages.push(match read {
            Ok(Message::Text) => WireMessage::text(reader.text()),
            Ok(Message::Binary) => WireMessage::binary(Bytes::copy_from_slice(reader.binary())),
            Ok(Message::Ping(payload)) => WireMessage::Ping(payload),
            Ok(Message::Pong(payload)) => WireMessage::Pong(payload),
            Ok(Message::Close(frame)) => {
                messages.push(WireMessage::Close(frame));
                return (messages, Error::ConnectionClosed);
            }
            Err(error) => return (messages, error),
        });
    }
}

/// The messages that tungstenite reads and the error that ends them.
fn read_by_tungstenite(chunks: VecDeque<Vec<u8>>) -> (Vec<WireMessage>, Error) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_SIZE))
        .max_frame_size(Some(MAX_MESSAGE_SIZE));
    let mut socket = WebSocket::from_raw_socket(Chunks(chunks), Role::Server, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            // Its message for a code that is not allowed in a close frame.
            Ok(WireMessage::Close(Some(CloseFrame { code: CloseCode::Protocol, reason })))
                if reason.as_str() == "Protocol violation" =>
            {
                return (messages, ProtocolError::InvalidCloseSequence.into());
            }
            Ok(message) => messages.push(message),
            Err(error) => return (messages, error),
        }
    }
}

/// One frame from a client, valid or not.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        4 => Just(0), 4 => Just(1), 2 => Just(2), 1 => Just(8), 2 => Just(9), 1 => Just(10),
        1 => 0..16_u8
    ];
    let payload = prop_oneof![
        4 => ".{0,8}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
        1 => "[é]{60,80}".prop_map(String::into_bytes),
        1 => (1000_u16..1020, "[a-z]{0,5}").prop_map(|(code, reason)| {
            [&code.to_be_bytes()[..], reason.as_bytes()].concat()
        }),
    ];
    let mask = proptest::option::weighted(0.97, any::<[u8; 4]>());
    let first = prop_oneof![12 => Just(0x80), 8 => Just(0), 1 => (0..16_u8).prop_map(|b| b << 4)];
    (first, opcode, payload, mask).prop_map(|(first, opcode, mut payload, mask)| {
        let mut bytes = Vec::new();
        let header = FrameHeader { mask, ..FrameHeader::default() };
        header.format(payload.len() as u64, &mut bytes).expect("a write to a vector succeeds");
        bytes[0] = first | opcode;
        unmask(&mut payload, mask.unwrap_or_default());
        [bytes, payload].concat()
    })
}

/// Frames, split at any byte.
fn chunks() -> impl Strategy<Value = VecDeque<Vec<u8>>> {
    let lengths = proptest::collection::vec(1..40_usize, 1..20);
    (proptest::collection::vec(frame(), 1..12), lengths).prop_map(|(frames, lengths)| {
        let mut bytes = frames.concat();
        let mut chunks = VecDeque::new();
        for length in lengths.into_iter().cycle() {
            if bytes.len() <= length {
                break;
            }
            let rest = bytes.split_off(length);
            chunks.push_back(std::mem::replace(&mut bytes, rest));
        }
        chunks.push_back(bytes);
        chunks
    })
}

fn code(error: &Error) -> Option<u16> {
    match disconnect_reason(error) {
        DisconnectReason::ProtocolViolation { code, .. } => Some(code.0),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn reads_the_same_messages_as_tungstenite(chunks in chunks(), releases: bool) {
        let (messages, error) = read(chunks.clone(), releases);
        let (expected, expected_error) = read_by_tungstenite(chunks);
        prop_assert_eq!(messages, expected);
        // A frame with two errors may report either, and may do so before it is complete.
        if matches!(expected_error, Error::Utf8(_) | Error::ConnectionClosed) {
            prop_assert_eq!(code(&error), code(&expected_error));
        } else if code(&expected_error).is_some() {
            prop_assert!(code(&error).is_some());
        }
    }

    #[test]
    fn unmasks_payload_of_any_length(payload in proptest::collection::vec(any::<u8>(), 0..40), mask: [u8; 4]) {
        let mut masked = payload.clone();
        unmask(&mut masked, mask);
        let by_byte = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        prop_assert!(by_byte.eq(masked));
    }
}

#[test]
fn invalid_frame_has_the_code_of_its_error() {
    for (frame, expected) in [
        (&[0xC1, 0x80, 0, 0, 0, 0][..], 1002),
        (&[0x81, 0x00], 1002),
        (&[0x09, 0x80, 0, 0, 0, 0], 1002),
        (&[0x89, 0xFE, 0, 126, 0, 0, 0, 0], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x8B, 0x80, 0, 0, 0, 0], 1002),
        (&[0x80, 0x80, 0, 0, 0, 0], 1002),
        (&[0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], 1002),
        (&[0x88, 0x81, 0, 0, 0, 0, 3], 1002),
        (&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
        // Invalid text fails before its last frame.
        (&[0x01, 0x81, 0, 0, 0, 0, 0xFF], 1007),
        (&[0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], 1009),
        (&[0x81, 0xFE, 0x01, 0x2D, 0, 0, 0, 0], 1009),
    ] {
        // A reader that waits for more bytes reaches the end of the stream, an error without a code.
        let (messages, error) = read([frame.to_vec()].into(), false);
        assert_eq!((messages, code(&error)), (Vec::new(), Some(expected)), "{frame:02x?}: {error}");
    }
}
