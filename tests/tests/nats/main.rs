//! The engine for NATS, with a real `nats-server`.

mod connecting;
mod links;
mod order;
mod routers;
mod server;
