use serde::{Deserialize, Serialize};

/// Why a client that came back has a fresh session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Unrecovered {
    /// It was away for longer than its session was kept.
    Expired,
    /// More waited for it than is kept.
    Overflow,
    /// The server kept too many sessions without a connection.
    Evicted,
    /// Its session was ended.
    Ended,
    /// The request is somebody else's.
    Identity,
    /// It says that it has received what was never sent.
    Mismatch,
    /// The server does not know the session.
    Unknown,
}
