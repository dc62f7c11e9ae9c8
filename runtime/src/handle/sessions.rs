use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::rooms::Hub;
use crate::session::{Member, NotAdded, Signal, Ticket, is_running};
use crate::socket_id::SocketId;

/// The values of all sessions of a procedure on this server. Cheap to clone, and usable from any task.
///
/// Get it from [`Server::sessions`](crate::Server::sessions), before the server is mounted.
pub struct Sessions<S> {
    hub: Arc<Hub>,
    session: PhantomData<fn(S)>,
}

/// Why [`Sessions::with`] did not run a closure, or not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WithError {
    /// No session on this server has this id, the session ended before the closure ran, or the closure
    /// panicked.
    #[error("the session has ended or is not on this server")]
    Gone,
    /// The future was awaited in a handler of the same session, or in its factory. The closure would run
    /// after the handler, which would wait for it without end.
    #[error(
        "a session cannot wait for a closure of its own: use `self`, or await it in another task"
    )]
    OwnSession,
    /// [`Limits::max_closures`](crate::server::Limits::max_closures) closures already wait for the session.
    #[error("as many closures as `Limits::max_closures` allows already wait for the session")]
    TooMany,
}

impl<S: 'static> Sessions<S> {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, session: PhantomData }
    }

    /// Runs `closure` with the value of a session, in the task of that session, and returns its result.
    ///
    /// It runs between two handlers, never at the same time as one: it waits for the handler that runs,
    /// and after a closure the session handles a message, if one was received. It also runs while the
    /// session has no connection. Closures run in the order in which their futures are first polled.
    ///
    /// A future that is dropped before its closure has run drops the closure. A closure that panics ends
    /// its session, as a handler does. The closure is not `async`. For longer work, spawn a task. Two
    /// handlers that wait for closures in each other's sessions wait without end: [`WithError::OwnSession`] is
    /// returned only to a session that waits for itself.
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); #[outgoing] fn renamed(name: String); }
    /// # struct Guest { socket: ChatSocket, name: String }
    /// # impl Chat for Guest { async fn say(&mut self, _: String) {} }
    /// use parlor::server::{WithError, Sessions};
    ///
    /// /// For an HTTP handler, for example.
    /// async fn rename(guests: &Sessions<Guest>, id: SocketId, name: String) -> Result<String, WithError> {
    ///     guests
    ///         .with(id, move |guest| {
    ///             guest.socket.emit().renamed(&name);
    ///             std::mem::replace(&mut guest.name, name)
    ///         })
    ///         .await
    /// }
    ///
    /// let chat = ChatServer::new(|socket| async { Ok(Guest { socket, name: String::new() }) });
    /// let guests: Sessions<Guest> = chat.sessions();
    /// ```
    pub async fn with<R: Send + 'static>(
        &self,
        id: impl Into<SocketId>,
        closure: impl FnOnce(&mut S) -> R + Send + 'static,
    ) -> Result<R, WithError> {
        let id = id.into();
        if is_running(id) {
            return Err(WithError::OwnSession);
        }
        let member = self.hub.member(id).ok_or(WithError::Gone)?;
        let (sender, result) = oneshot::channel();
        let closure = Box::new(move |session: &mut dyn Any| {
            // The future may have been dropped since the closure was taken.
            if let Some(session) = session.downcast_mut()
                && !sender.is_closed()
            {
                let _ = sender.send(closure(session));
            }
        });
        let max = member.options().limits.max_closures;
        let ticket = member.closures().push(closure, max).map_err(|not_added| match not_added {
            NotAdded::Ended => WithError::Gone,
            NotAdded::Full => WithError::TooMany,
        })?;
        let _waiting = Waiting { member: &member, ticket };
        member.signals().raise(Signal::Closure);
        result.await.map_err(|_| WithError::Gone)
    }
}

/// Removes a closure when its future is dropped.
struct Waiting<'a> {
    member: &'a Member,
    ticket: Ticket,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.member.closures().remove(self.ticket);
    }
}

impl<S> Clone for Sessions<S> {
    fn clone(&self) -> Self {
        Self { hub: Arc::clone(&self.hub), session: PhantomData }
    }
}

impl<S> fmt::Debug for Sessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("procedure", &self.hub.procedure).finish_non_exhaustive()
    }
}
