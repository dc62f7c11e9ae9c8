//! One client's session: its socket, its outbox and its task. What carries it is a connection.

mod arrivals;
mod dispatch;
mod driver;
mod guard;
mod limits;
mod liveness;
mod member;
mod outbox;
mod rate_limit;
mod reason;
mod reply;
mod socket;
mod socket_id;
mod task;

pub(crate) use guard::Guard;
pub use guard::{Denied, Event};
pub(crate) use limits::Limits;
pub(crate) use member::{Member, Presence};
pub(crate) use outbox::{Outbox, Policy, Taken, TooLarge};
pub use reason::DisconnectReason;
pub use reply::{Answer, Reply};
pub use socket::Socket;
pub use socket_id::{ParseSocketIdError, SocketId};
pub(crate) use task::{Session, start};
