#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Utf8Bytes};

use super::read_buffer::ReadBuffer;
use crate::buffers;
use crate::transport::Stream;

/// The longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

thread_local! {
    /// What a thread puts messages together in, while no connection has it.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A thread keeps room for so large a message.
const ROOM: usize = 64 << 10;

/// Reads a client's messages, as RFC 6455 has them.
pub(super) struct Reader {
    input: Input,
    unread: ReadBuffer,
    max_message_size: usize,
    /// The last message, if it was text.
    text: String,
    /// The last one, if it was binary, or what has come of the next.
    bytes: Vec<u8>,
    fragmented: Option<Fragmented>,
    /// A byte came.
    received: bool,
}

/// Where bytes come in.
pub(super) enum Input {
    Tcp(OwnedReadHalf),
    Other(Box<dyn Stream>),
}

/// What a client says.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    Text,
    Binary,
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<CloseFrame>),
}

/// A message of which some frames have come.
#[derive(Clone, Copy)]
struct Fragmented {
    data: Data,
    /// So much of it is valid UTF-8, if it is to be.
    valid: usize,
}

/// What a frame begins with (RFC 6455 §5.2).
struct Header {
    is_final: bool,
    /// A bit is set that means nothing without an extension.
    reserved: bool,
    opcode: OpCode,
    masked: bool,
    mask: [u8; 4],
    /// So many bytes the header has.
    size: usize,
    /// So many follow.
    payload: usize,
}

/// A whole frame, still masked.
struct Frame {
    header: Header,
    payload: Range<usize>,
}

impl Header {
    /// The header that `bytes` begin with, if all of it has come.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else { return None };
        let masked = second & 0x80 != 0;
        let (payload, rest) = match second & 0x7F {
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
            payload,
        })
    }
}

impl Reader {
    /// `read` is what came before.
    pub(super) fn new(input: Input, read: Vec<u8>, max_message_size: usize) -> Self {
        Self {
            input,
            unread: ReadBuffer::from(read),
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

    /// Gives back the room to read into, which others need while this task sleeps.
    pub(super) fn release(&mut self) {
        if self.fragmented.is_some() {
            // What waits for its rest takes no more than twice the room that it has come to.
            if self.bytes.capacity() > 2 * self.bytes.len() {
                self.bytes.shrink_to_fit();
            }
        } else {
            let text = std::mem::take(&mut self.text).into_bytes();
            for room in [text, std::mem::take(&mut self.bytes)] {
                if (1..=ROOM).contains(&room.capacity()) {
                    buffers::put(&SPARE, room);
                }
            }
        }
        self.unread.release();
    }

    /// Whether any byte came since this was last asked.
    pub(super) fn take_received(&mut self) -> bool {
        std::mem::take(&mut self.received)
    }

    pub(super) fn input(&mut self) -> &mut Input {
        &mut self.input
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let header = Header::parse(self.unread.as_slice());
        let wanted = header.map_or(0, |header| header.size.saturating_add(header.payload));
        let mut room = ReadBuf::new(self.unread.room(wanted));
        ready!(self.input.poll_read(cx, &mut room))?;
        let count = room.filled().len();
        if count == 0 {
            return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
        }
        self.unread.add(count);
        self.received = true;
        Poll::Ready(Ok(()))
    }

    /// The first frame, if all of it has come.
    fn take_frame(&mut self) -> Result<Option<Frame>, Error> {
        let unread = self.unread.as_slice();
        let Some(header) = Header::parse(unread) else { return Ok(None) };
        self.check(&header)?;
        if unread.len() - header.size < header.payload {
            return Ok(None);
        }
        self.unread.consume(header.size);
        let payload = self.unread.consume(header.payload);
        Ok(Some(Frame { header, payload }))
    }

    /// Whether a client may send such a frame.
    fn check(&self, header: &Header) -> Result<(), Error> {
        let control = matches!(header.opcode, OpCode::Control(_));
        if header.reserved {
            Err(ProtocolError::NonZeroReservedBits.into())
        } else if !header.masked {
            Err(ProtocolError::UnmaskedFrameFromClient.into())
        } else if control && !header.is_final {
            Err(ProtocolError::FragmentedControlFrame.into())
        } else if control && header.payload > MAX_CONTROL {
            Err(ProtocolError::ControlFrameTooBig.into())
        } else {
            self.check_size(header.payload)
        }
    }

    fn check_size(&self, size: usize) -> Result<(), Error> {
        let max_size = self.max_message_size;
        if size > max_size {
            return Err(CapacityError::MessageTooLong { size, max_size }.into());
        }
        Ok(())
    }

    /// The message that ends with this frame.
    fn take_message(&mut self, frame: &Frame) -> Result<Option<Message>, Error> {
        let control = match frame.header.opcode {
            OpCode::Data(data) => return self.take_data(data, frame),
            OpCode::Control(control) => control,
        };
        let mut payload = Vec::new();
        self.unmask_into(&mut payload, frame);
        Ok(Some(match control {
            Control::Ping => Message::Ping(payload.into()),
            Control::Pong => Message::Pong(payload.into()),
            Control::Close => Message::Close(close_frame(&payload)?),
            Control::Reserved(code) => {
                return Err(ProtocolError::UnknownControlFrameType(code).into());
            }
        }))
    }

    fn take_data(&mut self, data: Data, frame: &Frame) -> Result<Option<Message>, Error> {
        let (mut message, mut bytes) = match (data, self.fragmented.take()) {
            (Data::Reserved(code), _) => {
                return Err(ProtocolError::UnknownDataFrameType(code).into());
            }
            (Data::Continue, Some(message)) => (message, std::mem::take(&mut self.bytes)),
            (Data::Continue, None) => return Err(ProtocolError::UnexpectedContinueFrame.into()),
            (data, Some(_)) => return Err(ProtocolError::ExpectedFragment(data).into()),
            (data, None) => (Fragmented { data, valid: 0 }, self.room()),
        };
        self.check_size(bytes.len() + frame.payload.len())?;
        self.unmask_into(&mut bytes, frame);
        match (message.data, frame.header.is_final) {
            (Data::Text, true) => {
                self.text = String::from_utf8(bytes)?;
                return Ok(Some(Message::Text));
            }
            (Data::Text, false) => {
                message.valid += valid_so_far(&bytes[message.valid..])?;
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

    /// Empty room for the next message.
    fn room(&mut self) -> Vec<u8> {
        let mut room = std::mem::take(&mut self.text).into_bytes();
        if room.capacity() == 0 {
            room = std::mem::take(&mut self.bytes);
        }
        if room.capacity() == 0 {
            room = buffers::take(&SPARE);
        }
        room.clear();
        room
    }

    fn unmask_into(&self, bytes: &mut Vec<u8>, frame: &Frame) {
        let start = bytes.len();
        bytes.extend_from_slice(self.unread.get(frame.payload.clone()));
        unmask(&mut bytes[start..], frame.header.mask);
    }
}

/// How much of a text is valid UTF-8, which the rest may become. Text that cannot is not waited for.
fn valid_so_far(text: &[u8]) -> Result<usize, Error> {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => Ok(error.valid_up_to()),
        checked => Ok(checked?.len()),
    }
}

/// What the payload of a close frame says (RFC 6455 §5.5.1, §7.4).
fn close_frame(payload: &[u8]) -> Result<Option<CloseFrame>, Error> {
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

/// RFC 6455 §5.3, eight bytes at a time.
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
