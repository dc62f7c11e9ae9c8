//! The server's handles: to one session, to all sessions of a procedure, and the emitters that both
//! return.

mod ask;
mod emitter;
mod io;
mod sessions;
mod socket;
mod watch;

pub use self::ask::{Ask, ClusterAnswer};
pub use self::emitter::Emitter;
pub use self::io::Io;
pub use self::sessions::{Sessions, WithError};
pub use self::socket::{JoinConfirmation, Socket};
pub use self::watch::Watch;
