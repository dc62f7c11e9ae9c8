//! The engine for NATS, with a real `nats-server`.

mod connecting;
mod links;
mod node;
mod order;
mod routers;
