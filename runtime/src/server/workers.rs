//! Threads that serve, each with a runtime of its own.

use std::io;
use std::num::NonZero;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::session::Flusher;

/// Connections go to one thread after the other, and stay there.
pub(super) struct Workers {
    workers: Vec<Worker>,
    next: usize,
}

struct Worker {
    runtime: Handle,
    /// When it is dropped, the thread ends, and with it all that runs there.
    _stop: oneshot::Sender<()>,
}

impl Workers {
    /// Starts so many; with 0, one for each core that the process may use.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let count = match count {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            count => count,
        };
        let workers = (0..count).map(|_| Worker::start()).collect::<io::Result<_>>()?;
        Ok(Self { workers, next: 0 })
    }

    /// Where the next connection is served.
    pub(super) fn next(&mut self) -> Option<&Handle> {
        self.next = (self.next + 1).checked_rem(self.workers.len())?;
        self.workers.get(self.next).map(|worker| &worker.runtime)
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new().name("parlor".to_owned()).spawn(move || {
            runtime.spawn(Flusher::default());
            // What it says does not matter: it ends either way.
            let _ = runtime.block_on(stopped);
            // What still blocks must not keep the thread.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, _stop: stop })
    }
}
