use std::cell::Cell;
use std::ops::Range;

use crate::buffers;
use crate::socket_id::SocketId;

/// A thread keeps room for names of so many bytes, and for so many parts.
const ROOM: usize = 1024;

thread_local! {
    /// Room for the next audience, so that not every broadcast has to ask for some.
    static SPARE: Cell<(String, Vec<Part>)> = const { Cell::new((String::new(), Vec::new())) };
}

/// What a [`Target`](super::Target) comes to: rooms and sockets, less the exceptions.
#[derive(Debug, Clone)]
pub struct Audience {
    everyone: bool,
    /// The names of all rooms, one behind the other.
    names: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// Where its name is.
    Room(Range<usize>),
    Socket(SocketId),
    ExceptRoom(Range<usize>),
    ExceptSocket(SocketId),
}

impl Audience {
    fn nobody() -> Self {
        let (names, parts) = buffers::take(&SPARE);
        Self { everyone: false, names, parts }
    }

    pub(crate) fn everyone() -> Self {
        let mut everyone = Self::nobody();
        everyone.everyone = true;
        everyone
    }

    pub(crate) fn of(target: &impl super::Target) -> Self {
        let mut audience = Self::nobody();
        target.add_to(&mut audience);
        audience
    }

    pub(crate) fn without(mut self, socket: SocketId) -> Self {
        self.except_socket(socket);
        self
    }

    pub(super) fn add_room(&mut self, name: &str) {
        let name = self.add_name(name);
        self.parts.push(Part::Room(name));
    }

    pub(super) fn add_socket(&mut self, socket: SocketId) {
        self.parts.push(Part::Socket(socket));
    }

    pub(super) fn except_room(&mut self, name: &str) {
        let name = self.add_name(name);
        self.parts.push(Part::ExceptRoom(name));
    }

    pub(super) fn except_socket(&mut self, socket: SocketId) {
        self.parts.push(Part::ExceptSocket(socket));
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.everyone |= other.everyone;
        for part in &other.parts {
            match part {
                Part::Room(name) => self.add_room(other.name(name)),
                Part::Socket(socket) => self.add_socket(*socket),
                Part::ExceptRoom(name) => self.except_room(other.name(name)),
                Part::ExceptSocket(socket) => self.except_socket(*socket),
            }
        }
    }

    pub(super) fn is_everyone(&self) -> bool {
        self.everyone
    }

    /// Whether somebody may be in it by more than one of its parts.
    pub(super) fn may_overlap(&self) -> bool {
        let included = |part: &&Part| matches!(part, Part::Room(_) | Part::Socket(_));
        self.parts.iter().filter(included).count() > 1
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Room(name) => Some(self.name(name)),
            _ => None,
        })
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.parts.iter().filter_map(|part| match part {
            Part::Socket(socket) => Some(*socket),
            _ => None,
        })
    }

    /// Whether anybody is left out.
    pub(super) fn has_exceptions(&self) -> bool {
        let left_out = |part: &Part| matches!(part, Part::ExceptRoom(_) | Part::ExceptSocket(_));
        self.parts.iter().any(left_out)
    }

    /// The rooms whose members are left out.
    pub(super) fn excepted_rooms(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::ExceptRoom(name) => Some(self.name(name)),
            _ => None,
        })
    }

    /// Whether this very socket is left out.
    pub(super) fn excepts(&self, socket: SocketId) -> bool {
        let is_it = |part: &Part| matches!(part, Part::ExceptSocket(other) if *other == socket);
        self.parts.iter().any(is_it)
    }

    fn add_name(&mut self, name: &str) -> Range<usize> {
        let start = self.names.len();
        self.names.push_str(name);
        start..self.names.len()
    }

    fn name(&self, range: &Range<usize>) -> &str {
        self.names.get(range.clone()).unwrap_or_default()
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        if self.names.capacity() <= ROOM && self.parts.capacity() <= ROOM {
            self.names.clear();
            self.parts.clear();
            buffers::put(
                &SPARE,
                (std::mem::take(&mut self.names), std::mem::take(&mut self.parts)),
            );
        }
    }
}
