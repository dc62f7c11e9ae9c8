//! `crate = path` of a payload, as in a crate that re-exports Parlor.

#![deny(warnings)]

mod framework {
    pub mod inner {
        pub use parlor::*;
    }
}

use framework::inner::{payload, procedure};

#[payload(typescript, crate = crate::framework::inner)]
pub struct Message {
    pub text: String,
    pub author: Author,
}

#[payload(typescript, crate = crate::framework::inner)]
pub struct Author {
    pub name: String,
}

#[procedure(typescript, crate = crate::framework::inner)]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, message: Message);
}

fn main() {}
