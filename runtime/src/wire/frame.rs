use std::sync::Arc;

use serde::Serialize;
use tungstenite::protocol::frame::Frame as RawFrame;

use super::json::{EncodeError, encode};
use super::message::{write_message, write_start};
use crate::buffers::{self, FRAME_BUFFER, MAX_KEPT_FRAME};

/// The longest header of a frame that a server sends: 2 bytes and 8 of length, no mask.
const HEADER: usize = 10;

/// The first byte of a text frame that is a whole message.
const TEXT: u8 = 0x81;

/// A whole frame of a server, with its header: encoded once and shared by any number of outboxes.
#[derive(Clone)]
pub(crate) struct Frame(Arc<[u8]>);

/// A frame to push into an outbox: one that other outboxes share, or the bytes of one that they do not.
pub(crate) trait EncodedFrame: Copy {
    /// The bytes, unless other outboxes share the frame.
    fn unshared(&self) -> Option<&[u8]>;
    fn to_frame(self) -> Frame;
    fn len(&self) -> usize;
}

impl EncodedFrame for &Frame {
    fn unshared(&self) -> Option<&[u8]> {
        None
    }

    fn to_frame(self) -> Frame {
        self.clone()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl EncodedFrame for &[u8] {
    fn unshared(&self) -> Option<&[u8]> {
        Some(self)
    }

    fn to_frame(self) -> Frame {
        Frame::copy(self)
    }

    fn len(&self) -> usize {
        (**self).len()
    }
}

impl Frame {
    /// `[name, payload]`
    pub(crate) fn event<P: Serialize + ?Sized>(
        name: &str,
        payload: &P,
    ) -> Result<Self, EncodeError> {
        build(|json| write_message(name, payload, None, json), Self::copy)
    }

    /// The JSON before the payload, which all events with this name share.
    pub(crate) fn event_prefix(name: &str) -> Vec<u8> {
        let mut prefix = Vec::new();
        write_start(name, &mut prefix);
        prefix
    }

    /// Encodes an event and passes its bytes to `use_bytes`. `prefix` is from [`Frame::event_prefix`].
    pub(crate) fn with_event<P: Serialize + ?Sized, T>(
        prefix: &[u8],
        payload: &P,
        use_bytes: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, EncodeError> {
        let write = |json: &mut Vec<u8>| {
            json.extend_from_slice(prefix);
            encode(payload, json)?;
            json.push(b']');
            Ok(())
        };
        build(write, use_bytes)
    }

    /// `[name, payload, id]`
    pub(crate) fn reply<P: Serialize + ?Sized>(
        name: &str,
        payload: &P,
        id: u64,
    ) -> Result<Self, EncodeError> {
        build(|json| write_message(name, payload, Some(id), json), Self::copy)
    }

    /// A frame of another node: one whole text frame, without a mask, of an event with this prefix. Its length is
    /// written as short as possible, because browsers close the connection otherwise (RFC 6455 §5.2).
    pub(crate) fn checked(bytes: &[u8], prefix: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, shortest, json) = match length {
            126 => {
                let (length, json) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*length)), 126, json)
            }
            127 => {
                let (length, json) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), 1 << 16, json)
            }
            _ => (u64::from(*length), 0, rest),
        };
        let is_frame = *first == TEXT && length == json.len() as u64 && length >= shortest;
        let is_event = json.starts_with(prefix) && json.ends_with(b"]");
        (is_frame && is_event && std::str::from_utf8(json).is_ok()).then(|| Self::copy(bytes))
    }

    /// Copies the bytes of a whole frame.
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Encodes a text frame with the payload that `write` appends, and passes its bytes to `use_bytes`.
fn build<T>(
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    use_bytes: impl FnOnce(&[u8]) -> T,
) -> Result<T, EncodeError> {
    // Taken out, because a user's `Serialize` may emit an event itself.
    let mut bytes = buffers::take(&FRAME_BUFFER);
    bytes.clear();
    // Space for the longest header, then the payload.
    bytes.extend_from_slice(&[0; HEADER]);
    let result = write(&mut bytes).map(|()| {
        let header = write_header(&mut bytes);
        use_bytes(&bytes[HEADER - header..])
    });
    if bytes.capacity() <= MAX_KEPT_FRAME {
        buffers::put(&FRAME_BUFFER, bytes);
    }
    result
}

/// Writes the header of a text frame directly before the payload. Returns its length (RFC 6455 §5.2).
fn write_header(bytes: &mut [u8]) -> usize {
    let Some((header, payload)) = bytes.split_first_chunk_mut::<HEADER>() else { return 0 };
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..126), _) => {
            header[HEADER - 2..].copy_from_slice(&[TEXT, length]);
            2
        }
        (_, Ok(length)) => {
            let [high, low] = length.to_be_bytes();
            header[HEADER - 4..].copy_from_slice(&[TEXT, 126, high, low]);
            4
        }
        _ => {
            header[..2].copy_from_slice(&[TEXT, 127]);
            header[2..].copy_from_slice(&(length as u64).to_be_bytes());
            HEADER
        }
    }
}

impl From<RawFrame> for Frame {
    fn from(frame: RawFrame) -> Self {
        let mut bytes = Vec::with_capacity(frame.len());
        // Cannot fail: a vector accepts all bytes.
        let _ = frame.format(&mut bytes);
        Self(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tungstenite::protocol::frame::FrameHeader;

    use super::*;

    #[test]
    fn header_has_length_of_payload() {
        for length in [0, 100, 121, 122, 126, 60_000, 65_531, 65_532, 70_000] {
            let text = "x".repeat(length);
            let frame = Frame::event("a", &text).expect("JSON");
            let mut bytes = Cursor::new(frame.as_bytes());
            let (header, payload) =
                FrameHeader::parse(&mut bytes).expect("a header").expect("a whole header");
            let start = usize::try_from(bytes.position()).expect("short");
            let json = std::str::from_utf8(&frame.as_bytes()[start..]).expect("UTF-8");
            assert_eq!(json, format!(r#"["a","{text}"]"#));
            assert_eq!(payload, json.len() as u64);
            assert!(header.is_final && header.mask.is_none());
        }
    }
}
