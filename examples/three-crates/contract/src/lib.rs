//! A quiz: the events between the server and its players.

use parlor::prelude::*;

/// The server asks, and each player answers for itself.
#[procedure]
pub trait Quiz {
    /// Answers the last question. Returns the points of the player.
    #[incoming]
    async fn answer(&mut self, sum: u32) -> Result<u32, WrongAnswer>;

    /// What is `a + b`?
    #[outgoing]
    fn question(a: u32, b: u32);

    /// That was the last question.
    #[outgoing]
    fn finished();
}

/// The answer is not the sum.
#[payload]
#[derive(Debug)]
pub enum WrongAnswer {
    /// The sum is larger.
    TooLow,
    /// The sum is smaller.
    TooHigh,
}
