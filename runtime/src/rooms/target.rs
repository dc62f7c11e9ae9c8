//! Targets of events: rooms, sockets and exceptions.

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

/// The recipients of an event: a room, a [`SocketId`], an array, slice or `Vec` of these, or
/// `rooms([..]).except(..)`.
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

/// Several rooms with exceptions, made by [`rooms`].
#[derive(Debug, Clone)]
pub struct Rooms(Audience);

/// Makes one target of several rooms. [`Rooms::except`] adds exceptions.
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
    /// Excludes the members of a room, a socket by its id, or several of these.
    #[must_use]
    pub fn except(mut self, exception: impl Exception) -> Self {
        exception.take_from(&mut self.0);
        self
    }
}

impl Target for Rooms {
    fn add_to(&self, audience: &mut Audience) {
        audience.extend(&self.0);
    }
}

/// An exception from a target: a room, a [`SocketId`], or an array or `Vec` of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an exception",
    label = "not a room or a `SocketId`",
    note = "give a room's name, a `SocketId`, or an array of them"
)]
pub trait Exception {
    /// Adds this exception to `audience`.
    fn take_from(&self, audience: &mut Audience);
}

impl<R: Room> Exception for R {
    fn take_from(&self, audience: &mut Audience) {
        audience.add_room_exception(&self.name());
    }
}

impl<X: Exception, const N: usize> Exception for [X; N] {
    fn take_from(&self, audience: &mut Audience) {
        for exception in self {
            exception.take_from(audience);
        }
    }
}

impl<X: Exception> Exception for Vec<X> {
    fn take_from(&self, audience: &mut Audience) {
        for exception in self {
            exception.take_from(audience);
        }
    }
}

impl Exception for SocketId {
    fn take_from(&self, audience: &mut Audience) {
        audience.add_socket_exception(*self);
    }
}

impl Exception for &SocketId {
    fn take_from(&self, audience: &mut Audience) {
        (**self).take_from(audience);
    }
}
