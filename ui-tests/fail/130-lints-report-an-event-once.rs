#![deny(private_interfaces, missing_docs, dead_code)]
//! A lint reports an event once, and nothing that is generated from it.

use parlor::prelude::*;

#[payload]
struct Hidden {
    id: u8,
}

/// A contract.
#[procedure]
pub trait Chat {
    /// Sends.
    #[incoming]
    async fn send(&mut self, hidden: Hidden);

    #[incoming]
    async fn undocumented(&mut self);

    /// Sent.
    #[outgoing]
    fn sent(hidden: Hidden);
}

fn main() {}
