//! Payloads.

use parlor::payload;

/// A color.
#[expect(clippy::exhaustive_enums, reason = "reported for this enum alone")]
#[payload(typescript)]
#[derive(Debug, Clone, Copy)]
pub enum Color {
    /// The color of blood.
    Red,
    /// Any other.
    Other {
        /// Red, green and blue.
        rgb: u32,
    },
}

/// A drawing.
#[payload(typescript)]
#[derive(Debug, Clone)]
pub struct Drawing {
    /// Its number.
    pub id: u64,
    /// Its color.
    pub color: Color,
    /// The old name.
    #[deprecated(note = "use `id`")]
    pub name: Option<String>,
}
