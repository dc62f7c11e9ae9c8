use super::Violation;

/// Why an event cannot be decoded.
#[derive(Debug)]
pub enum DecodeError<E> {
    /// No event has this name.
    Unknown,
    /// The field of this wire name is absent.
    Missing(&'static str),
    /// The payload breaks a rule of `#[validate]`.
    Invalid(Violation),
    /// The payload is invalid for the codec or for the type of a field.
    Codec(E),
}

impl<E> From<Violation> for DecodeError<E> {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation)
    }
}
