//! Many clients on a network that fails, and servers that go away: nothing is lost unsaid, nothing
//! comes twice.

#![allow(unreachable_pub, reason = "what the macro writes")]

mod arena;
mod fans;
mod goodbye;
mod network;
mod nodes;
mod process;
mod spread;
