use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reject::Reject;
use crate::session::Member;
use crate::socket_id::SocketId;
use crate::wire;

/// The largest presence of a socket: 1 KiB of JSON.
pub const MAX_PRESENCE_SIZE: usize = 1024;

/// A member of a room, with the value that its session has set with
/// [`Socket::set_presence`](crate::Socket::set_presence).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomMember<P> {
    /// The id of its socket.
    pub id: SocketId,
    /// What it has set last.
    pub presence: P,
    /// Its connection is lost. Its client may resume it within
    /// [`Recovery::window`](crate::server::Recovery::window).
    pub detached: bool,
}

/// A change in a room, from [`Watch::next`](crate::Watch::next).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomChange<P> {
    /// The members when the first item is taken, in no particular order. It is always the first item, and there is one.
    Snapshot(Vec<RoomMember<P>>),
    /// A member with a presence that was not in the room before.
    Joined(RoomMember<P>),
    /// A member has another presence, or another value of `detached`.
    Changed(RoomMember<P>),
    /// A member is not in the room any more, or its presence does not decode any more.
    Left(SocketId),
    /// The presence of a member does not decode as `P`. The member does not count: it has not joined, or has left
    /// before this. It joins when it sets a presence that decodes.
    Undecodable(DecodePresenceError),
}

/// Why the presence of a socket could not be set. The previous one stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetPresenceError {
    /// It is larger than [`MAX_PRESENCE_SIZE`].
    #[error(
        "the presence has {size} bytes of JSON, the limit is {max}; keep large values elsewhere, and their keys here"
    )]
    TooLarge {
        /// Its size in bytes of JSON.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// It cannot be encoded as JSON.
    #[error("the presence cannot be encoded: {0}")]
    Encode(String),
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

/// The presence of a member is of another type than the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the presence of {id} is no `{expected}`: {error}; set and read the same type")]
#[non_exhaustive]
pub struct DecodePresenceError {
    /// The socket.
    pub id: SocketId,
    /// The name of the type that was asked for.
    pub expected: &'static str,
    /// Why it cannot be decoded.
    pub error: String,
}

/// A factory that sets the presence can use `?`: the error is logged, and the client is rejected with 500 and
/// close code 4003. It reconnects later, and does not get the text of the error: the value is the server's.
impl From<SetPresenceError> for Reject {
    fn from(error: SetPresenceError) -> Self {
        tracing::error!(%error, "the presence cannot be set: the connection is rejected");
        Self::server_failed()
    }
}

/// The presence of one socket as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presence(Arc<[u8]>);

impl Presence {
    pub(crate) fn new<P: Serialize + ?Sized>(value: &P) -> Result<Self, SetPresenceError> {
        let mut json = Vec::new();
        wire::encode(value, &mut json)
            .map_err(|error| SetPresenceError::Encode(error.to_string()))?;
        if json.len() > MAX_PRESENCE_SIZE {
            let (size, max) = (json.len(), MAX_PRESENCE_SIZE);
            return Err(SetPresenceError::TooLarge { size, max });
        }
        Ok(Self(json.into()))
    }

    /// A presence of another node.
    pub(crate) fn from_json(json: &[u8]) -> Self {
        Self(json.into())
    }

    pub(crate) fn json(&self) -> &[u8] {
        &self.0
    }
}

impl RoomMember<Presence> {
    /// Returns `None` if the member has set no presence.
    pub(crate) fn of(member: &Member) -> Option<Self> {
        let presence = member.presence()?;
        Some(Self { id: member.id(), presence, detached: member.outbox().is_detached() })
    }

    /// Runs code of the user.
    pub(crate) fn decode<P: DeserializeOwned>(self) -> Result<RoomMember<P>, DecodePresenceError> {
        let Self { id, presence: Presence(json), detached } = self;
        match serde_json::from_slice(&json) {
            Ok(presence) => Ok(RoomMember { id, presence, detached }),
            Err(error) => Err(DecodePresenceError {
                id,
                expected: std::any::type_name::<P>(),
                error: error.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::*;
    use crate::rooms::tests::register;
    use crate::rooms::{Hub, Traversal};
    use crate::session::Registration;

    fn members_with<P: DeserializeOwned>(hub: &Hub) -> Vec<RoomMember<P>> {
        let mut members = Vec::new();
        hub.rooms.for_each(Traversal::Query, "a", |member| members.extend(RoomMember::of(member)));
        members.into_iter().map(|member| member.decode().expect("decoded")).collect()
    }

    #[test]
    fn presences_of_ten_thousand_members_are_read() {
        let hub = Arc::<Hub>::default();
        let registrations: Vec<_> = (0..10_000).map(|_| register(&hub)).collect();
        for (number, registration) in registrations.iter().enumerate() {
            let member = registration.member();
            member.join("a").expect("joined");
            member.set_presence(Presence::new(&number).expect("small")).expect("set");
        }
        let mut members = members_with::<usize>(&hub);
        members.sort_by_key(|member| member.presence);
        for (number, (member, registration)) in members.iter().zip(&registrations).enumerate() {
            assert_eq!((member.presence, member.id), (number, registration.member().id()));
        }
        assert_eq!(members.len(), 10_000);
        drop(registrations);
        assert_eq!(members_with::<usize>(&hub), []);
    }

    thread_local! {
        static MEMBER: RefCell<Option<Registration>> = const { RefCell::new(None) };
    }

    /// Uses the room while it is encoded and decoded.
    #[derive(Debug)]
    struct UsesRoom;

    fn use_room() {
        MEMBER.with_borrow(|registration| {
            let member = registration.as_ref().expect("a member").member();
            assert!(member.leave("a"));
            member.join("a").expect("joined");
            member.set_presence(Presence::new(&7).expect("small")).expect("set");
        });
    }

    impl Serialize for UsesRoom {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use_room();
            serializer.serialize_u8(8)
        }
    }

    impl<'de> Deserialize<'de> for UsesRoom {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            use_room();
            u8::deserialize(deserializer).map(|_| Self)
        }
    }

    #[test]
    fn error_of_presence_rejects_for_now_without_its_text() {
        let errors = [
            SetPresenceError::TooLarge { size: 2000, max: MAX_PRESENCE_SIZE },
            SetPresenceError::Encode("a secret".to_owned()),
            SetPresenceError::Ended,
        ];
        for error in errors {
            let reject = Reject::from(error.clone());
            assert_eq!((reject.status().as_u16(), reject.code().0), (500, 4003), "{error}");
            assert!(reject.code().redial() && !reject.message().contains(&error.to_string()));
        }
    }

    #[test]
    fn no_lock_is_held_while_presence_is_encoded_or_decoded() {
        let hub = Arc::<Hub>::default();
        let registration = register(&hub);
        let member = Arc::clone(registration.member());
        member.join("a").expect("joined");
        MEMBER.set(Some(registration));
        member.set_presence(Presence::new(&UsesRoom).expect("small")).expect("set");
        assert_eq!(members_with::<u8>(&hub)[0].presence, 8);
        assert_eq!(members_with::<UsesRoom>(&hub).len(), 1);
        assert_eq!(members_with::<u8>(&hub)[0].presence, 7);
    }
}
