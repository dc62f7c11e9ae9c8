//! User's types may have names that generated code could use.

#![deny(warnings)]
#![allow(non_camel_case_types, dead_code)]

mod names {
    pub struct Option;
    pub struct Vec;
    pub struct Result;
    pub struct Future;
    pub struct Send;
    pub struct Sized;
    pub struct Clone;
    pub struct Debug;
    pub struct From;
    pub struct AsRef;
    pub struct str;
    pub struct Payload;
    pub struct Emitter;
    pub struct Client;
    pub struct Session;
    pub struct D;
    pub struct S;
    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
}

#[allow(unused_imports)]
use names::*;

#[parlor::procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(length(max = 10))] text: String) -> u64;

    #[outgoing]
    fn new_message(text: String, times: u8);
}

fn main() {}
