use std::cell::Cell;
use std::ops::Range;

use crate::buffers;
use crate::socket_id::SocketId;

/// The capacity up to which [`PARTS_BUFFER`] is kept: bytes of names, and parts.
const MAX_KEPT_PARTS: usize = 1024;

thread_local! {
    /// The parts of an audience. It is here and not in `buffers`, because its type is private.
    static PARTS_BUFFER: Cell<Parts> =
        const { Cell::new(Parts { names: String::new(), list: Vec::new() }) };
}

/// What a [`Target`](super::Target) resolves to: rooms and sockets, and exceptions from them.
#[derive(Debug, Clone)]
pub struct Audience {
    /// All members of the procedure, without the exceptions.
    all: bool,
    parts: Parts,
}

#[derive(Debug, Clone, Default)]
struct Parts {
    /// The names of all rooms, concatenated.
    names: String,
    list: Vec<Part>,
}

/// A room is a range of [`Parts::names`].
#[derive(Debug, Clone)]
enum Part {
    Room(Range<usize>),
    Socket(SocketId),
    RoomException(Range<usize>),
    SocketException(SocketId),
}

impl Audience {
    fn empty() -> Self {
        Self { all: false, parts: buffers::take(&PARTS_BUFFER) }
    }

    pub(crate) fn all() -> Self {
        let mut audience = Self::empty();
        audience.all = true;
        audience
    }

    pub(crate) fn new(target: &impl super::Target) -> Self {
        let mut audience = Self::empty();
        target.add_to(&mut audience);
        audience
    }

    pub(crate) fn except(mut self, socket: SocketId) -> Self {
        self.add_socket_exception(socket);
        self
    }

    pub(super) fn add_room(&mut self, name: &str) {
        let name = self.parts.add_name(name);
        self.parts.list.push(Part::Room(name));
    }

    pub(super) fn add_socket(&mut self, socket: SocketId) {
        self.parts.list.push(Part::Socket(socket));
    }

    pub(super) fn add_room_exception(&mut self, name: &str) {
        let name = self.parts.add_name(name);
        self.parts.list.push(Part::RoomException(name));
    }

    pub(super) fn add_socket_exception(&mut self, socket: SocketId) {
        self.parts.list.push(Part::SocketException(socket));
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.all |= other.all;
        for part in &other.parts.list {
            match part {
                Part::Room(name) => self.add_room(other.parts.name(name)),
                Part::Socket(socket) => self.add_socket(*socket),
                Part::RoomException(name) => self.add_room_exception(other.parts.name(name)),
                Part::SocketException(socket) => self.add_socket_exception(*socket),
            }
        }
    }

    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// Returns whether several parts may include the same member.
    pub(super) fn may_overlap(&self) -> bool {
        let included = |part: &&Part| matches!(part, Part::Room(_) | Part::Socket(_));
        self.parts.list.iter().filter(included).count() > 1
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.parts.list.iter().filter_map(|part| match part {
            Part::Room(name) => Some(self.parts.name(name)),
            _ => None,
        })
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.parts.list.iter().filter_map(|part| match part {
            Part::Socket(socket) => Some(*socket),
            _ => None,
        })
    }

    pub(super) fn has_exceptions(&self) -> bool {
        let is_exception =
            |part: &Part| matches!(part, Part::RoomException(_) | Part::SocketException(_));
        self.parts.list.iter().any(is_exception)
    }

    pub(super) fn room_exceptions(&self) -> impl Iterator<Item = &str> {
        self.parts.list.iter().filter_map(|part| match part {
            Part::RoomException(name) => Some(self.parts.name(name)),
            _ => None,
        })
    }

    pub(super) fn has_socket_exception(&self, socket: SocketId) -> bool {
        let is_it = |part: &Part| matches!(part, Part::SocketException(it) if *it == socket);
        self.parts.list.iter().any(is_it)
    }
}

impl Parts {
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
        let mut parts = std::mem::take(&mut self.parts);
        if parts.names.capacity().max(parts.list.capacity()) <= MAX_KEPT_PARTS {
            parts.names.clear();
            parts.list.clear();
            buffers::put(&PARTS_BUFFER, parts);
        }
    }
}
