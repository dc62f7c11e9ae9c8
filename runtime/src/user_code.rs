use std::fmt;
use std::time::Duration;

use crate::socket_id::SocketId;

/// Code of the user that Parlor calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UserCode {
    pub(crate) name: Name,
    pub(crate) procedure: Option<&'static str>,
    pub(crate) id: Option<SocketId>,
    /// How long it may keep its thread. `None`: it is not watched.
    pub(crate) bound: Option<Duration>,
}

/// The name of some code of the user, for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The handler of an event.
    Handler(&'static str),
    /// A guard, or the decoding of an event behind it. The event, if the contract has it.
    Guard(Option<&'static str>),
    /// Other code.
    Other(&'static str),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(event) => write!(f, "the handler of `{event}`"),
            Self::Guard(_) => f.write_str("a guard or the decoding of an event"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

impl Name {
    /// The event that the code belongs to, if it is known.
    pub(crate) fn event(self) -> Option<&'static str> {
        match self {
            Self::Handler(event) => Some(event),
            Self::Guard(event) => event,
            Self::Other(_) => None,
        }
    }
}
