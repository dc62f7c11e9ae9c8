use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream;
use serde::de::DeserializeOwned;
use tokio::task::coop::poll_proceed;

use super::Io;
use crate::contract::Contract;
use crate::rooms::{
    DecodePresenceError, Hub, Presence, Room, RoomChange, RoomMember, Taken, WatcherId,
};
use crate::socket_id::SocketId;

/// The members of one room as they change, from [`Io::watch`].
///
/// Taking a change is cancel safe, and takes part in tokio's [cooperative scheduling](tokio::task::coop). It
/// is also a [`Stream`]. Dropping it ends the watch.
pub struct Watch<P> {
    hub: Arc<Hub>,
    room: String,
    id: WatcherId,
    /// Members that have joined, with a presence that does not decode.
    undecodable: HashSet<SocketId>,
    errors: VecDeque<DecodePresenceError>,
    ended: bool,
    presence: PhantomData<fn() -> P>,
}

impl<E: Contract> Io<E> {
    /// Watches the members of a room that have set a presence, as they change. The room need not exist.
    ///
    /// The first item is a [`Snapshot`](RoomChange::Snapshot) of what [`members_with`](Self::members_with)
    /// returns. The changes since then follow:
    ///
    /// - A member [joins](RoomChange::Joined) when it is in the room and has set a presence, in either order.
    /// - It [changes](RoomChange::Changed) when it sets another presence, and when it loses its connection or
    ///   resumes it.
    /// - It [leaves](RoomChange::Left) with the room or with the end of its session.
    ///
    /// States are watched, not events: a member that changes three times before the next item is taken, has changed
    /// once, and one that joins and leaves has not changed. So a slow watcher takes memory for the members of the room
    /// only, and ends with the newest state of each. Changes of one member are in order.
    ///
    /// With a [`backplane`](crate::Router::backplane) it shows the members on all nodes. What the members of one other node show in
    /// the room must fit into half of its
    /// [`ClusterOptions::max_queue_size`](crate::backplane::ClusterOptions::max_queue_size), and at most 100 000 of these
    /// members are shown. More are not logged.
    ///
    /// There is no limit of watches, because clients cannot make any by themselves. Each costs a few map accesses per
    /// change in its room. A session that watches its own room does so in a task of
    /// [`Socket::spawn`](crate::Socket::spawn).
    ///
    /// ```
    /// # use parlor::prelude::*;
    /// # use parlor::rooms::RoomChange;
    /// # #[procedure] trait Board { #[incoming] async fn show(&mut self); #[outgoing] fn entered(name: String); #[outgoing] fn away(name: String); #[outgoing] fn left(id: SocketId); }
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Person {
    ///     name: String,
    /// }
    ///
    /// async fn announce(io: BoardIo) {
    ///     let mut watch = io.watch::<Person>("board");
    ///     while let Some(change) = watch.next().await {
    ///         match change {
    ///             RoomChange::Snapshot(members) => println!("{} are present", members.len()),
    ///             RoomChange::Joined(member) => io.to("board").entered(member.presence.name),
    ///             RoomChange::Changed(member) if member.detached => {
    ///                 io.to("board").away(member.presence.name);
    ///             }
    ///             RoomChange::Left(id) => io.to("board").left(&id),
    ///             _ => {}
    ///         }
    ///     }
    /// }
    /// ```
    pub fn watch<P: DeserializeOwned>(&self, room: impl Room) -> Watch<P> {
        let room = room.name().into_owned();
        Watch {
            id: self.hub().watch(&room),
            hub: Arc::clone(self.hub()),
            room,
            undecodable: HashSet::new(),
            errors: VecDeque::new(),
            ended: false,
            presence: PhantomData,
        }
    }
}

impl<P: DeserializeOwned> Watch<P> {
    /// Waits for the next change. `None` after a shutdown or [`Io::drain`], when the last member on this server
    /// has left.
    pub async fn next(&mut self) -> Option<RoomChange<P>> {
        poll_fn(|cx| self.poll_change(cx)).await
    }

    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Option<RoomChange<P>>> {
        loop {
            let budget = ready!(poll_proceed(cx));
            if let Some(error) = self.errors.pop_front() {
                budget.made_progress();
                return Poll::Ready(Some(RoomChange::Undecodable(error)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let taken = ready!(self.hub.watchers.poll_take(&self.room, self.id, cx));
            budget.made_progress();
            let change = match taken {
                None => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Some(Taken::Snapshot(members)) => {
                    let members = members.into_iter().filter_map(|member| self.decode(member));
                    Some(RoomChange::Snapshot(members.collect()))
                }
                Some(Taken::Joined(member)) => self.decode(member).map(RoomChange::Joined),
                Some(Taken::Changed(member)) => self.changed(member),
                Some(Taken::Left(id)) if self.undecodable.remove(&id) => None,
                Some(Taken::Left(id)) => Some(RoomChange::Left(id)),
            };
            if change.is_some() {
                return Poll::Ready(change);
            }
        }
    }

    fn changed(&mut self, member: RoomMember<Presence>) -> Option<RoomChange<P>> {
        let id = member.id;
        let was_decodable = !self.undecodable.contains(&id);
        match self.decode(member) {
            Some(member) if was_decodable => Some(RoomChange::Changed(member)),
            Some(member) => Some(RoomChange::Joined(member)),
            // The error follows.
            None => was_decodable.then_some(RoomChange::Left(id)),
        }
    }

    fn decode(&mut self, member: RoomMember<Presence>) -> Option<RoomMember<P>> {
        match member.decode() {
            Ok(member) => {
                self.undecodable.remove(&member.id);
                Some(member)
            }
            Err(error) => {
                self.undecodable.insert(error.id);
                self.errors.push_back(error);
                None
            }
        }
    }
}

impl<P: DeserializeOwned> Stream for Watch<P> {
    type Item = RoomChange<P>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RoomChange<P>>> {
        self.get_mut().poll_change(cx)
    }
}

impl<P> Drop for Watch<P> {
    fn drop(&mut self) {
        self.hub.watchers.remove(&self.room, self.id);
    }
}

impl<P> fmt::Debug for Watch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("room", &self.room).finish_non_exhaustive()
    }
}
