//! Generated code does not depend on names in scope.

#![no_implicit_prelude]
#![deny(warnings)]

use ::std::string::String;

#[::parlor::procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(
        &mut self,
        #[validate(length(max = 10), pattern("^[a-z]+$"))] text: String,
        #[validate(range(min = 1))] times: ::std::option::Option<u8>,
        #[validate(inner(length(max = 3)))] tags: ::std::vec::Vec<String>,
        #[field(default)] loud: bool,
    ) -> ::std::result::Result<u64, String>;

    #[incoming]
    async fn count(&mut self) -> u64 {
        7
    }

    #[outgoing]
    fn new_message(text: String);

    #[outgoing]
    fn tick();
}

fn main() {}
