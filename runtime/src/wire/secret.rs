#[cfg(feature = "server")]
mod digest;

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, Serializer};

#[cfg(feature = "server")]
pub(crate) use self::digest::Digest;

/// The random bytes of a secret: 128 bits. OWASP requires at least 64 bits in a session token.
const LENGTH: usize = 16;
/// The characters of a secret: its bytes in base64url, without padding.
const TEXT_LENGTH: usize = 22;

/// Resumes one session, for any client that has it. It is never logged: `Debug` leaves it out.
#[derive(Clone)]
pub(crate) struct Secret([u8; TEXT_LENGTH]);

impl Secret {
    #[cfg(feature = "server")]
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
