use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a client that has reconnected has a fresh session and not the previous one.
///
/// Its `Display` is a phrase for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Unrecovered {
    /// The server keeps no sessions.
    Off,
    /// The client was disconnected for longer than the server keeps sessions.
    Expired,
    /// The server sent more to the client meanwhile than it keeps.
    Overflow,
    /// The server had more detached sessions than it keeps.
    Evicted,
    /// The session was ended, by the close code of the connection or by the server later.
    Ended,
    /// The request has another identity than the one that began the session.
    Identity,
    /// The counts of the two sides contradict each other.
    Mismatch,
    /// The server does not know the session, for example after a restart, or it sent a reason that this
    /// client does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Unrecovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "the server keeps no sessions",
            Self::Expired => "the client was disconnected for too long",
            Self::Overflow => "the server sent more meanwhile than it keeps",
            Self::Evicted => "the server had too many detached sessions",
            Self::Ended => "the session was ended",
            Self::Identity => "the session belongs to another identity",
            Self::Mismatch => "the counts of the two sides contradict each other",
            Self::Unknown => "the server does not know the session",
        })
    }
}
