#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::{Bytes, Error, Utf8Bytes};

use super::read_buffer::ReadBuffer;
use crate::buffers::{self, MAX_KEPT_MESSAGE, MESSAGE_BUFFER};
use crate::transport::Stream;

/// The longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL_PAYLOAD: usize = 125;

/// Reads the messages of a client (RFC 6455).
pub(super) struct Reader {
    input: Input,
    buffer: ReadBuffer,
    max_message_size: usize,
    /// The last message, if it was text.
    text: String,
    /// The last message, if it was binary, or the fragments of the next one.
    bytes: Vec<u8>,
    fragmented: Option<Fragmented>,
    /// Bytes were received since [`take_received`](Self::take_received).
    received: bool,
}

/// The stream that is read from.
pub(super) enum Input {
    Tcp(OwnedReadHalf),
    Other(Box<dyn Stream>),
}

/// A received message. [`Reader::text`] and [`Reader::binary`] return the payload of a data message.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    Text,
    Binary,
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<CloseFrame>),
}

/// A message whose last frame is not received yet.
#[derive(Clone, Copy)]
struct Fragmented {
    kind: Data,
    /// The length in bytes of the prefix that is valid UTF-8, for text.
    valid: usize,
}

/// The header of a frame (RFC 6455 §5.2).
struct Header {
    is_final: bool,
    /// A bit is set that is reserved for extensions.
    reserved: bool,
    opcode: OpCode,
    masked: bool,
    mask: [u8; 4],
    /// The size of the header in bytes.
    size: usize,
    /// The size of the payload in bytes.
    payload_size: usize,
}

/// A whole frame, still masked.
struct Frame {
    header: Header,
    /// The range of the payload in the read buffer.
    payload: Range<usize>,
}

impl Header {
    /// The header at the start of `bytes`, if it is complete.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else { return None };
        let masked = second & 0x80 != 0;
        let (payload_size, rest) = match second & 0x7F {
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX), rest)
            }
            length => (usize::from(length), rest),
        };
        let (mask, rest) = if masked { rest.split_first_chunk()? } else { (&[0; 4], rest) };
        Some(Self {
            is_final: first & 0x80 != 0,
            reserved: first & 0x70 != 0,
            opcode: OpCode::from(first & 0x0F),
            masked,
            mask: *mask,
            size: bytes.len() - rest.len(),
            payload_size,
        })
    }
}

impl Reader {
    /// `read` holds the bytes received after the request.
    pub(super) fn new(input: Input, read: Vec<u8>, max_message_size: usize) -> Self {
        Self {
            input,
            buffer: ReadBuffer::from(read),
            max_message_size,
            text: String::new(),
            bytes: Vec::new(),
            fragmented: None,
            received: false,
        }
    }

