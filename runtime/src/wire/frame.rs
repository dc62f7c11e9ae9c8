use std::cell::Cell;
use std::sync::Arc;

use serde::Serialize;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;

use super::json::{encode, encode_text};

/// The longest header of a frame that a server sends: 2 bytes and 8 of length, no mask.
const HEADER: usize = 10;

/// The first byte of a text frame that is a whole message.
const TEXT: u8 = 0x81;

/// What a thread keeps to encode into.
const SCRATCH: usize = 64 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A whole frame of a server, header and all: encoded once, shared by any number of outboxes.
#[derive(Clone)]
pub(crate) struct Frame(Arc<[u8]>);

impl Frame {
    /// `[name, payload]`
    pub(crate) fn event<P: Serialize + ?Sized>(
        name: &str,
        payload: &P,
    ) -> Result<Self, serde_json::Error> {
        Self::build(|json| {
            json.push(b'[');
            encode_text(name, json)?;
            json.push(b',');
            encode(payload, json)?;
            json.push(b']');
            Ok(())
        })
    }

    /// `[name, payload, id]`
    pub(crate) fn reply<P: Serialize + ?Sized>(
        name: &str,
        payload: &P,
        id: u64,
    ) -> Result<Self, serde_json::Error> {
        Self::build(|json| serde_json::to_writer(json, &(name, payload, id)))
    }

    /// No frame, but as long as one.
    #[cfg(test)]
    pub(crate) fn raw(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// A text frame with the payload that `write` appends.
    fn build(
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>,
    ) -> Result<Self, serde_json::Error> {
        // Taken out: a user's `Serialize` may emit something itself.
        let mut bytes = BUFFER.take();
        bytes.clear();
        // Room for the longest header, then the payload.
        bytes.extend_from_slice(&[0; HEADER]);
        let frame = write(&mut bytes).map(|()| {
            let header = write_header(&mut bytes);
            Self(bytes[HEADER - header..].into())
        });
        if bytes.capacity() <= SCRATCH {
            BUFFER.set(bytes);
        }
        frame
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Writes the header of a text frame right before the payload; says how long it is (RFC 6455 §5.2).
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
        // Cannot fail: a vector takes all.
        let _ = frame.format(&mut bytes);
        Self(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

    use super::*;

    #[test]
    fn the_header_tells_the_length_whatever_it_is() {
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
