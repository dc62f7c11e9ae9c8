use std::borrow::Cow;
use std::sync::Arc;

/// An incoming event before it is decoded: what a guard sees of it.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub(super) name: &'a str,
    pub(super) size: usize,
}

impl Event<'_> {
    /// The event's wire name, one of the contract's.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The length of its payload in bytes, as it came.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// A guard's refusal of an event; the client hears it as `denied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    pub(super) message: Cow<'static, str>,
}

impl Denied {
    /// A refusal with a message for the client.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into() }
    }
}

/// Looks at each event right before it is decoded.
pub(crate) type Guard<S> = Arc<dyn Fn(&S, Event<'_>) -> Result<(), Denied> + Send + Sync>;
