use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tokio::task::AbortHandle;

use serde::Serialize;

use super::{Emitter, Io};
use crate::contract::Contract;
use crate::disconnect_reason::DisconnectReason;
use crate::request::Request;
use crate::rooms::{Audience, JoinRoomError, Presence, Room, SetPresenceError, Target};
use crate::session::{Ending, Member, flush, spawn};
use crate::socket_id::SocketId;
use crate::wire::CloseCode;

/// The server's handle to one session. Cheap to clone, and usable from any task.
///
/// After the session has ended, its methods have no effect.
pub struct Socket<E> {
    member: Arc<Member>,
    contract: PhantomData<fn() -> E>,
}

/// What [`Socket::join_confirmed`] has found out. The socket is in the room in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinConfirmation {
    /// Events that any node emits to the room from now on arrive. In a cluster of NATS servers, those of a node with
    /// another server [may be missed for some milliseconds](crate::backplane::Nats#servers).
    Confirmed,
    /// Events of other nodes may still be missed for a moment: the link to the broker is lost, or a node does
    /// not answer.
    Unconfirmed,
}

impl<E: Contract> Socket<E> {
    pub(crate) fn new(member: Arc<Member>) -> Self {
        Self { member, contract: PhantomData }
    }

    /// The public id of the session: random, 22 characters as text.
    pub fn id(&self) -> SocketId {
        self.member.id()
    }

    /// The request that started the session, with the extensions that middleware added. `resumed`
    /// receives the request of a client that resumes it.
    pub fn request(&self) -> &Request {
        self.member.request()
    }

    /// Emits to this client.
    pub fn emit(&self) -> E {
        E::from(Emitter::to_member(E::NAME, &self.member))
    }

    /// Emits to all clients in the target except this one. [`Io::to`] includes it.
    pub fn to(&self, target: impl Target) -> E {
        let audience = Audience::new(&target).except(self.id());
        E::from(Emitter::to_audience(E::NAME, self.member.hub(), audience))
    }

    /// Joins a room. Returns whether the socket was not in it before.
    ///
    /// This client receives all events that are emitted to the room after this returns. To emit to the
    /// room from its own session, use [`io`](Self::io): [`to`](Self::to) excludes this client. The
    /// session leaves all rooms when it ends.
    pub fn join(&self, room: impl Room) -> Result<bool, JoinRoomError> {
        self.member.join(&room.name())
    }

    /// Joins a room as [`join`](Self::join) does, and waits until the events of other nodes to it arrive here.
    ///
    /// The answer comes after 500 ms at the latest. Without a [`backplane`](crate::Router::backplane) the
    /// join is confirmed at once.
    pub async fn join_confirmed(&self, room: impl Room) -> Result<JoinConfirmation, JoinRoomError> {
        let name = room.name();
        self.member.join(&name)?;
        match self.member.hub().remote() {
            Some(remote) if !remote.confirm(&name).await => Ok(JoinConfirmation::Unconfirmed),
            Some(_) | None => Ok(JoinConfirmation::Confirmed),
        }
    }

    /// Leaves a room. Returns whether the socket was in it.
    ///
    /// This client receives no events that are emitted to the room after this returns, and may receive
    /// those of a broadcast that started before.
    pub fn leave(&self, room: impl Room) -> bool {
        self.member.leave(&room.name())
    }

    /// The rooms that this socket is in, in no particular order.
    pub fn rooms(&self) -> Vec<String> {
        self.member.rooms()
    }

    /// Sets what [`Io::members_with`] and [`Io::watch`] return for this socket: any value of at most
    /// [`MAX_PRESENCE_SIZE`](crate::rooms::MAX_PRESENCE_SIZE) bytes of JSON, such as a name and a color.
    ///
    /// It replaces the previous value, and is kept until the session ends. The factory may set it before
    /// it joins a room. The value is encoded here, once. Parlor does not send it to clients. Emit an
    /// event if they need it.
    pub fn set_presence<P: Serialize + ?Sized>(
        &self,
        presence: &P,
    ) -> Result<(), SetPresenceError> {
        self.member.set_presence(Presence::new(presence)?)
    }

    /// The handle to all sessions of the procedure.
    pub fn io(&self) -> Io<E> {
        Io::new(Arc::clone(self.member.hub()))
    }

