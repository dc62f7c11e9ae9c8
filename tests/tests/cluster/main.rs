//! Routers that a backplane links, with clients in their rooms.

mod contract;
mod delivery;
#[cfg(any(feature = "nats", feature = "redis"))]
mod faults;
mod many_rooms;
mod members;
mod nodes;
