//! Rules of the contracts.

use parlor::procedure;

/// The most.
pub const MAX: u8 = 200;

/// Returns whether `age` is even.
///
/// # Errors
///
/// If not.
#[inline]
#[must_use = "it may be odd"]
pub fn is_even(age: &u8) -> Result<(), String> {
    if age.is_multiple_of(2) {
        Ok(())
    } else {
        Err("odd".to_owned())
    }
}

/// Its event is reported once, and nothing that is generated from it.
#[procedure]
pub trait Long {
    /// More arguments than clippy accepts.
    #[expect(clippy::too_many_arguments, reason = "reported for the event alone")]
    #[incoming]
    async fn long(&mut self, a1: u8, b1: u8, c1: u8, d1: u8, e1: u8, f1: u8, g1: u8);

    /// As many, and no event that rustc compiles besides the generated code.
    #[outgoing]
    fn longer(a1: u8, b1: u8, c1: bool, d1: bool, e1: bool, f1: bool, g1: u8, h1: u8);
}