    /// Waits until the events that this task has emitted so far, to this client, to rooms and to others,
    /// are written. Use it before a computation that blocks the thread.
    ///
    /// Events are written when the task that emits them waits at an `.await`. If a handler emits and then
    /// blocks, its events are sent when it no longer blocks. After `flush`, each event is written to its
    /// connection, or the task that writes it is woken:
    ///
    /// - If a client reads slowly, the task of its session writes the rest. `flush` waits for no client.
    ///   The task of this session writes the rest when the handler waits at an `.await`, or has ended. Use
    ///   `spawn_blocking` for long computations.
    /// - Connections that are not plain TCP, such as those of axum, are written to by the tasks of their
    ///   sessions. The same holds for events of a task that belongs to no session. `flush` lets these tasks
    ///   run first if the runtime has one thread. Other threads run them at the same time.
    /// - The answer of a call is sent when its handler has ended.
    /// - If a task on another thread emits to the same client at the same time, that task writes the events
    ///   of both. They wait if it blocks without `flush`.
    ///
    /// The client's next message is handled after the handler has ended, so a handler cannot wait for it.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Jobs { #[incoming] async fn run(&mut self); #[outgoing] fn started(); #[outgoing] fn done(); }
    /// # struct Job { socket: JobsSocket }
    /// # fn compute() {}
    /// impl Jobs for Job {
    ///     async fn run(&mut self) {
    ///         self.socket.emit().started();
    ///         self.socket.flush().await;
    ///         compute(); // blocks the thread for some milliseconds
    ///         self.socket.emit().done();
    ///     }
    /// }
    /// ```
    pub async fn flush(&self) {
        flush().await;
    }

    /// Spawns a task that ends with the session, for work beside its handlers.
    ///
    /// - It is cancelled when the session ends: at its current `.await`, or the next one if it runs on
    ///   another thread. If the session has ended, `task` is dropped at once. It runs on while the session
    ///   has no connection.
    /// - A shutdown ends the session, so it cancels the task, and then waits until the task is dropped, for
    ///   at most [`Timeouts::close`].
    /// - In the factory: it starts when the session starts. If the client is rejected, it is dropped.
    /// - A panic is logged and ends the session with
    ///   [`HandlerPanicked`](DisconnectReason::HandlerPanicked).
    /// - What it emits is sent when it waits at an `.await`, or at [`flush`](Self::flush).
    ///
    /// A session has at most [`Limits::max_tasks`], 1 024 by default: `task` is dropped at once if it is one
    /// more, which is logged at `ERROR`. [`Timeouts::handler`] does not apply. The handle aborts the task at
    /// its next `.await`.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Jobs { #[incoming] async fn run(&mut self, steps: u32); #[outgoing] fn done(step: u32); }
    /// # struct Job { socket: JobsSocket }
    /// # async fn work(step: u32) {}
    /// impl Jobs for Job {
    ///     async fn run(&mut self, steps: u32) {
    ///         let socket = self.socket.clone();
    ///         // The handler ends, and the client may send the next event.
    ///         self.socket.spawn(async move {
    ///             for step in 0..steps {
    ///                 work(step).await;
    ///                 socket.emit().done(step);
    ///             }
    ///         });
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. The task runs on the runtime that this is called on.
    ///
    /// [`Limits::max_tasks`]: crate::server::Limits::max_tasks
    /// [`Timeouts::close`]: crate::server::Timeouts::close
    /// [`Timeouts::handler`]: crate::server::Timeouts::handler
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        spawn(&self.member, task)
    }

    /// Ends the session and closes the connection with 1000, after which the client does not reconnect
    /// by itself. Events emitted before are sent first. A running handler completes.
    ///
    /// A client whose connection is lost learns this when it tries to resume: it gets a fresh session,
    /// and the reason that the session was ended.
    pub fn close(&self) {
        self.close_with(CloseCode::NORMAL, "");
    }

    /// Ends the session and closes the connection with a code and a reason.
    ///
    /// A code that is not allowed in a close frame is sent as 1000. A reason is cut to 123 bytes
    /// (RFC 6455 §5.5). The range of the [`CloseCode`] decides whether the client reconnects.
    pub fn close_with(&self, code: impl Into<CloseCode>, reason: impl Into<String>) {
        let reason = DisconnectReason::closed(code.into(), reason.into());
        self.member.signals().end(Ending::Requested(reason));
    }
}

/// In this file, because `io.rs` does not import [`Socket`].
impl<E: Contract> Io<E> {
    /// The socket with this id, if its session is on this server, with or without a connection.
    pub fn local(&self, id: impl Into<SocketId>) -> Option<Socket<E>> {
        self.hub().member(id.into()).map(Socket::new)
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
