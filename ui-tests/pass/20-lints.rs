//! The lints of a trait or an event apply to the code generated from it, and to nothing else in the file.

#![deny(warnings)]

use parlor::prelude::*;

mod old {
    #![allow(deprecated)]

    #[deprecated]
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Old;
}

#[allow(non_snake_case, deprecated)]
#[procedure]
pub trait OfTheTrait {
    #[incoming]
    async fn userLeft(
        &mut self,
        userId: String,
        #[validate(length(max = 3))] roomId: Option<String>,
        old: Vec<old::Old>,
    ) -> old::Old;

    #[incoming]
    async fn again(&mut self, #[payload] userId: String) -> Result<old::Old, old::Old>;

    #[outgoing]
    fn gone(userId: String, #[validate(length(max = 3))] roomIds: Vec<String>, old: old::Old);

    #[outgoing]
    fn whole(#[payload] oldOne: old::Old);
}

#[procedure]
pub trait OfEvents {
    #[allow(non_snake_case, deprecated)]
    #[incoming]
    async fn userLeft(
        &mut self,
        userId: String,
        #[validate(length(max = 3))] roomId: Option<String>,
        old: Vec<old::Old>,
    ) -> old::Old;

    #[allow(non_snake_case)]
    #[incoming]
    async fn again(&mut self, #[payload] userId: String);

    #[allow(non_snake_case, deprecated)]
    #[outgoing]
    fn gone(userId: String, #[validate(length(max = 3))] roomIds: Vec<String>, old: old::Old);

    #[allow(non_snake_case, deprecated)]
    #[outgoing]
    fn whole(#[payload] oldOne: old::Old);
}

/// Stricter lints report nothing in generated code.
#[deny(unused, deprecated, missing_docs, clippy::all, clippy::pedantic)]
#[procedure]
trait Strict {
    /// Sends a text.
    #[warn(unused, deprecated, missing_docs)]
    #[deprecated]
    #[incoming]
    async fn say(&mut self, text: String) -> u64;

    /// A user sent a text.
    #[deny(unused, deprecated, missing_docs)]
    #[deprecated]
    #[outgoing]
    fn said(text: String);
}

struct Session;

impl Strict for Session {
    async fn say(&mut self, text: String) -> u64 {
        text.len() as u64
    }
}

fn main() {
    let _ = StrictServer::new(|_: StrictSocket| async move { Ok(Session) });
}
