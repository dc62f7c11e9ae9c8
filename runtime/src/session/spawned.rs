use std::future::{Future, poll_fn, ready};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::batch::Batched;
use super::jobs::{NotAdded, Phase};
use super::{Ending, Member};
use crate::disconnect_reason::DisconnectReason;
use crate::user_code::Name;

/// Spawns a task that ends with the session. If that has ended, or has too many, drops `future`.
pub(crate) fn spawn(
    member: &Arc<Member>,
    future: impl Future<Output = ()> + Send + 'static,
) -> AbortHandle {
    let max = member.options().limits.max_tasks;
    let phase = match member.jobs().add_task(max) {
        Ok(phase) => phase,
        Err(not_added) => {
            drop(future);
            if not_added == NotAdded::Full {
                member.log(|| {
                    tracing::error!(
                        max,
                        "a task of `Socket::spawn` is dropped: `Limits::max_tasks`"
                    );
                });
            }
            return tokio::spawn(ready(())).abort_handle();
        }
    };
    let task = run(Arc::clone(member), phase, future);
    // Its emits are flushed like those of a session's task.
    tokio::spawn(Batched::new(task)).abort_handle()
}

/// Waits until the session has started, then runs `future` until that or the session ends.
#[allow(clippy::manual_async_fn, reason = "the future of an `async fn` stores each argument twice")]
fn run(
    member: Arc<Member>,
    mut phase: watch::Receiver<Phase>,
    future: impl Future<Output = ()> + Send,
) -> impl Future<Output = ()> + Send {
    async move {
        // Dropped before `phase`, whose drop shows the session that `future` is dropped.
        let mut future = pin!(AssertUnwindSafe(future).catch_unwind());
        // Without a sender there is no session.
        let mut ended = pin!(phase.wait_for(|phase| *phase == Phase::Ended));
        let code = member.user_code(Name::Other("a task of `Socket::spawn`"));
        let mut has_started = false;
        let done = poll_fn(|cx| {
            // Also wakes this task when the session starts.
            if ended.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            has_started = has_started || member.jobs().has_started();
            if !has_started {
                return Poll::Pending;
            }
            code.run(|| future.as_mut().poll(cx))
        });
        if done.await.is_err() {
            member.log(|| tracing::error!("a task of `Socket::spawn` panicked; its session ends"));
            member.signals().end(Ending::Requested(DisconnectReason::HandlerPanicked));
        }
    }
}
