//! One client's session: its socket, its outbox and its task. What carries it is a connection.

mod arrivals;
mod batch;
mod dispatch;
mod door;
mod driver;
mod guard;
mod heartbeat;
mod intake;
mod limits;
mod member;
#[cfg(all(test, parlor_model))]
mod model;
mod outbox;
mod queue;
mod rate_limit;
mod reason;
mod recovery;
mod reply;
mod secret;
mod signals;
mod socket;
mod socket_id;
mod stall;
mod task;
mod writer;

pub(crate) use batch::{Flusher, has_emitted};
#[cfg(any(fuzzing, feature = "__bench"))]
pub(crate) use dispatch::read;
pub(crate) use door::{Comeback, Refused};
pub(crate) use guard::Guard;
pub use guard::{Denied, Event};
pub(crate) use limits::Limits;
pub(crate) use member::{Member, Presence};
pub(crate) use outbox::{Detached, Fate, Policy, TooLarge, Written};
pub use reason::DisconnectReason;
pub(crate) use recovery::Recovery;
pub use reply::Reply;
pub(crate) use secret::Secret;
pub(crate) use signals::{Ending, Signal};
pub use socket::Socket;
pub use socket_id::{ParseSocketIdError, SocketId};
pub(crate) use task::{Session, start};
