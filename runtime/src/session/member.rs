use std::sync::Arc;

use tracing::Span;

use super::closures::Closures;
use super::outbox::{FollowUp, Outbox, PushOutcome, PushPolicy, Sleep, TooLarge};
use super::resume_slot::ResumeSlot;
use super::signals::{Ending, Signal, Signals};
use super::spawned::SpawnedTasks;
use super::{SessionOptions, batch};
use crate::lock::{Lock, rank};
use crate::request::{Mode, Request};
use crate::rooms::{Hub, JoinedRooms, RegisterError};
use crate::socket_id::SocketId;
use crate::user_code::{Name, UserCode};
use crate::wire::{EncodedFrame, Frame, Unrecovered};

/// The part of one session that the rest of the server uses: outbox, signals, rooms.
///
/// The outbox is first, next to the reference count of the `Arc`: a broadcast touches both.
#[repr(C)]
pub(crate) struct Member {
    outbox: Outbox,
    signals: Signals,
    id: SocketId,
    request: Request,
    hub: Arc<Hub>,
    joined_rooms: JoinedRooms,
    resume_slot: ResumeSlot,
    closures: Closures,
    tasks: SpawnedTasks,
    /// The keys of its resume secrets in [`RecoveryTable`](super::RecoveryTable), the oldest first.
    secrets: Lock<Vec<u64>, { rank::SECRETS }>,
}

impl Member {
    pub(crate) fn id(&self) -> SocketId {
        self.id
    }

    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    pub(crate) fn options(&self) -> &SessionOptions {
        &self.outbox.options
    }

    /// Whether the session can outlive its connection.
    pub(crate) fn is_resumable(&self) -> bool {
        self.outbox.is_resumable
    }

    pub(crate) fn joined_rooms(&self) -> &JoinedRooms {
        &self.joined_rooms
    }

    pub(crate) fn resume_slot(&self) -> &ResumeSlot {
        &self.resume_slot
    }

    pub(crate) fn closures(&self) -> &Closures {
        &self.closures
    }

    pub(super) fn tasks(&self) -> &SpawnedTasks {
        &self.tasks
    }

    pub(crate) fn secrets(&self) -> &Lock<Vec<u64>, { rank::SECRETS }> {
        &self.secrets
    }

    /// Runs `log` in the current span, or in a span of this session if there is none.
    pub(crate) fn log(&self, log: impl FnOnce()) {
        if Span::current().is_none() { self.span().in_scope(log) } else { log() }
    }

    /// Code of the user that runs for this session.
    pub(super) fn user_code(&self, name: Name) -> UserCode {
        let (procedure, id) = (Some(self.hub.procedure), Some(self.id));
        UserCode { name, procedure, id, bound: self.options().timeouts.blocking_warning }
    }

    /// The span of all logs of this session.
    pub(crate) fn span(&self) -> Span {
        let procedure = self.hub.procedure;
        // The task records `peer`: a client may resume from another address.
        tracing::error_span!("session", procedure, id = %self.id, peer = tracing::field::Empty)
    }

    /// Appends a frame to the outbox, as the policy says.
    pub(crate) fn push(
        self: &Arc<Self>,
        policy: PushPolicy,
        frame: impl EncodedFrame,
    ) -> Result<PushOutcome, TooLarge> {
        self.push_evicting(policy, frame, None)
    }

    /// [`push`](Self::push) for a caller that holds a lock. `evicted` gets the sessions that end because
    /// of this frame. The caller drops them after the lock: their requests hold values of the user.
    pub(crate) fn push_evicting(
        self: &Arc<Self>,
        policy: PushPolicy,
        frame: impl EncodedFrame,
        evicted: Option<&mut Vec<Arc<Self>>>,
    ) -> Result<PushOutcome, TooLarge> {
        let pushed = self.outbox.push(policy, frame, batch::is_open())?;
        match pushed.follow_up {
            FollowUp::Nothing => {}
            FollowUp::Wake => self.signals.wake(),
            FollowUp::Batch => batch::add(self),
            FollowUp::FlushSoon => batch::flush_soon(),
            FollowUp::CloseConnection => self.signals.raise(Signal::TooSlow),
            FollowUp::EndSession => self.signals.end(Ending::Overflow),
        }
        if pushed.growth != 0 {
            let ended = self.hub.recovery.add_bytes(self, pushed.growth);
            if let Some(evicted) = evicted {
                evicted.extend(ended);
            }
        }
        Ok(pushed.outcome)
    }

    /// Appends a frame that is dropped with the current connection.
    pub(crate) fn push_uncounted(self: &Arc<Self>, frame: &Frame) {
        // An uncounted frame is never too large.
        let _ = self.push(PushPolicy::Uncounted, frame);
    }

    /// Writes the pending frames, for a batch that has the member.
    pub(super) fn flush(&self) {
        if self.outbox.flush() {
            self.signals.wake();
        }
    }

    /// Adds the member to the batch of this thread, if that is flushed soon. Returns whether the task
    /// may sleep.
    pub(crate) fn sleep_if_batched(self: &Arc<Self>) -> bool {
        if !batch::is_flushed_soon() {
            return false;
        }
        let sleep = self.outbox.sleep_if_batched();
        if sleep == Sleep::Batched {
            batch::add(self);
        }
        sleep != Sleep::Awake
    }
}

/// Keeps a member registered with its hub. Its drop leaves all rooms and removes the member.
pub(crate) struct Registration(Arc<Member>);

impl Registration {
    pub(crate) fn new(
        id: SocketId,
        request: Request,
        hub: &Arc<Hub>,
        options: &Arc<SessionOptions>,
    ) -> Result<Self, RegisterError> {
        // Clients of plain mode send no acknowledgements.
        let is_resumable = request.mode() == Mode::Parlor && options.recovery.is_on();
        let member = Arc::new(Member {
            outbox: Outbox::new(options, is_resumable),
            signals: Signals::default(),
            id,
            request,
            hub: Arc::clone(hub),
            joined_rooms: JoinedRooms::default(),
            resume_slot: ResumeSlot::default(),
            closures: Closures::default(),
            tasks: SpawnedTasks::default(),
            secrets: Lock::default(),
        });
        hub.register(&member, options.limits.max_connections)?;
        Ok(Self(member))
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.outbox.seal(None);
        // The task needs no more signals. A user may keep the socket, which must not keep the task.
        self.0.signals.unregister();
        // For a task that was dropped or panicked before it ended the session.
        self.0.hub.recovery.end(&self.0, Unrecovered::Ended);
        self.0.closures.close();
        self.0.tasks.end();
        self.0.leave_all();
        self.0.hub.unregister(self.0.id);
    }
}
