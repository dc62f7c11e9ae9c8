//! Many clients on a faulty network, and servers that shut down: no loss is unreported, and nothing
//! arrives twice.

#![allow(unreachable_pub, reason = "generated code")]

mod faulty_network;
mod node_clients;
mod process_shutdown;
mod reconnect_spread;
mod recording_server;
mod rust_clients;
mod server_replacement;
