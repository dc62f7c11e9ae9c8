#[cfg(test)]
mod tests;

use std::io::{self, Cursor};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{FrameHeader, Utf8Bytes};
use tokio_tungstenite::tungstenite::{Bytes, Error};

use super::unread::Unread;
use crate::transport::Stream;

/// The longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

/// Reads a client's messages, as RFC 6455 has them.
///
/// Messages are read where they came to lie: a client's text is not copied before it is decoded.
pub(super) struct Reader {
    input: Input,
    unread: Unread,
    max_message_size: usize,
    payload: Payload,
    fragments: Option<Fragments>,
    /// A byte came.
    heard: bool,
}

/// Where bytes come in.
pub(super) enum Input {
    Tcp(OwnedReadHalf),
    Other(Box<dyn Stream>),
}

/// What a client says.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// Valid UTF-8.
    Text,
    Binary,
    Ping,
    Pong,
    Close(Option<CloseFrame>),
}

/// Where the payload of the last message is.
enum Payload {
    Unread(Range<usize>),
    Joined(Vec<u8>),
}

/// The first frames of a message.
struct Fragments {
    of: Data,
    payload: Vec<u8>,
    /// So much of it is valid UTF-8, if it is to be.
    valid: usize,
}

/// A whole frame.
struct Frame {
    is_final: bool,
    opcode: OpCode,
    payload: Range<usize>,
}

impl Reader {
    /// `read` is what came before.
    pub(super) fn new(input: Input, read: Vec<u8>, max_message_size: usize) -> Self {
        Self {
            input,
            unread: Unread::from(read),
            max_message_size,
            payload: Payload::Joined(Vec::new()),
            fragments: None,
            heard: false,
        }
    }

    /// The next message.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        loop {
            while let Some(frame) = self.take_frame()? {
                if let Some(message) = self.take_message(frame)? {
                    return Poll::Ready(Ok(message));
                }
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    /// The payload of the message that was read last; nothing any more once the buffer is released.
    pub(super) fn payload(&self) -> &[u8] {
        match &self.payload {
            Payload::Unread(range) => self.unread.get(range.clone()),
            Payload::Joined(payload) => payload,
        }
    }

    /// Gives back the buffer to read into, which others need while this task sleeps.
    pub(super) fn release(&mut self) {
        self.payload = Payload::Joined(Vec::new());
        self.unread.release();
    }

    /// Whether any byte came since this was last asked.
    pub(super) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    pub(super) fn input(&mut self) -> &mut Input {
        &mut self.input
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let wanted = self.frame_length().unwrap_or_default();
        let mut room = ReadBuf::new(self.unread.room(wanted));
        ready!(self.input.poll_read(cx, &mut room))?;
        let count = room.filled().len();
        if count == 0 {
            return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
        }
        self.unread.add(count);
        self.heard = true;
        Poll::Ready(Ok(()))
    }

    /// How long the first frame is, if that is known.
    fn frame_length(&self) -> Option<usize> {
        let mut unread = Cursor::new(self.unread.as_slice());
        let (_, length) = FrameHeader::parse(&mut unread).ok()??;
        usize::try_from(unread.position().saturating_add(length)).ok()
    }

    /// The first frame, unmasked, if all of it has come.
    fn take_frame(&mut self) -> Result<Option<Frame>, Error> {
        let mut unread = Cursor::new(self.unread.as_slice());
        let Some((header, length)) = FrameHeader::parse(&mut unread)? else { return Ok(None) };
        let header_length = usize::try_from(unread.position()).unwrap_or_default();
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        let control = matches!(header.opcode, OpCode::Control(_));
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(ProtocolError::NonZeroReservedBits.into());
        }
        let Some(mask) = header.mask else {
            return Err(ProtocolError::UnmaskedFrameFromClient.into());
        };
        if control && !header.is_final {
            return Err(ProtocolError::FragmentedControlFrame.into());
        }
        if control && size > MAX_CONTROL {
            return Err(ProtocolError::ControlFrameTooBig.into());
        }
        self.check_size(size)?;
        if self.unread.as_slice().len() - header_length < size {
            return Ok(None);
        }
        self.unread.consume(header_length);
        let payload = self.unread.consume(size);
        unmask(self.unread.get_mut(payload.clone()), mask);
        Ok(Some(Frame { is_final: header.is_final, opcode: header.opcode, payload }))
    }

    fn check_size(&self, size: usize) -> Result<(), Error> {
        let max_size = self.max_message_size;
        if size > max_size {
            return Err(CapacityError::MessageTooLong { size, max_size }.into());
        }
        Ok(())
    }

    /// The message that ends with this frame.
    fn take_message(&mut self, frame: Frame) -> Result<Option<Message>, Error> {
        let message = match frame.opcode {
            OpCode::Control(Control::Ping) => Message::Ping,
            OpCode::Control(Control::Pong) => Message::Pong,
            OpCode::Control(Control::Close) => {
                Message::Close(close_frame(self.unread.get(frame.payload.clone()))?)
            }
            OpCode::Control(Control::Reserved(code)) => {
                return Err(ProtocolError::UnknownControlFrameType(code).into());
            }
            OpCode::Data(data) => return self.take_data(data, frame),
        };
        self.payload = Payload::Unread(frame.payload);
        Ok(Some(message))
    }

    fn take_data(&mut self, data: Data, frame: Frame) -> Result<Option<Message>, Error> {
        if let Data::Reserved(code) = data {
            return Err(ProtocolError::UnknownDataFrameType(code).into());
        }
        let payload = self.unread.get(frame.payload.clone());
        let fragments = match (data, self.fragments.take()) {
            (Data::Continue, None) => return Err(ProtocolError::UnexpectedContinueFrame.into()),
            (Data::Continue, Some(mut fragments)) => {
                self.check_size(fragments.payload.len() + payload.len())?;
                fragments.payload.extend_from_slice(payload);
                fragments
            }
            (_, Some(_)) => return Err(ProtocolError::ExpectedFragment(data).into()),
            (of, None) if frame.is_final => {
                let message = whole(of, payload)?;
                self.payload = Payload::Unread(frame.payload);
                return Ok(Some(message));
            }
            (of, None) => Fragments { of, payload: payload.to_vec(), valid: 0 },
        };
        if frame.is_final {
            let message = whole(fragments.of, &fragments.payload)?;
            self.payload = Payload::Joined(fragments.payload);
            return Ok(Some(message));
        }
        self.fragments = Some(fragments.checked()?);
        Ok(None)
    }
}

impl Fragments {
    /// Text that can become no UTF-8 any more is not waited for.
    fn checked(mut self) -> Result<Self, Error> {
        if self.of == Data::Text
            && let Err(error) = std::str::from_utf8(&self.payload[self.valid..])
        {
            if error.error_len().is_some() {
                return Err(error.into());
            }
            self.valid += error.valid_up_to();
        } else {
            self.valid = self.payload.len();
        }
        Ok(self)
    }
}

/// The message with this payload.
fn whole(of: Data, payload: &[u8]) -> Result<Message, Error> {
    if of == Data::Text {
        std::str::from_utf8(payload)?;
        Ok(Message::Text)
    } else {
        Ok(Message::Binary)
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
