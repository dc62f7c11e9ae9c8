//! One session: its task, its outbox, its connection.

mod batch;
mod connection;
mod dispatch;
mod driver;
mod guard;
mod heartbeat;
mod inbound;
mod limits;
mod member;
#[cfg(all(test, parlor_model))]
mod model;
mod outbox;
mod queue;
mod rate_limit;
mod read_ahead;
mod recovery;
mod resume_slot;
mod signals;
mod task;
mod write_timeout;
mod writer;

pub(crate) use batch::{Flusher, has_emitted};
pub(crate) use connection::{Connection, close_frame};
#[cfg(feature = "__echo")]
pub(crate) use connection::{Message, disconnect_reason};
#[cfg(any(fuzzing, feature = "__bench"))]
pub(crate) use dispatch::read;
pub(crate) use guard::Guard;
pub use guard::{Denied, Event};
pub(crate) use limits::Limits;
pub(crate) use member::{Member, Registration};
#[cfg(feature = "__echo")]
pub(crate) use outbox::Outbox;
pub(crate) use outbox::{PushOutcome, PushPolicy, TooLarge};
pub(crate) use recovery::Recovery;
pub(crate) use resume_slot::{ResumeError, ResumeRequest};
pub(crate) use signals::{Ending, Signal};
pub(crate) use task::{Session, start};
