//! Rooms: who is in them, how they are named as a target, and how an event reaches their members.

mod audience;
mod delivery;
mod everyone;
mod hub;
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
pub(crate) use delivery::OutgoingEvent;
pub use delivery::{DeliveryPolicy, DeliveryStats};
pub(crate) use everyone::RegisterError;
pub(crate) use hub::Hub;
pub(crate) use joined::Joined;
pub(crate) use latest_key::latest_key;
pub use membership::JoinRoomError;
pub(crate) use membership::Membership;
pub use target::{Exception, Room, Rooms, Target, rooms};
pub(crate) use walk::Walk;
