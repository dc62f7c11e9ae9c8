mod encoding;

use std::cell::Cell;
use std::ops::Range;

use crate::buffers;
use crate::socket_id::SocketId;

/// The capacity up to which [`PARTS_BUFFER`] is kept: bytes of names, parts, and exceptions.
const MAX_KEPT_PARTS: usize = 1024;

/// The most parts and exceptions, together, of an audience that other nodes get.
pub(crate) const MAX_PARTS: usize = 256;

thread_local! {
    /// The parts of an audience. It is here and not in `buffers`, because its type is private.
    static PARTS_BUFFER: Cell<Parts> = const { Cell::new(Parts::NONE) };
}

/// What a [`Target`](super::Target) resolves to: rooms and sockets, and exceptions from them.
///
/// It is the union of its parts. An exception applies to some parts that follow each other, so a target
/// that is composed of targets with exceptions is a flat list, too: `[rooms("a").except(x), rooms("b")]`
/// is the parts `a`, `b`, and the exception `x` from the first.
#[derive(Debug, Clone)]
pub struct Audience(Parts);

#[derive(Debug, Clone)]
struct Parts {
    /// The names of all rooms, concatenated.
    names: String,
    list: Vec<Part>,
    exceptions: Vec<ExceptedPart>,
}

/// A room is a range of [`Parts::names`].
#[derive(Debug, Clone)]
enum Part {
    /// All members of the procedure.
    All,
    Room(Range<usize>),
    Socket(SocketId),
}

#[derive(Debug, Clone)]
struct ExceptedPart {
    part: Part,
    /// The parts that it is excepted from: a range of [`Parts::list`].
    from: Range<usize>,
}

/// Some members of a procedure.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipients<'a> {
    All,
    Room(&'a str),
    Socket(SocketId),
}

impl Audience {
    fn empty() -> Self {
        Self(buffers::take(&PARTS_BUFFER))
    }

    pub(crate) fn all() -> Self {
        let mut audience = Self::empty();
        audience.0.list.push(Part::All);
        audience
    }

    pub(crate) fn new(target: &impl super::Target) -> Self {
        let mut audience = Self::empty();
        target.add_to(&mut audience);
        audience
    }

    pub(crate) fn except(mut self, socket: SocketId) -> Self {
        self.except_socket(socket);
        self
    }

    pub(super) fn add_room(&mut self, name: &str) {
        let part = self.0.room(name);
        self.0.list.push(part);
    }

    pub(super) fn add_socket(&mut self, socket: SocketId) {
        self.0.list.push(Part::Socket(socket));
    }

    /// Adds an exception from all parts that the audience has now.
    pub(super) fn except_room(&mut self, name: &str) {
        let part = self.0.room(name);
        self.0.except(part);
    }

    /// Adds an exception from all parts that the audience has now.
    pub(super) fn except_socket(&mut self, socket: SocketId) {
        self.0.except(Part::Socket(socket));
    }

    /// Adds the parts of `other` with their exceptions, which do not apply to the parts of `self`.
    pub(super) fn extend(&mut self, Self(other): &Self) {
        let parts = &mut self.0;
        let (name, first) = (parts.names.len(), parts.list.len());
        parts.names.push_str(&other.names);
        parts.list.extend(other.list.iter().map(|part| part.moved(name)));
        parts.exceptions.extend(other.exceptions.iter().map(|exception| ExceptedPart {
            part: exception.part.moved(name),
            from: moved(&exception.from, first),
        }));
    }

    /// The names of its rooms, without those that are excepted.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.parts().filter_map(|(_, recipients)| match recipients {
            Recipients::Room(name) => Some(name),
            Recipients::All | Recipients::Socket(_) => None,
        })
    }

    /// Whether it names everyone, or a socket for which `is_remote` is true.
    pub(crate) fn has_all_or_socket(&self, is_remote: impl Fn(SocketId) -> bool) -> bool {
        self.parts().any(|(_, recipients)| match recipients {
            Recipients::All => true,
            Recipients::Socket(socket) => is_remote(socket),
            Recipients::Room(_) => false,
        })
    }

    /// Whether it has more than [`MAX_PARTS`] parts and exceptions, together: other nodes do not get it.
    pub(crate) fn is_too_long(&self) -> bool {
        self.0.list.len() + self.0.exceptions.len() > MAX_PARTS
    }

    /// Returns whether several parts may include the same member.
    pub(crate) fn may_overlap(&self) -> bool {
        self.0.list.len() > 1
    }

    /// The parts by their indices.
    pub(super) fn parts(&self) -> impl Iterator<Item = (usize, Recipients<'_>)> {
        self.0.list.iter().map(|part| self.0.recipients(part)).enumerate()
    }

    /// The exceptions from the part with this index.
    pub(super) fn exceptions(&self, part: usize) -> impl Iterator<Item = Recipients<'_>> {
        let applies = move |exception: &&ExceptedPart| exception.from.contains(&part);
        self.0.exceptions.iter().filter(applies).map(|it| self.0.recipients(&it.part))
    }
}

impl Parts {
    const NONE: Self = Self { names: String::new(), list: Vec::new(), exceptions: Vec::new() };

    fn room(&mut self, name: &str) -> Part {
        let start = self.names.len();
        self.names.push_str(name);
        Part::Room(start..self.names.len())
    }

    fn except(&mut self, part: Part) {
        self.exceptions.push(ExceptedPart { part, from: 0..self.list.len() });
    }

    fn recipients(&self, part: &Part) -> Recipients<'_> {
        match part {
            Part::All => Recipients::All,
            Part::Room(name) => Recipients::Room(self.names.get(name.clone()).unwrap_or_default()),
            Part::Socket(socket) => Recipients::Socket(*socket),
        }
    }
}

impl Part {
    /// The same part, when its name is `by` bytes further.
    fn moved(&self, by: usize) -> Self {
        match self {
            Self::Room(name) => Self::Room(moved(name, by)),
            Self::All | Self::Socket(_) => self.clone(),
        }
    }
}

fn moved(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

impl Default for Parts {
    fn default() -> Self {
        Self::NONE
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        let mut parts = std::mem::take(&mut self.0);
        let Parts { names, list, exceptions } = &mut parts;
        if names.capacity().max(list.capacity()).max(exceptions.capacity()) <= MAX_KEPT_PARTS {
            names.clear();
            list.clear();
            exceptions.clear();
            buffers::put(&PARTS_BUFFER, parts);
        }
    }
}
