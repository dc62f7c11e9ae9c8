use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::{NoSubscriber, set_default};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The captured log.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures what this thread logs, at every level, until the guard is dropped.
    pub fn start() -> (Self, LogGuard) {
        Self::start_at(LevelFilter::TRACE)
    }

    /// Captures what this thread logs at `level` and above. Production servers often use `INFO`.
    pub fn start_at(level: LevelFilter) -> (Self, LogGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        // With only one subscriber, `tracing` caches whether it is interested, as seen from the
        // thread of any test. A second subscriber prevents that.
        let another = tracing::Dispatch::new(NoSubscriber::new());
        (log, LogGuard { _here: set_default(subscriber), _another: another })
    }

    /// Returns what was logged so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Captures the log of this thread until it is dropped.
pub struct LogGuard {
    _here: tracing::subscriber::DefaultGuard,
    _another: tracing::Dispatch,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
