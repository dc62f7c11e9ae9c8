use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The bytes of a secret: 128 bits, as the design of session tokens asks (OWASP: at least 64).
const LENGTH: usize = 16;

/// What a client resumes its session with. It is never logged: there is no `Debug`.
#[derive(Clone)]
pub(crate) struct Secret([u8; LENGTH]);

/// What the server keeps of a secret.
#[derive(Clone, Copy)]
pub(crate) struct Digest([u8; 32]);

impl Secret {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0; LENGTH];
        getrandom::fill(&mut bits)?;
        Ok(Self(bits))
    }

    /// The secret in 22 characters of base64url.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bits = [0; LENGTH];
        let fits = BASE64URL_NOPAD.decode_len(text.len()) == Ok(LENGTH);
        (fits && BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bits) == Ok(LENGTH))
            .then_some(Self(bits))
    }

    pub(crate) fn encode(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0).into())
    }
}

impl Digest {
    /// Where a table has it. What the time of a look-up tells of a digest says nothing of its secret.
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
    fn a_secret_is_read_as_it_was_written_and_nothing_else_is() {
        let secret = Secret::random().expect("random bits");
        let text = secret.encode();
        assert_eq!(text.len(), 22);
        let read = Secret::parse(&text).expect("a secret");
        assert!(read.digest().is(&secret.digest()));
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
