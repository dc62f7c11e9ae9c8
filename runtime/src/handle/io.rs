use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Ask, Emitter};
use crate::contract::Contract;
use crate::disconnect_reason::DisconnectReason;
use crate::rooms::{
    Audience, DecodePresenceError, DeliveryStats, Gaps, Hub, Room, RoomMember, Target,
};
use crate::socket_id::SocketId;
use crate::wire::CloseCode;

/// The server's handle to all sessions of a procedure. Cheap to clone, and usable from any task.
///
/// Get it from the server before it is mounted, or from a socket:
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

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Emits to all clients in the target. [`Socket::to`](crate::Socket::to) excludes its own client.
    ///
    /// With a [`backplane`](crate::Router::backplane), a target of more than 256 rooms, sockets and exceptions reaches the
    /// clients of this node only. Name one room that they share instead.
    pub fn to(&self, target: impl Target) -> E {
        self.emitter(Audience::new(&target))
    }

    /// Emits to all clients of the procedure.
    pub fn broadcast(&self) -> E {
        self.emitter(Audience::all())
    }

    /// Emits to one client. Has no effect after its session has ended.
    pub fn socket(&self, id: impl Into<SocketId>) -> E {
        self.to(id.into())
    }

    /// The sessions in the room, in no particular order, including those whose connection is lost.
    ///
    /// With a [`backplane`](crate::Router::backplane), those on all nodes: it waits for their answers, at
    /// most for 1 s. [`ask`](Self::ask) tells whether all have answered.
    pub async fn members(&self, room: impl Room) -> Vec<SocketId> {
        self.ask().members(room).await.value
    }

    /// Asks all nodes of a cluster, and tells which have not answered.
    ///
    /// Asked are the nodes that are alive now. The answer comes when all have answered or ended, at the latest after 1 s
    /// ([`within`](Ask::within)). While this node has no link to the broker, it is that of this node, at once.
    /// One node answers with at most half of [`ClusterOptions::max_queue_size`], about 90 000 ids by default;
    /// one with more is [`missing`](crate::backplane::ClusterAnswer::missing), though its first ids are there.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Board { #[incoming] async fn people(&mut self, board: String) -> usize; }
    /// async fn count(io: &BoardIo, board: &str) -> String {
    ///     let count = io.ask().count(board).await;
    ///     match count.complete {
    ///         true => count.value.to_string(),
    ///         false => format!("at least {}", count.value),
    ///     }
    /// }
    /// ```
    ///
    /// [`ClusterOptions::max_queue_size`]: crate::backplane::ClusterOptions::max_queue_size
    pub fn ask(&self) -> Ask<E> {
        Ask::new(Arc::clone(&self.hub))
    }

    /// Receives the losses of events between the nodes of a cluster, as this node finds them. A loss in any procedure
    /// is reported. There are none without a [`backplane`](crate::Router::backplane).
    pub fn gaps(&self) -> Gaps {
        self.hub.gaps.receiver()
    }

    /// The members of the room that have set a presence, in no particular order, with that presence.
    /// [`members`](Self::members) lists those without one, too.
    ///
    /// A session shows a name, a color or a cursor to the others with
    /// [`Socket::set_presence`](crate::Socket::set_presence), so a server needs no list of names beside
    /// the rooms. Set and read the same type. If the presence of a member does not decode as `P`, this is
    /// an error that names the member. [`watch`](Self::watch) tells what changes.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Board { #[incoming] async fn people(&mut self, board: String) -> Vec<String>; }
    /// # struct Guest { socket: BoardSocket }
    /// # impl Board for Guest { async fn people(&mut self, board: String) -> Vec<String> { people(&self.socket.io(), &board).await } }
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Person {
    ///     name: String,
    ///     color: String,
    /// }
    ///
    /// let board = BoardServer::new(|socket: BoardSocket| async move {
    ///     socket.set_presence(&Person { name: "ada".into(), color: "teal".into() })?;
    ///     socket.join("board")?;
    ///     Ok(Guest { socket })
    /// });
    ///
    /// async fn people(io: &BoardIo, board: &str) -> Vec<String> {
    ///     let members = io.members_with::<Person>(board).await.unwrap_or_default();
    ///     let present = members.into_iter().filter(|member| !member.detached);
    ///     present.map(|member| member.presence.name).collect()
    /// }
    /// ```
    pub async fn members_with<P: DeserializeOwned>(
        &self,
        room: impl Room,
    ) -> Result<Vec<RoomMember<P>>, DecodePresenceError> {
        Ok(self.ask().presence(room).await?.value)
    }

    /// Ends the sessions in the target and closes their connections with 4500, after which the clients do
    /// not reconnect by themselves. Returns the number of sessions.
    ///
    /// A client whose connection is lost may still reconnect. It gets a fresh session, unless a
    /// middleware or the factory rejects it.
    ///
    /// With a [`backplane`](crate::Router::backplane) it ends the sessions on all nodes, and waits for their answers, at
    /// most for 1 s. A target of more than 256 rooms, sockets and exceptions ends those of this node only.
    /// [`ask().disconnect(..)`](Ask::disconnect) tells which nodes did not answer.
    pub async fn disconnect(&self, target: impl Target) -> usize {
        self.ask().disconnect(target).await.value
    }

    /// Ends all sessions on this server and closes their connections with a code, whose range decides
    /// whether the clients reconnect ([`CloseCode`]). New sessions are admitted. Returns the number of
    /// sessions ended.
    ///
    /// A code that is not allowed in a close frame is sent as 1000.
    /// [`Socket::close_with`](crate::Socket::close_with) closes one client.
    /// [`disconnect`](Self::disconnect) closes the clients of a target, which do not reconnect.
    pub fn close_all(&self, code: impl Into<CloseCode>) -> usize {
        let reason = DisconnectReason::closed(code.into(), String::new());
        self.hub.end_sessions(&Audience::all(), reason)
    }

    /// The number of clients connected to this server. Sessions whose connection is lost do not count.
    pub fn connections(&self) -> usize {
        self.hub.connected()
    }

    /// The delivery counts of each outgoing event on this server so far, in the order of the trait. Use
    /// them for metrics, such as how many events slow clients missed.
    pub fn deliveries(&self) -> Vec<DeliveryStats> {
        self.hub.outgoing_events.delivery_stats()
    }

    /// Ends all sessions of this procedure as a shutdown does, and admits no new ones. Returns the number
    /// of sessions; each runs until its handlers have completed.
    ///
    /// Connections are closed with 1012, and clients reconnect spread over
    /// [`retry_window`](crate::Server::retry_window). New clients are rejected with 503, or 4003.
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
