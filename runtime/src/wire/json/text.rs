//! Strings as JSON. `serde_json` checks each byte of a string, and events are mostly text.

use std::fmt::{self, Display, Write};

/// Bytes of a string scanned per step.
const BLOCK: usize = 16;

/// Appends a string as JSON.
pub(in crate::wire) fn encode_text(text: &str, json: &mut Vec<u8>) {
    if !is_plain(text.as_bytes()) {
        // Cannot fail: it is a string, and a vector accepts all bytes.
        let _ = serde_json::to_writer(json, text);
        return;
    }
    json.reserve(text.len() + 2);
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
}

/// Appends what `value` displays as a JSON string. `Display` runs once.
pub(super) fn encode_display<T: Display + ?Sized>(
    value: &T,
    json: &mut Vec<u8>,
) -> Result<(), fmt::Error> {
    json.push(b'"');
    let start = json.len();
    write!(Utf8(json), "{value}")?;
    if is_plain(&json[start..]) {
        json.push(b'"');
        return Ok(());
    }
    let text = String::from_utf8(json.split_off(start)).map_err(|_| fmt::Error)?;
    json.pop();
    encode_text(&text, json);
    Ok(())
}

/// Appends text to bytes.
struct Utf8<'a>(&'a mut Vec<u8>);

impl Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Returns whether a string needs no escapes.
fn is_plain(text: &[u8]) -> bool {
    let (blocks, rest) = text.as_chunks();
    let rest_is_plain = || match text.last_chunk() {
        // One block that overlaps the previous one is faster than single bytes.
        Some(last) => is_plain_block(last),
        None => rest.iter().all(|byte| PLAIN[usize::from(*byte)]),
    };
    blocks.iter().all(is_plain_block) && (rest.is_empty() || rest_is_plain())
}

/// Without an early return and without the table, a block takes a few instructions.
fn is_plain_block(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(true, |plain, byte| plain & is_plain_byte(*byte))
}

/// Returns whether a byte needs no escape (RFC 8259 §7). All bytes of non-ASCII characters need none.
const fn is_plain_byte(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// [`is_plain_byte`] as a table.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x80 {
        plain[byte as usize] = is_plain_byte(byte);
        byte += 1;
    }
    plain
};
