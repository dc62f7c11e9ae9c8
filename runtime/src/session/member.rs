use std::sync::Arc;

use tracing::Span;

use super::outbox::{FollowUp, Outbox, PushOutcome, PushPolicy, Sleep, TooLarge};
use super::resume_slot::ResumeSlot;
use super::signals::{Ending, Signal, Signals};
use super::{Limits, batch};
use crate::lock::{Lock, rank};
use crate::request::{Mode, Request};
use crate::rooms::{Hub, Joined, RegisterError};
use crate::socket_id::SocketId;
use crate::wire::{Encoded, Frame, Unrecovered};

/// What the rest of a server sees of one session: its outbox and its rooms.
///
/// The outbox is in front, beside the number of references: a broadcast touches these.
#[repr(C)]
pub(crate) struct Member {
    outbox: Outbox,
    signals: Signals,
    id: SocketId,
    request: Request,
    hub: Arc<Hub>,
    joined: Joined,
    resume_slot: ResumeSlot,
    /// Where [`Recovery`](super::Recovery) has the secrets that this session can be resumed with.
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

    pub(crate) fn limits(&self) -> &Limits {
        &self.outbox.limits
    }

    /// Whether the session outlives its connection.
    pub(crate) fn keeps(&self) -> bool {
        self.outbox.keeps
    }

    pub(crate) fn joined(&self) -> &Joined {
        &self.joined
    }

    pub(crate) fn resume_slot(&self) -> &ResumeSlot {
        &self.resume_slot
    }

    pub(crate) fn secrets(&self) -> &Lock<Vec<u64>, { rank::SECRETS }> {
        &self.secrets
    }

    /// Logs something of this session: without a span of its own, in one that is made for it.
    pub(crate) fn log(&self, say: impl FnOnce()) {
        if Span::current().is_none() { self.span().in_scope(say) } else { say() }
    }

    /// What the logs tell with all that is said of this session.
    pub(crate) fn span(&self) -> Span {
        let procedure = self.hub.procedure;
        // Its client may come back from elsewhere: the task that has this span for good knows.
        tracing::error_span!("session", procedure, id = %self.id, peer = tracing::field::Empty)
    }

    /// Puts a frame into the outbox, or does with it what the policy says.
    pub(crate) fn push(
        self: &Arc<Self>,
        policy: PushPolicy,
        frame: impl Encoded,
    ) -> Result<PushOutcome, TooLarge> {
        self.push_evicting(policy, frame, None)
    }

    /// The same for a caller that holds a lock. It gets the sessions that end because of this frame,
    /// to drop them after it releases the lock: their requests hold values of the user.
    pub(crate) fn push_evicting(
        self: &Arc<Self>,
        policy: PushPolicy,
        frame: impl Encoded,
        evicted: Option<&mut Vec<Arc<Self>>>,
    ) -> Result<PushOutcome, TooLarge> {
        let pushed = self.outbox.push(policy, frame, batch::is_open())?;
        match pushed.follow_up {
            FollowUp::Nothing => {}
            FollowUp::Wake => self.signals.wake(),
            FollowUp::Batch => batch::add(self),
            FollowUp::FlushSoon => batch::flush_soon(),
            FollowUp::CutConnection => self.signals.raise(Signal::TooSlow),
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

    /// Puts a frame into the outbox that belongs to this connection only.
    pub(crate) fn push_uncounted(self: &Arc<Self>, frame: &Frame) {
        // These have no limit of their own: they are acknowledgements and control frames.
        let _ = self.push(PushPolicy::Uncounted, frame);
    }

    /// Writes what is pending, for a batch that has the member.
    pub(super) fn flush(&self) {
        if self.outbox.flush() {
            self.signals.wake();
        }
    }

    /// Adds the member to the batch of this thread, if that is flushed soon. Says whether the task may
    /// sleep.
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

/// A member's place in its procedure: dropped, it has left its rooms and is known to nobody.
pub(crate) struct Registration(Arc<Member>);

impl Registration {
    pub(crate) fn enter(
        id: SocketId,
        request: Request,
        hub: &Arc<Hub>,
        limits: &Arc<Limits>,
        max_connections: Option<usize>,
    ) -> Result<Self, RegisterError> {
        // Clients of plain mode could not say what they have received.
        let keeps = request.mode() == Mode::Parlor && limits.keeps_sessions();
        let member = Arc::new(Member {
            outbox: Outbox::new(limits, keeps),
            signals: Signals::default(),
            id,
            request,
            hub: Arc::clone(hub),
            joined: Joined::default(),
            resume_slot: ResumeSlot::default(),
            secrets: Lock::default(),
        });
        hub.enter(&member, max_connections)?;
        Ok(Self(member))
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.outbox.seal(None);
        // What its task still does needs no signal. A user may keep the socket, and not the task.
        self.0.signals.unregister();
        // Where the task itself broke off, as a user's value may make it when it is dropped.
        self.0.hub.recovery.end(&self.0, Unrecovered::Ended);
        self.0.leave_all();
        self.0.hub.exit(self.0.id);
    }
}
