use std::cell::Cell;

use crate::socket_id::SocketId;

thread_local! {
    static RUNNING: Cell<Option<SocketId>> = const { Cell::new(None) };
}

/// Runs code of a session that the session's task, or its admission, waits for.
pub(crate) fn run_as<T>(id: SocketId, code: impl FnOnce() -> T) -> T {
    let _running = Running(RUNNING.replace(Some(id)));
    code()
}

/// Whether this code runs within [`run_as`] for the session.
pub(crate) fn is_running(id: SocketId) -> bool {
    RUNNING.get() == Some(id)
}

/// Restores the session that ran before.
struct Running(Option<SocketId>);

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}