    /// The next message.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        loop {
            while let Some(frame) = self.take_frame()? {
                if let Some(message) = self.take_message(&frame)? {
                    return Poll::Ready(Ok(message));
                }
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    /// The last message, if it was text and nothing was read or released since.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The last message, if it was binary and nothing was read or released since.
    pub(super) fn binary(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts the buffers of the thread back. Other tasks use them while this task sleeps.
    pub(super) fn release(&mut self) {
        if self.fragmented.is_some() {
            // A partial message takes at most twice the memory of its received bytes.
            if self.bytes.capacity() > 2 * self.bytes.len() {
                self.bytes.shrink_to_fit();
            }
        } else {
            let text = std::mem::take(&mut self.text).into_bytes();
            for buffer in [text, std::mem::take(&mut self.bytes)] {
                if (1..=MAX_KEPT_MESSAGE).contains(&buffer.capacity()) {
                    buffers::put(&MESSAGE_BUFFER, buffer);
                }
            }
        }
        self.buffer.release();
    }

    /// Returns whether bytes were received since the last call.
    pub(super) fn take_received(&mut self) -> bool {
        std::mem::take(&mut self.received)
    }

    pub(super) fn input(&mut self) -> &mut Input {
        &mut self.input
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let header = Header::parse(self.buffer.unparsed());
        let frame_size = header.map_or(0, |header| header.size.saturating_add(header.payload_size));
        let mut unfilled = ReadBuf::new(self.buffer.unfilled(frame_size));
        ready!(self.input.poll_read(cx, &mut unfilled))?;
        let count = unfilled.filled().len();
        if count == 0 {
            return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
        }
        self.buffer.advance(count);
        self.received = true;
        Poll::Ready(Ok(()))
    }

    /// The first frame, if it is complete.
    fn take_frame(&mut self) -> Result<Option<Frame>, Error> {
        let unparsed = self.buffer.unparsed();
        let Some(header) = Header::parse(unparsed) else { return Ok(None) };
        self.check(&header)?;
        if unparsed.len() - header.size < header.payload_size {
            return Ok(None);
        }
        self.buffer.consume(header.size);
        let payload = self.buffer.consume(header.payload_size);
        Ok(Some(Frame { header, payload }))
    }

    /// Fails if a client must not send a frame with this header.
    fn check(&self, header: &Header) -> Result<(), Error> {
        let control = matches!(header.opcode, OpCode::Control(_));
        if header.reserved {
            Err(ProtocolError::NonZeroReservedBits.into())
        } else if !header.masked {
            Err(ProtocolError::UnmaskedFrameFromClient.into())
        } else if control && !header.is_final {
            Err(ProtocolError::FragmentedControlFrame.into())
        } else if control && header.payload_size > MAX_CONTROL_PAYLOAD {
            Err(ProtocolError::ControlFrameTooBig.into())
        } else {
            self.check_size(header.payload_size)
        }
    }

    fn check_size(&self, size: usize) -> Result<(), Error> {
        let max_size = self.max_message_size;
        if size > max_size {
            return Err(CapacityError::MessageTooLong { size, max_size }.into());
        }
        Ok(())
    }

    /// The message that this frame completes, if any.
    fn take_message(&mut self, frame: &Frame) -> Result<Option<Message>, Error> {
        let control = match frame.header.opcode {
            OpCode::Data(kind) => return self.take_data(kind, frame),
            OpCode::Control(control) => control,
        };
        let mut payload = Vec::new();
        self.unmask_into(&mut payload, frame);
        Ok(Some(match control {
            Control::Ping => Message::Ping(payload.into()),
            Control::Pong => Message::Pong(payload.into()),
            Control::Close => Message::Close(parse_close(&payload)?),
            Control::Reserved(code) => {
                return Err(ProtocolError::UnknownControlFrameType(code).into());
            }
        }))
    }

    fn take_data(&mut self, kind: Data, frame: &Frame) -> Result<Option<Message>, Error> {
        let (mut message, mut bytes) = match (kind, self.fragmented.take()) {
            (Data::Reserved(code), _) => {
                return Err(ProtocolError::UnknownDataFrameType(code).into());
            }
            (Data::Continue, Some(message)) => (message, std::mem::take(&mut self.bytes)),
            (Data::Continue, None) => return Err(ProtocolError::UnexpectedContinueFrame.into()),
            (kind, Some(_)) => return Err(ProtocolError::ExpectedFragment(kind).into()),
            (kind, None) => (Fragmented { kind, valid: 0 }, self.empty_buffer()),
        };
        self.check_size(bytes.len() + frame.payload.len())?;
        self.unmask_into(&mut bytes, frame);
        match (message.kind, frame.header.is_final) {
            (Data::Text, true) => {
                self.text = String::from_utf8(bytes)?;
                return Ok(Some(Message::Text));
            }
            (Data::Text, false) => {
                message.valid += valid_prefix(&bytes[message.valid..])?;
                self.fragmented = Some(message);
            }
            (_, true) => {
                self.bytes = bytes;
                return Ok(Some(Message::Binary));
            }
            (_, false) => self.fragmented = Some(message),
        }
        self.bytes = bytes;
        Ok(None)
    }

    /// A buffer for the next message: that of the last message, or that of the thread.
    fn empty_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.text).into_bytes();
        if buffer.capacity() == 0 {
            buffer = std::mem::take(&mut self.bytes);
        }
        if buffer.capacity() == 0 {
            buffer = buffers::take(&MESSAGE_BUFFER);
        }
        buffer.clear();
        buffer
    }

    fn unmask_into(&self, bytes: &mut Vec<u8>, frame: &Frame) {
        let start = bytes.len();
        bytes.extend_from_slice(self.buffer.get(frame.payload.clone()));
        unmask(&mut bytes[start..], frame.header.mask);
    }
}

/// The length of the prefix that is valid UTF-8. Fails if no further bytes can make the rest valid.
fn valid_prefix(text: &[u8]) -> Result<usize, Error> {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => Ok(error.valid_up_to()),
        checked => Ok(checked?.len()),
    }
}

/// Parses the payload of a close frame (RFC 6455 §5.5.1, §7.4).
fn parse_close(payload: &[u8]) -> Result<Option<CloseFrame>, Error> {
    match payload {
        [] => Ok(None),
        [_] => Err(ProtocolError::InvalidCloseSequence.into()),
        [high, low, reason @ ..] => {
            let code = CloseCode::from(u16::from_be_bytes([*high, *low]));
            let reason = Utf8Bytes::try_from(Bytes::copy_from_slice(reason))?;
            if !code.is_allowed() {
                return Err(ProtocolError::InvalidCloseSequence.into());
            }
            Ok(Some(CloseFrame { code, reason }))
        }
    }
}

/// Masks or unmasks (RFC 6455 §5.3), eight bytes per step.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

impl Input {
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, buffer),
            Self::Other(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}
