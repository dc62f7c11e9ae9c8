use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Audience, Delivery, Emitter, Hub, Room, Target, Walk};
use crate::contract::Contract;
use crate::session::{DisconnectReason, Ending, Socket, SocketId};
use crate::wire::CloseCode;

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
            member.signals().end(Ending::Asked(DisconnectReason::Disconnected));
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
        let ending = Ending::Asked(DisconnectReason::closed(code.into(), String::new()));
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
    pub fn deliveries(&self) -> Vec<Delivery> {
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
