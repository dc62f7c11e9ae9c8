//! Rooms: who is in them, how they are named as a target, and how an event reaches their members.

mod audience;
mod deliveries;
mod emitter;
mod everyone;
mod hub;
mod io;
mod joined;
mod latest_key;
mod members;
mod membership;
mod mix;
mod shards;
mod target;
#[cfg(test)]
mod tests;
mod walk;

pub use audience::Audience;
pub use deliveries::{Delivery, DeliveryPolicy};
pub use emitter::Emitter;
pub(crate) use everyone::Full;
pub(crate) use hub::Hub;
pub use io::Io;
pub(crate) use joined::Joined;
pub use membership::JoinRoomError;
pub(crate) use membership::Membership;
pub use target::{Exception, Room, Rooms, Target, rooms};
pub(crate) use walk::Walk;
