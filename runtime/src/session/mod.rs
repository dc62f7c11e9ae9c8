//! What guards check: [`Event`] and [`Denied`].

// One session: start to read at `task.rs`, then `driver.rs`.

mod batch;
mod closures;
mod connection;
mod dispatch;
mod driver;
mod guard;
mod heartbeat;
mod inbound;
mod member;
#[cfg(all(test, parlor_model))]
mod model;
pub(crate) mod options;
mod outbox;
mod queue;
mod rate_keys;
mod read_ahead;
mod recovery;
mod resume_slot;
mod running;
mod signals;
mod spawned;
mod task;
mod token_bucket;
mod write_timeout;
mod writer;

pub(crate) use batch::{Batched, Flusher, flush, has_emitted};
pub(crate) use closures::{NotAdded, Ticket};
pub(crate) use connection::{Connection, close_frame};
#[cfg(feature = "__echo")]
pub(crate) use connection::{Message, disconnect_reason};
#[cfg(any(fuzzing, feature = "__bench"))]
pub(crate) use dispatch::read;
pub(crate) use guard::Guard;
pub use guard::{Denied, Event};
pub(crate) use member::{Member, Registration};
pub(crate) use options::SessionOptions;
#[cfg(feature = "__echo")]
pub(crate) use outbox::Outbox;
pub(crate) use outbox::{PushOutcome, PushPolicy, TooLarge};
pub(crate) use rate_keys::{HashKey, RateKeys};
pub(crate) use recovery::RecoveryTable;
pub(crate) use resume_slot::{ResumeError, ResumeRequest};
pub(crate) use running::{is_running, run_as};
pub(crate) use signals::{Ending, Signal};
pub(crate) use spawned::spawn;
pub(crate) use task::{Session, start};
