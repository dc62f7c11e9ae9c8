//! The Rust client against a server that each test scripts, and against Parlor's own server.

mod acknowledgements;
mod calls;
mod closes;
mod closing;
mod connecting;
mod contract;
mod events;
mod identity;
mod outages;
mod parlor_server;
mod raw_server;
mod reconnecting;
mod recovery;
mod reentrancy;
mod session_loss;
