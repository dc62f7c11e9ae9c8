//! Each kind of attribute, in a public contract and in a private one.

use parlor::procedure;

use crate::rules::{is_even, MAX};
use crate::types::{Color, Drawing};

/// A contract.
#[procedure(typescript)]
pub trait Board {
    /// An event without fields.
    #[incoming]
    async fn start(&mut self);

    /// An event.
    #[incoming]
    async fn draw(&mut self, drawing: Drawing, #[field(default)] width: u32);

    /// Rules.
    #[incoming]
    async fn validate(
        &mut self,
        #[validate(length(min = 1, max = 10))] name: String,
        #[validate(range(min = 0, max = MAX), custom(is_even))] age: u8,
        #[validate(inner(length(equal = 20)))] links: Option<Vec<String>>,
    );

    /// A whole payload.
    #[incoming]
    async fn replace(&mut self, #[payload] drawing: Drawing);

    /// A call.
    #[incoming]
    async fn count(&mut self) -> u64;

    /// A call with an error.
    #[incoming]
    async fn join(&mut self, room: String) -> Result<Vec<Drawing>, Color>;

    /// Deprecated.
    #[incoming]
    #[deprecated(note = "use `start`")]
    async fn begin(&mut self, at: u64) -> Drawing;

    /// With a body.
    #[incoming]
    async fn ignored(&mut self, _id: u64) {}

    /// Conditional.
    #[incoming]
    #[cfg(not(any()))]
    async fn conditional(&mut self, number: i32);

    /// Sent.
    #[outgoing]
    fn drawn(user_id: String, color: Color, #[validate(length(max = 20))] label: String);

    /// Volatile.
    #[outgoing(volatile)]
    fn typing(user_id: String);

    /// Latest.
    #[outgoing(latest = drawing.id)]
    #[deprecated]
    fn moved(#[payload] drawing: Drawing);

    /// Latest of each.
    #[outgoing(latest = user_id)]
    fn score(user_id: u64, #[validate(range(max = 5.0))] value: f64);

    /// Nothing.
    #[outgoing]
    #[cfg(not(any()))]
    fn cleared();
}

/// A contract.
#[procedure(typescript)]
trait Private {
    /// An event without fields.
    #[incoming]
    async fn start(&mut self);

    /// An event.
    #[incoming]
    async fn draw(&mut self, drawing: Drawing, #[field(default)] width: u32);

    /// Rules.
    #[incoming]
    async fn validate(
        &mut self,
        #[validate(length(min = 1, max = 10))] name: String,
        #[validate(range(min = 0, max = MAX), custom(is_even))] age: u8,
        #[validate(inner(length(equal = 20)))] links: Option<Vec<String>>,
    );

    /// A whole payload.
    #[incoming]
    async fn replace(&mut self, #[payload] drawing: Drawing);

    /// A call.
    #[incoming]
    async fn count(&mut self) -> u64;

    /// A call with an error.
    #[incoming]
    async fn join(&mut self, room: String) -> Result<Vec<Drawing>, Color>;

    /// Deprecated.
    #[incoming]
    #[deprecated(note = "use `start`")]
    async fn begin(&mut self, at: u64) -> Drawing;

    /// With a body.
    #[incoming]
    async fn ignored(&mut self, _id: u64) {}

    /// Conditional.
    #[incoming]
    #[cfg(not(any()))]
    async fn conditional(&mut self, number: i32);

    /// Sent.
    #[outgoing]
    fn drawn(user_id: String, color: Color, #[validate(length(max = 20))] label: String);

    /// Volatile.
    #[outgoing(volatile)]
    fn typing(user_id: String);

    /// Latest.
    #[outgoing(latest = drawing.id)]
    #[deprecated]
    fn moved(#[payload] drawing: Drawing);

    /// Latest of each.
    #[outgoing(latest = user_id)]
    fn score(user_id: u64, #[validate(range(max = 5.0))] value: f64);

    /// Nothing.
    #[outgoing]
    #[cfg(not(any()))]
    fn cleared();
}
