use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Head, Secret, Unrecovered, control};

/// The server's first frame. A client reads missing fields as their defaults.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Welcome {
    /// Resumes the session; `None` if sessions end with their connection.
    #[serde(default, deserialize_with = "read_secret")]
    pub(crate) resume: Option<Secret>,
    /// How many counted frames of the client the session has received.
    #[serde(default)]
    pub(crate) received: u64,
    /// Whether the session is the one that the client requested.
    #[serde(default)]
    pub(crate) recovered: bool,
    /// Why it is not, if the client requested one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Unrecovered>,
    /// After how many milliseconds of silence the server pings.
    #[serde(default)]
    pub(crate) heartbeat: u64,
    /// The largest message that the server accepts, in bytes.
    #[serde(default = "no_limit")]
    pub(crate) max_message: usize,
}

impl Welcome {
    /// The welcome of a fresh session that cannot be resumed.
    pub(crate) fn new(heartbeat: Duration, max_message: usize) -> Self {
        Self {
            resume: None,
            received: 0,
            recovered: false,
            reason: None,
            heartbeat: u64::try_from(heartbeat.as_millis()).unwrap_or(u64::MAX),
            max_message,
        }
    }

    /// Returns `None` if `text` is not a welcome.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, serde_json::Error>> {
        let head = Head::parse(text).ok()?;
        (head.name(text) == control::WELCOME).then(|| serde_json::from_str(head.payload(text)))
    }
}

fn no_limit() -> usize {
    usize::MAX
}

/// With an unusable secret the session cannot be resumed, and nothing else fails.
fn read_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let secret = value.as_str().and_then(Secret::parse);
    if secret.is_none() && !value.is_null() {
        tracing::debug!(
            "the server's resume secret is not 22 characters of base64url: the session cannot be resumed"
        );
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_usable_secret_is_read_and_debug_hides_it() {
        for (resume, usable) in [
            (r#""AZaz09-_AZaz09-_AZaz09""#, true),
            (r#""AZaz09-_AZaz09-_AZaz0""#, false),
            (r#""AZaz09-_AZaz09-_AZaz090""#, false),
            (r#""AZaz09-_AZaz09, AZaz09""#, false),
            (r#""AZaz09-_AZaz09-_AZaé""#, false),
            ("null", false),
            ("7", false),
        ] {
            let text = format!(r#"["$welcome",{{"resume":{resume}}}]"#);
            let welcome = Welcome::parse(&text).expect("a welcome").expect("valid");
            assert!(!format!("{welcome:?}").contains("AZaz"), "{welcome:?}");
            let secret = welcome.resume.map(|secret| format!("\"{}\"", secret.encode()));
            assert_eq!(secret.as_deref(), usable.then_some(resume), "{resume}");
        }
    }

    #[test]
    fn welcome_is_read_as_written() {
        let written = Welcome {
            received: 7,
            reason: Some(Unrecovered::Expired),
            ..Welcome::new(Duration::from_millis(250), 1024)
        };
        let json = serde_json::to_string(&(control::WELCOME, &written)).expect("JSON");
        assert_eq!(
            json,
            r#"["$welcome",{"resume":null,"received":7,"recovered":false,"reason":"expired","heartbeat":250,"maxMessage":1024}]"#
        );
        let read = Welcome::parse(&json).expect("a welcome").expect("valid");
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
    }

    #[test]
    fn missing_fields_have_defaults() {
        let welcome = Welcome::parse(r#"["$welcome",{}]"#).expect("a welcome").expect("valid");
        assert_eq!((welcome.received, welcome.recovered, welcome.heartbeat), (0, false, 0));
        assert_eq!(welcome.max_message, usize::MAX);
        assert!(welcome.resume.is_none() && welcome.reason.is_none());
        assert!(Welcome::parse(r#"["welcome",{}]"#).is_none());
    }
}
