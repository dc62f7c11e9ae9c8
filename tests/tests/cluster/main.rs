//! Routers that a backplane links, with clients in their rooms.

mod contract;
mod delivery;
mod members;
mod nodes;
