use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Measures for how long the transport has taken no bytes.
#[derive(Default)]
pub(super) struct WriteTimeout(Option<Pin<Box<Sleep>>>);

impl WriteTimeout {
    /// Everything was written.
    pub(super) fn stop(&mut self) {
        self.0 = None;
    }

    /// Bytes are left to write. `moved`: the transport took some since the last call of this. Ready
    /// when it has taken none for `timeout`.
    pub(super) fn poll_elapsed(
        &mut self,
        moved: bool,
        timeout: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep(timeout)));
        if moved {
            timer.set(sleep(timeout));
        }
        timer.as_mut().poll(cx)
    }
}
