//! Percent-encoding (RFC 3986 §2.1).

/// Decodes the two hex digits after a `%`. Returns the byte and what follows.
pub(crate) fn decode_escape(after_percent: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after_percent.split_first_chunk::<2>()?;
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    Some((u8::try_from(high? << 4 | low?).ok()?, rest))
}
