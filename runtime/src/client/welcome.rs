//! What the server says first.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::ConnectError;
use super::options::MAX_HEARTBEAT;
use crate::wire::{Head, Unrecovered, control};

/// The characters of a secret: 128 bits in base64url, without padding.
const SECRET: usize = 22;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Welcome {
    /// What this session can be resumed with.
    #[serde(default, deserialize_with = "secret")]
    pub(super) resume: Option<Secret>,
    /// How many frames of this session the server has received.
    #[serde(default)]
    pub(super) received: u64,
    /// Whether this is the session that the client asked for.
    #[serde(default)]
    pub(super) recovered: bool,
    /// Why it is not.
    #[serde(default)]
    pub(super) reason: Option<Unrecovered>,
    /// How often the server pings, in milliseconds.
    #[serde(default)]
    heartbeat: u64,
    /// The most bytes that the server takes in a message.
    #[serde(default = "no_limit")]
    pub(super) max_message: usize,
}

impl Welcome {
    pub(super) fn read(text: &str) -> Result<Self, ConnectError> {
        let head = Head::parse(text).map_err(|_| Self::missing())?;
        if head.name(text) != control::WELCOME {
            return Err(Self::missing());
        }
        serde_json::from_str(head.payload(text))
            .map_err(|error| ConnectError::Protocol(format!("its welcome: {error}")))
    }

    /// How often the server pings: never less than once a day, so that a dead one is noticed.
    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat).min(MAX_HEARTBEAT)
    }

    /// Something else came first.
    pub(super) fn missing() -> ConnectError {
        ConnectError::Protocol("its first message is no welcome".to_owned())
    }
}

fn no_limit() -> usize {
    usize::MAX
}

/// What a session is resumed with. Whoever has it has the session, so it is not shown.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A server whose secrets are unusable is one that keeps no sessions, and no worse.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(secret) if secret.len() == SECRET && secret.bytes().all(is_base64url) => {
            Some(Secret(secret))
        }
        Value::Null => None,
        _ => {
            tracing::debug!("the server's secret is not 22 characters of base64url: not used");
            None
        }
    })
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_ask_for_more_than_a_day_of_patience() {
        for (heartbeat, taken) in [
            (r#""heartbeat":250"#, Duration::from_millis(250)),
            (r#""heartbeat":18446744073709551615"#, Duration::from_secs(86_400)),
            (r#""resume":null"#, Duration::ZERO),
        ] {
            let welcome = Welcome::read(&format!(r#"["$welcome",{{{heartbeat}}}]"#)).unwrap();
            assert_eq!(welcome.heartbeat(), taken, "{heartbeat}");
        }
    }

    #[test]
    fn a_secret_is_taken_if_it_is_one_and_is_not_shown() {
        for (resume, taken) in [
            (r#""AZaz09-_AZaz09-_AZaz09""#, true),
            (r#""AZaz09-_AZaz09-_AZaz0""#, false),
            (r#""AZaz09-_AZaz09-_AZaz090""#, false),
            (r#""AZaz09-_AZaz09, AZaz09""#, false),
            (r#""AZaz09-_AZaz09-_AZaé""#, false),
            ("null", false),
            ("7", false),
        ] {
            let welcome = Welcome::read(&format!(r#"["$welcome",{{"resume":{resume}}}]"#)).unwrap();
            assert!(!format!("{welcome:?}").contains("AZaz"), "{welcome:?}");
            let secret = welcome.resume.map(|secret| format!("\"{}\"", secret.as_str()));
            assert_eq!(secret.as_deref(), taken.then_some(resume), "{resume}");
        }
    }
}
