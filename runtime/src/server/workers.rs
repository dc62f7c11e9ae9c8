use std::io;
use std::num::NonZero;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::session::Flusher;

/// Threads with a current-thread runtime each. Connections are assigned to them round-robin.
pub(super) struct Workers {
    workers: Vec<Worker>,
    next: usize,
}

struct Worker {
    runtime: Handle,
    /// When it is dropped, the thread ends and drops its tasks.
    _stop: oneshot::Sender<()>,
}

impl Workers {
    /// Starts `count` workers, or one per core that the process may use if `count` is 0.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let count = match count {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            count => count,
        };
        let workers = (0..count).map(|_| Worker::start()).collect::<io::Result<_>>()?;
        Ok(Self { workers, next: 0 })
    }

    /// Returns the runtime for the next connection.
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
            // Returns an error when the sender is dropped, which is the signal to stop.
            let _ = runtime.block_on(stopped);
            // Does not wait for blocking tasks.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, _stop: stop })
    }
}
