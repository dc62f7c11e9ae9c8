use std::future::{Future, poll_fn, ready};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::batch::Batched;
use super::{Ending, Member};
use crate::disconnect_reason::DisconnectReason;
use crate::lock::{Lock, rank};
use crate::user_code::Name;

/// The tasks of `Socket::spawn`, which end with their session.
///
/// # State
///
/// | phase | a task that is added |
/// | --- | --- |
/// | `Starting`: the factory runs, or the handshake is not complete | waits, until there are `max` |
/// | `Running` | runs, until there are `max` |
/// | `Ended` | is dropped |
///
/// The phases come in this order. `Running` may be left out. The lock protects all of it. No task is woken
/// while it is held: tasks get the phase over a channel, after the lock is released. One that is added in
/// between waits for the channel.
#[derive(Default)]
pub(crate) struct SpawnedTasks(Lock<State, { rank::SPAWNED }>);

#[derive(Default)]
struct State {
    phase: Phase,
    /// Each task has a receiver until its future is dropped.
    tasks: Option<Tasks>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Starting,
    Running,
    Ended,
}

/// The tasks of a session. [`closed`](watch::Sender::closed) waits for their end.
pub(super) type Tasks = watch::Sender<Phase>;

/// Why a task was not added.
enum NotSpawned {
    Ended,
    TooMany,
}

impl SpawnedTasks {
    /// The phases for a new task, if there are fewer than `max`. The task holds the receiver as long as it
    /// exists.
    fn add(&self, max: usize) -> Result<watch::Receiver<Phase>, NotSpawned> {
        let mut state = self.0.lock();
        let phase = state.phase;
        if phase == Phase::Ended {
            return Err(NotSpawned::Ended);
        }
        let tasks = state.tasks.get_or_insert_with(|| watch::Sender::new(phase));
        if tasks.receiver_count() >= max {
            return Err(NotSpawned::TooMany);
        }
        Ok(tasks.subscribe())
    }

    /// Whether tasks run.
    fn has_started(&self) -> bool {
        self.0.lock().phase != Phase::Starting
    }

    /// Tasks run from here on.
    pub(super) fn start(&self) {
        let mut state = self.0.lock();
        state.phase = Phase::Running;
        let tasks = state.tasks.clone();
        drop(state);
        if let Some(tasks) = tasks {
            tasks.send_replace(Phase::Running);
        }
    }

    /// Cancels all tasks, and accepts no other. Returns the tasks, if there are any.
    pub(super) fn end(&self) -> Option<Tasks> {
        let mut state = self.0.lock();
        state.phase = Phase::Ended;
        let tasks = state.tasks.take();
        drop(state);
        let tasks = tasks?;
        tasks.send_replace(Phase::Ended);
        Some(tasks)
    }
}

/// Spawns a task that ends with the session. If that has ended, or has too many, drops `future`.
pub(crate) fn spawn(
    member: &Arc<Member>,
    future: impl Future<Output = ()> + Send + 'static,
) -> AbortHandle {
    let max = member.options().limits.max_tasks;
    let phase = match member.tasks().add(max) {
        Ok(phase) => phase,
        Err(not_spawned) => {
            drop(future);
            if let NotSpawned::TooMany = not_spawned {
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
            has_started = has_started || member.tasks().has_started();
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
