use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The random bytes of a secret: 128 bits. OWASP requires at least 64 bits in a session token.
const LENGTH: usize = 16;
/// The characters of a secret: its bytes in base64url, without padding.
const TEXT_LENGTH: usize = 22;

/// Resumes one session, for any client that has it. It is never logged: `Debug` leaves it out.
#[derive(Clone)]
pub(crate) struct Secret([u8; TEXT_LENGTH]);

/// What the server keeps of a secret.
#[derive(Clone, Copy)]
pub(crate) struct Digest([u8; 32]);

impl Secret {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0; LENGTH];
        getrandom::fill(&mut bits)?;
        let mut text = [0; TEXT_LENGTH];
        BASE64URL_NOPAD.encode_mut(&bits, &mut text);
        Ok(Self(text))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text: [u8; TEXT_LENGTH] = text.as_bytes().try_into().ok()?;
        let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        text.iter().all(is_base64url).then_some(Self(text))
    }

    /// Returns whether a server can have issued it: the last character has four unused bits, which are 0.
    pub(crate) fn is_canonical(&self) -> bool {
        BASE64URL_NOPAD.decode(&self.0).is_ok()
    }

    pub(crate) fn encode(&self) -> String {
        self.0.iter().map(|byte| char::from(*byte)).collect()
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0).into())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encode())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Digest {
    /// The key of a table. The time of a lookup may reveal bits of a digest, but none of its secret.
    pub(crate) fn key(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// Compares in constant time.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_parses_as_encoded_and_other_text_does_not_parse() {
        let secret = Secret::random().expect("random bits");
        let text = secret.encode();
        assert_eq!(text.len(), 22);
        let read = Secret::parse(&text).expect("a secret");
        assert!(read.digest().is(&secret.digest()));
        assert!(!format!("{read:?}").contains(&text));
        for wrong in [
            "",
            "A",
            &text[1..],
            &format!("{text}A"),
            "é".repeat(11).as_str(),
            "!!!!!!!!!!!!!!!!!!!!!!",
        ] {
            assert!(Secret::parse(wrong).is_none(), "{wrong}");
        }
    }
}
