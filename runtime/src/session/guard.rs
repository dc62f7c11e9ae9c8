use std::borrow::Cow;
use std::sync::Arc;

/// An incoming event before it is decoded, for a guard.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub(super) name: &'a str,
    pub(super) size: usize,
}

impl Event<'_> {
    /// The wire name of the event. It is one of the contract.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The length of the encoded payload in bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// The error of a guard that denies an event. The client gets an error reply with the code `denied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    pub(super) message: Cow<'static, str>,
}

impl Denied {
    /// Denies the event, with a message for the client.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into() }
    }
}

/// Checks each event before it is decoded.
pub(crate) type Guard<S> = Arc<dyn Fn(&S, Event<'_>) -> Result<(), Denied> + Send + Sync>;
