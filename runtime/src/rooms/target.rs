//! Targets of events: rooms, sockets and exceptions.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::Audience;
use crate::socket_id::SocketId;

/// A value that names a room. Implement it for your own room types.
///
/// ```
/// use std::borrow::Cow;
///
/// enum Channel { Lobby, Game(u32) }
///
/// impl parlor::rooms::Room for Channel {
///     fn name(&self) -> Cow<'_, str> {
///         match self {
///             Channel::Lobby => "lobby".into(),
///             Channel::Game(number) => format!("game:{number}").into(),
///         }
///     }
/// }
/// ```
pub trait Room {
    /// The name of the room. Rooms of one procedure with equal names are the same room.
    fn name(&self) -> Cow<'_, str>;
}

impl Room for str {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Room for String {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Room for Cow<'_, str> {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl<R: Room + ?Sized> Room for &R {
    fn name(&self) -> Cow<'_, str> {
        (**self).name()
    }
}

/// The recipients of an event: a room, a [`SocketId`], `rooms([..]).except(..)`, or an array, slice or
/// `Vec` of targets.
///
/// A socket in several parts of a target receives one copy. An exception belongs to the target that it
/// was given for. A socket that is excepted from one part of an array receives the event if it is in
/// another part:
///
/// ```no_run
/// # fn example<E: parlor::Contract>(io: &parlor::Io<E>, sender: parlor::SocketId) {
/// use parlor::rooms::rooms;
///
/// // The sender receives it if it is in `random`.
/// io.to([rooms("general").except(&sender), rooms("random")]);
/// // The sender does not receive it.
/// io.to(rooms(["general", "random"]).except(&sender));
/// # }
/// ```
///
/// The elements of an array have one type. [`rooms`] makes one type of a room, a socket and all other targets:
///
/// ```no_run
/// # fn example<E: parlor::Contract>(io: &parlor::Io<E>, sender: parlor::SocketId) {
/// use parlor::rooms::rooms;
///
/// io.to([rooms("general"), rooms(sender), rooms(["random", "news"]).except("muted")]);
/// # }
/// ```
///
/// With a [`backplane`](crate::Router::backplane), a target of more than 256 rooms, sockets and exceptions, in all,
/// reaches the members on this node only.
///
/// Implement it for your own types with the targets that exist:
///
/// ```
/// use parlor::SocketId;
/// use parlor::rooms::{Audience, Target, rooms};
///
/// /// The players of a game and those who watch it, without one player.
/// struct Others { game: u32, player: SocketId }
///
/// impl Target for Others {
///     fn add_to(&self, audience: &mut Audience) {
///         rooms(format!("game:{}", self.game)).except(self.player).add_to(audience);
///         format!("watchers:{}", self.game).add_to(audience);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a target",
    label = "not a room, a set of rooms or a `SocketId`",
    note = "give a room's name, `[\"a\", \"b\"]`, `rooms([..]).except(..)`, a `SocketId`, or implement `parlor::rooms::Room` for `{Self}`"
)]
pub trait Target {
    /// Adds this target to `audience`.
    fn add_to(&self, audience: &mut Audience);
}

impl<R: Room> Target for R {
    fn add_to(&self, audience: &mut Audience) {
        audience.add_room(&self.name());
    }
}

impl<T: Target, const N: usize> Target for [T; N] {
    fn add_to(&self, audience: &mut Audience) {
        self.as_slice().add_to(audience);
    }
}

impl<T: Target, const N: usize> Target for &[T; N] {
    fn add_to(&self, audience: &mut Audience) {
        self.as_slice().add_to(audience);
    }
}

impl<T: Target> Target for [T] {
    fn add_to(&self, audience: &mut Audience) {
        for target in self {
            target.add_to(audience);
        }
    }
}

impl<T: Target> Target for &[T] {
    fn add_to(&self, audience: &mut Audience) {
        (**self).add_to(audience);
    }
}

impl<T: Target> Target for Vec<T> {
    fn add_to(&self, audience: &mut Audience) {
        self.as_slice().add_to(audience);
    }
}

impl<T: Target> Target for &Vec<T> {
    fn add_to(&self, audience: &mut Audience) {
        self.as_slice().add_to(audience);
    }
}

impl Target for SocketId {
    fn add_to(&self, audience: &mut Audience) {
        audience.add_socket(*self);
    }
}

impl Target for &SocketId {
    fn add_to(&self, audience: &mut Audience) {
        (**self).add_to(audience);
    }
}

/// A target with exceptions, made by [`rooms`].
#[derive(Debug, Clone)]
pub struct Rooms(Audience);

/// Makes one target of several rooms. [`Rooms::except`] adds exceptions from all of them.
///
/// A socket in two of the rooms receives one copy.
///
/// ```no_run
/// # fn example<E: parlor::Contract>(io: &parlor::Io<E>, sender: parlor::SocketId) {
/// use parlor::rooms::rooms;
///
/// io.to(rooms(["general", "random"]).except("muted").except(&sender));
/// # }
/// ```
pub fn rooms(target: impl Target) -> Rooms {
    Rooms(Audience::new(&target))
}

impl Rooms {
    /// Excludes the members of a room, a socket by its id, or several of these, from this whole target.
    /// Other targets beside it in an array include them.
    #[must_use]
    pub fn except(mut self, exception: impl Exception) -> Self {
        exception.add_to_exceptions(&mut Exceptions(&mut self.0));
        self
    }
}

impl Target for Rooms {
    fn add_to(&self, audience: &mut Audience) {
        audience.extend(&self.0);
    }
}

impl Target for &Rooms {
    fn add_to(&self, audience: &mut Audience) {
        (**self).add_to(audience);
    }
}

/// An exception from a target: a room, a [`SocketId`], or an array, slice or `Vec` of these. [`Rooms`] is none,
/// because it may have exceptions itself: give several rooms as an array.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an exception",
    label = "not a room or a `SocketId`",
    note = "give a room's name, a `SocketId`, or an array of them"
)]
pub trait Exception {
    /// Adds this exception to `exceptions`.
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>);
}

/// The exceptions from one target. [`Rooms::except`] passes it to an [`Exception`].
#[derive(Debug)]
pub struct Exceptions<'a>(&'a mut Audience);

impl<R: Room> Exception for R {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        exceptions.0.except_room(&self.name());
    }
}

impl<X: Exception, const N: usize> Exception for [X; N] {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        self.as_slice().add_to_exceptions(exceptions);
    }
}

impl<X: Exception, const N: usize> Exception for &[X; N] {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        self.as_slice().add_to_exceptions(exceptions);
    }
}

impl<X: Exception> Exception for [X] {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        for exception in self {
            exception.add_to_exceptions(exceptions);
        }
    }
}

impl<X: Exception> Exception for &[X] {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        (**self).add_to_exceptions(exceptions);
    }
}

impl<X: Exception> Exception for Vec<X> {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        self.as_slice().add_to_exceptions(exceptions);
    }
}

impl<X: Exception> Exception for &Vec<X> {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        self.as_slice().add_to_exceptions(exceptions);
    }
}

impl Exception for SocketId {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        exceptions.0.except_socket(*self);
    }
}

impl Exception for &SocketId {
    fn add_to_exceptions(&self, exceptions: &mut Exceptions<'_>) {
        (**self).add_to_exceptions(exceptions);
    }
}
