//! `crate = path`, as in a crate that re-exports Parlor.

#![deny(warnings)]

mod framework {
    pub mod inner {
        pub use parlor::*;
    }
}

use framework::inner::procedure;

#[procedure(crate = crate::framework::inner)]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(email)] address: String) -> Result<u64, String>;

    #[outgoing]
    fn new_message(text: String);
}

fn main() {}
