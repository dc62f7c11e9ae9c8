//! The server's handles: to one session and to all sessions of a procedure. Each returns the other.

mod emitter;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use self::emitter::Emitter;
use crate::contract::Contract;
use crate::disconnect_reason::DisconnectReason;
use crate::request::Request;
use crate::rooms::{Audience, DeliveryStats, Hub, JoinRoomError, Room, Target, Walk};
use crate::session::{Ending, Member};
use crate::socket_id::SocketId;
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
        self.member.signals().end(Ending::Requested(reason));
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

/// The broadcast controller of a procedure: reaches every client of it, from anywhere.
///
/// Cheap to clone. Get it from the server before it is mounted, or from a socket:
///
/// ```
/// # use parlor::prelude::*;
/// # #[procedure] trait News { #[incoming] async fn refresh(&mut self); #[outgoing] fn headline(text: String); }
/// # struct Reader;
/// # impl News for Reader { async fn refresh(&mut self) {} }
/// let news = NewsServer::new(|_socket| async { Ok(Reader) });
/// let io = news.io();
/// io.broadcast().headline("Parlor opens");
/// io.to("sports").headline("1:0");
/// ```
pub struct Io<E> {
    hub: Arc<Hub>,
    contract: PhantomData<fn() -> E>,
}

impl<E: Contract> Io<E> {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, contract: PhantomData }
    }

    /// Emits to everyone in the target, the sender included.
    ///
    /// [`Socket::to`] leaves the sender out.
    pub fn to(&self, target: impl Target) -> E {
        self.emitter(Audience::of(&target))
    }

    /// Emits to every client of the procedure.
    pub fn broadcast(&self) -> E {
        self.emitter(Audience::everyone())
    }

    /// Emits to one client; to nobody when it has gone.
    pub fn socket(&self, id: impl Into<SocketId>) -> E {
        self.to(id.into())
    }

    /// Who is in the room, in no particular order; those included whose connection is lost and whose
    /// session is kept.
    #[allow(clippy::unused_async, reason = "with a backplane other servers are asked")]
    pub async fn members(&self, room: impl Room) -> Vec<SocketId> {
        let mut members = Vec::new();
        self.hub.rooms.walk(Walk::Look, &room.name(), |member| members.push(member.id()));
        members
    }

    /// Ends the sessions of everyone in the target; their clients are closed with 4500 and do not
    /// come back by themselves. Returns how many there were.
    ///
    /// A client whose connection is lost is not told; if it comes back, it gets a fresh session, unless
    /// the factory or a middleware refuses it.
    #[allow(clippy::unused_async, reason = "with a backplane other servers are asked")]
    pub async fn disconnect(&self, target: impl Target) -> usize {
        let members = self.hub.select(&Audience::of(&target));
        for member in &members {
            member.signals().end(Ending::Requested(DisconnectReason::Disconnected));
        }
        members.len()
    }

    /// Ends all sessions on this server and closes their clients with a code, whose range tells them
    /// whether to come back ([`CloseCode`]); whoever comes is let in. Returns how many there were.
    ///
    /// A code that cannot stand in a close frame is sent as 1000. [`Socket::close_with`] closes one
    /// client, [`disconnect`](Self::disconnect) some for good.
    pub fn close_all(&self, code: impl Into<CloseCode>) -> usize {
        let members = self.hub.select(&Audience::everyone());
        let ending = Ending::Requested(DisconnectReason::closed(code.into(), String::new()));
        for member in &members {
            member.signals().end(ending.clone());
        }
        members.len()
    }

    /// The socket with this id, if its session is on this very server, be it without a connection.
    pub fn local(&self, id: impl Into<SocketId>) -> Option<Socket<E>> {
        self.hub.member(id.into()).map(Socket::new)
    }

    /// How many clients are connected to this server: sessions whose connection is lost do not count.
    pub fn connections(&self) -> usize {
        self.hub.connected()
    }

    /// What became of each outgoing event on this server so far, in the order of the trait. Of use for
    /// metrics: how often clients that were behind went without.
    pub fn deliveries(&self) -> Vec<DeliveryStats> {
        self.hub.deliveries.all()
    }

    /// Ends all sessions of this procedure as a shutdown does, and lets nobody more in: clients are
    /// closed with 1012 and asked to come back spread over
    /// [`retry_window`](crate::Server::retry_window), who comes is refused with 503, or 4003.
    /// Returns how many sessions there were; they go on until their handlers have come to an end.
    pub fn drain(&self) -> usize {
        self.hub.drain()
    }

    fn emitter(&self, audience: Audience) -> E {
        E::from(Emitter::to_audience(E::NAME, &self.hub, audience))
    }
}

impl<E> Clone for Io<E> {
    fn clone(&self) -> Self {
        Self { hub: Arc::clone(&self.hub), contract: PhantomData }
    }
}

impl<E: Contract> fmt::Debug for Io<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("contract", &E::NAME).finish_non_exhaustive()
    }
}
