use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a client that is connected again has a fresh session and not the one from before.
///
/// Its `Display` is a phrase for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Unrecovered {
    /// The server keeps no sessions.
    Off,
    /// The client was away for longer than the server keeps sessions.
    Expired,
    /// More was sent to the client meanwhile than the server keeps.
    Overflow,
    /// The server had too many sessions to keep.
    Evicted,
    /// The session was ended, by the close code of the connection or by the server later.
    Ended,
    /// The server takes the client for another than the one whose session it was.
    Identity,
    /// The two sides do not agree on what they have sent and received.
    Mismatch,
    /// The server does not know the session: it was restarted, say. Or it gave a reason that this
    /// client does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Unrecovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "the server keeps no sessions",
            Self::Expired => "the client was away for too long",
            Self::Overflow => "more was sent meanwhile than the server keeps",
            Self::Evicted => "the server had too many sessions to keep",
            Self::Ended => "the session was ended",
            Self::Identity => "the session was somebody else's",
            Self::Mismatch => "the two sides do not agree on what was received",
            Self::Unknown => "the server does not know the session",
        })
    }
}
