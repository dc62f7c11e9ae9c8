use serde::Serialize;
use serde::ser::Error as _;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// The longest header of a frame that a server sends: 2 bytes and 8 of length, no mask.
const HEADER: usize = 10;

/// A whole text frame of a server, header and all: encoded once, appended to any number of outboxes.
pub(crate) struct Frame {
    /// Room for the longest header, then the payload.
    bytes: Vec<u8>,
    /// Where the header starts.
    start: usize,
}

impl Frame {
    /// `[name, payload]`
    pub(crate) fn event<P: Serialize + ?Sized>(
        name: &str,
        payload: &P,
    ) -> Result<Self, serde_json::Error> {
        Self::json(&(name, payload))
    }

    /// `[name, payload, id]`
    pub(crate) fn reply<P: Serialize + ?Sized>(
        name: &str,
        payload: &P,
        id: u64,
    ) -> Result<Self, serde_json::Error> {
        Self::json(&(name, payload, id))
    }

    fn json<T: Serialize>(message: &T) -> Result<Self, serde_json::Error> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&[0; HEADER]);
        serde_json::to_writer(&mut bytes, message)?;
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        let payload = (bytes.len() - HEADER) as u64;
        let start = HEADER - header.len(payload);
        header
            .format(payload, &mut &mut bytes[start..HEADER])
            .map_err(serde_json::Error::custom)?;
        Ok(Self { bytes, start })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

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
