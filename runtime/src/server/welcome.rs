use crate::session::Limits;
use crate::wire::Unrecovered;

/// What the client of an admitted session is told first.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Welcome {
    /// The secret to resume with; none if sessions end with their connection.
    pub(super) resume: Option<String>,
    /// How many counted frames of the client the session has received.
    pub(super) received: u64,
    /// Whether the session is the one that the client asked for.
    pub(super) recovered: bool,
    /// Why it is not, if the client asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Unrecovered>,
    /// After how many milliseconds of silence a side asks for a sign of life.
    pub(super) heartbeat: u64,
    /// The largest message that is taken, in bytes.
    pub(super) max_message: u64,
}

impl Welcome {
    /// Of a session that was never seen before.
    pub(super) fn new(limits: &Limits) -> Self {
        let heartbeat = limits.heartbeat_interval.as_millis();
        Self {
            resume: None,
            received: 0,
            recovered: false,
            reason: None,
            heartbeat: u64::try_from(heartbeat).unwrap_or(u64::MAX),
            max_message: limits.max_message_size as u64,
        }
    }
}
