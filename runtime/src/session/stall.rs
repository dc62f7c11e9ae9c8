use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// For how long a client has taken nothing of what is written to it.
#[derive(Default)]
pub(super) struct Stall(Option<Pin<Box<Sleep>>>);

impl Stall {
    /// All was written.
    pub(super) fn over(&mut self) {
        self.0 = None;
    }

    /// Something is left; `moved` says whether the client took some since this was last asked. Ready
    /// when it has taken nothing for `timeout`.
    pub(super) fn poll_too_long(
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
