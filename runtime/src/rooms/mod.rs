//! Rooms, targets, and what an event declares for slow clients.

mod all_members;
mod audience;
mod delivery;
mod fast_hasher;
mod gaps;
mod hub;
mod joined_rooms;
mod latest_key;
mod members;
mod membership;
mod presence;
mod remote;
mod shards;
mod target;
#[cfg(test)]
mod tests;
mod traversal;
mod watchers;

pub(crate) use all_members::RegisterError;
pub use audience::Audience;
pub(crate) use delivery::OutgoingEvent;
pub use delivery::{DeliveryPolicy, DeliveryStats};
pub use gaps::{Gap, Gaps};
pub(crate) use hub::Hub;
pub(crate) use joined_rooms::JoinedRooms;
pub(crate) use latest_key::{LatestKey, latest_key, stable_latest_key};
pub use membership::JoinRoomError;
pub(crate) use membership::Membership;
pub(crate) use presence::Presence;
pub use presence::{
    DecodePresenceError, MAX_PRESENCE_SIZE, RoomChange, RoomMember, SetPresenceError,
};
pub(crate) use remote::{Answers, Query, Remote};
pub use target::{Exception, Exceptions, Room, Rooms, Target, rooms};
pub(crate) use traversal::Traversal;
pub(crate) use watchers::{MemberState, OtherNodes, Taken, WatcherId, Watchers};
