//! The Rust client, against a server that does what each test tells it.

mod calls;
mod closing;
mod confirming;
mod connecting;
mod contract;
mod events;
mod raw;
mod reconnecting;
mod recovery;
mod reentering;
mod served;
mod unrecovered;
