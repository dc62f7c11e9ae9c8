use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

const LENGTH: usize = 22;

/// The public id of a session: 128 random bits as 22 characters of base64url.
///
/// It may be shown to other clients: it grants no access to the session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SocketId([u8; LENGTH]);

impl SocketId {
    #[cfg(feature = "server")]
    pub(crate) const LENGTH: usize = LENGTH;

    #[cfg(feature = "server")]
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)?;
        let mut text = [0; LENGTH];
        BASE64URL_NOPAD.encode_mut(&bits, &mut text);
        Ok(Self(text))
    }

    /// The 22 characters.
    pub fn as_str(&self) -> &str {
        // Cannot fail: `random` and `from_str` only accept base64url, which is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The text is not a [`SocketId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a socket id is 22 characters of base64url")]
pub struct ParseSocketIdError;

impl FromStr for SocketId {
    type Err = ParseSocketIdError;

    fn from_str(text: &str) -> Result<Self, ParseSocketIdError> {
        let id: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| ParseSocketIdError)?;
        BASE64URL_NOPAD.decode(&id).map_err(|_| ParseSocketIdError)?;
        Ok(Self(id))
    }
}

impl TryFrom<String> for SocketId {
    type Error = ParseSocketIdError;

    fn try_from(text: String) -> Result<Self, ParseSocketIdError> {
        text.parse()
    }
}

impl From<SocketId> for String {
    fn from(id: SocketId) -> Self {
        id.as_str().to_owned()
    }
}

impl From<&SocketId> for SocketId {
    fn from(id: &SocketId) -> Self {
        *id
    }
}

impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_id_is_parsed_from_its_text_and_other_text_is_an_error() {
        let id = SocketId::random().expect("random bits");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "short", "???????????????????????", "ééééééééééé"] {
            assert_eq!(text.parse::<SocketId>(), Err(ParseSocketIdError), "{text}");
        }
    }
}
