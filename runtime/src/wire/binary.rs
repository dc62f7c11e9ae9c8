//! Fields of binary messages between nodes: integers are big-endian, texts have their length before them.

use crate::socket_id::SocketId;

/// Reads fields from the front of bytes. Each method returns `None` if they do not have this field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// A text is longer than 65 535 bytes, or a list than 65 535 elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.u16()?;
        std::str::from_utf8(self.bytes(length.into())?).ok()
    }

    pub(crate) fn socket(&mut self) -> Option<SocketId> {
        let id: [u8; SocketId::LENGTH] = self.array()?;
        std::str::from_utf8(&id).ok()?.parse().ok()
    }
}

/// Appends the length of a list.
pub(crate) fn put_count(count: usize, out: &mut Vec<u8>) -> Result<(), TooLong> {
    out.extend(u16::try_from(count).map_err(|_| TooLong)?.to_be_bytes());
    Ok(())
}

/// Appends a text with its length.
pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) -> Result<(), TooLong> {
    put_count(text.len(), out)?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Appends the 22 characters of an id.
pub(crate) fn put_socket(id: SocketId, out: &mut Vec<u8>) {
    out.extend_from_slice(id.as_str().as_bytes());
}
