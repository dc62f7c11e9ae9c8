use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{DisconnectReason, Ending, Member, SocketId};
use crate::contract::Contract;
use crate::rooms::{Audience, Emitter, Io, JoinRoomError, Room, Target};
use crate::server::Request;
use crate::wire::CloseCode;

/// The server's handle to one client. Cheap to clone, and usable from any task.
///
/// After the session has ended it does nothing.
pub struct Socket<E> {
    member: Arc<Member>,
    contract: PhantomData<fn() -> E>,
}

impl<E: Contract> Socket<E> {
    pub(crate) fn new(member: Arc<Member>) -> Self {
        Self { member, contract: PhantomData }
    }

    /// The public name of this client's session; random, 22 characters.
    pub fn id(&self) -> SocketId {
        self.member.id()
    }

    /// The request that began the session, with what middleware put into its extensions. That of a
    /// client that comes back is given to `resumed`.
    pub fn request(&self) -> &Request {
        self.member.request()
    }

    /// Emits to this client.
    pub fn emit(&self) -> E {
        E::from(Emitter::to_member(E::NAME, &self.member))
    }

    /// Emits to everyone in the target but this client.
    ///
    /// [`Io::to`] does not leave it out.
    pub fn to(&self, target: impl Target) -> E {
        let audience = Audience::of(&target).without(self.id());
        E::from(Emitter::to_audience(E::NAME, self.member.hub(), audience))
    }

    /// Enters a room, and says whether the socket was not in it before.
    ///
    /// What anyone emits to the room from here on reaches this client; its own session with
    /// [`io`](Self::io), as [`to`](Self::to) leaves it out. All rooms are left when the session has ended.
    pub fn join(&self, room: impl Room) -> Result<bool, JoinRoomError> {
        self.member.join(&room.name())
    }

    /// Leaves a room, and says whether the socket was in it.
    ///
    /// What anyone emits to the room from here on does not reach this client. A broadcast that began
    /// before may still do so.
    pub fn leave(&self, room: impl Room) -> bool {
        self.member.leave(&room.name())
    }

    /// The rooms that this socket is in, in no particular order.
    pub fn rooms(&self) -> Vec<String> {
        self.member.rooms()
    }

    /// The broadcast controller of the procedure.
    pub fn io(&self) -> Io<E> {
        Io::new(Arc::clone(self.member.hub()))
    }

    /// Ends the session and closes the connection with 1000; the client does not come back by
    /// itself. What was emitted before goes out first. A handler that runs comes to its end.
    ///
    /// A client whose connection is lost is not told; if it comes back, it hears that the session was
    /// ended and gets a fresh one.
    pub fn close(&self) {
        self.close_with(CloseCode::NORMAL, "");
    }

    /// Ends the session and closes the connection with a code and a reason.
    ///
    /// A code that cannot stand in a close frame is sent as 1000; a reason is cut to 123 bytes
    /// (RFC 6455 §5.5). The ranges of [`CloseCode`] tell the client whether to come back.
    pub fn close_with(&self, code: impl Into<CloseCode>, reason: impl Into<String>) {
        let reason = DisconnectReason::closed(code.into(), reason.into());
        self.member.signals().end(Ending::Asked(reason));
    }
}

impl<E> Clone for Socket<E> {
    fn clone(&self) -> Self {
        Self { member: Arc::clone(&self.member), contract: PhantomData }
    }
}

impl<E: Contract> fmt::Debug for Socket<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("contract", &E::NAME)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
