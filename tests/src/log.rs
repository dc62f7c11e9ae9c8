use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::{NoSubscriber, set_default};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// All that was logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Logs what this thread does, at every level, until the second is dropped.
    pub fn start() -> (Self, Listening) {
        Self::start_at(LevelFilter::TRACE)
    }

    /// Logs it at a level and those above, as most do in production.
    pub fn start_at(level: LevelFilter) -> (Self, Listening) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        // If there were only one, whether anybody listens would be asked in the thread of any test.
        let another = tracing::Dispatch::new(NoSubscriber::new());
        (log, Listening { _here: set_default(subscriber), _another: another })
    }

    /// What there is so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What is logged is kept while this lives.
pub struct Listening {
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
