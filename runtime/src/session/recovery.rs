use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Weak};

use super::Member;
use super::secret::{Digest, Secret};
use crate::lock::Lock;
use crate::wire::Unrecovered;

/// A session that was resumed several times while its client never got to use it has so many secrets.
/// On a line that is slower than the client's patience each attempt is granted, and none arrives.
const MAX_SECRETS: usize = 32;
/// Of so many ended sessions a procedure remembers why they ended.
const MAX_ENDED: usize = 4096;

/// The sessions of one procedure that can be resumed, by their secrets; and those among them whose
/// connection is gone.
#[derive(Default)]
pub(crate) struct Recovery {
    state: Lock<State>,
    /// Bytes kept for sessions without a connection.
    bytes: AtomicIsize,
}

#[derive(Default)]
struct State {
    secrets: HashMap<u64, Entry>,
    /// Without a connection, the longest first.
    detached: BTreeMap<u64, Arc<Member>>,
    last_detached: u64,
    /// The secrets of ended sessions, the oldest first.
    ended: VecDeque<u64>,
}

struct Entry {
    digest: Digest,
    of: Of,
}

enum Of {
    Session(Weak<Member>),
    Ended(Unrecovered),
}

impl Recovery {
    /// A new secret for a session. Those before it hold until [`Recovery::proven`]: the welcome that
    /// brings the new one may never arrive.
    pub(crate) fn issue(&self, member: &Arc<Member>) -> Result<Secret, getrandom::Error> {
        let secret = Secret::random()?;
        let digest = secret.digest();
        let entry = Entry { digest, of: Of::Session(Arc::downgrade(member)) };
        let mut issued = member.secrets().lock();
        let mut state = self.state.lock();
        issued.push(digest.key());
        if issued.len() > MAX_SECRETS {
            // The first is the one that the client is known to have.
            state.secrets.remove(&issued.remove(1));
        }
        state.secrets.insert(digest.key(), entry);
        Ok(secret)
    }

    /// The client has the newest secret: the others do not hold any more.
    pub(crate) fn proven(&self, member: &Member) {
        let mut issued = member.secrets().lock();
        let old = issued.len().saturating_sub(1);
        if old > 0 {
            let mut state = self.state.lock();
            for old in issued.drain(..old) {
                state.secrets.remove(&old);
            }
        }
    }

    /// The session of a secret.
    pub(crate) fn find(&self, secret: &Secret) -> Result<Arc<Member>, Unrecovered> {
        let digest = secret.digest();
        let state = self.state.lock();
        match state.secrets.get(&digest.key()) {
            Some(entry) if entry.digest.is(&digest) => match &entry.of {
                Of::Session(member) => member.upgrade().ok_or(Unrecovered::Ended),
                Of::Ended(why) => Err(*why),
            },
            _ => Err(Unrecovered::Unknown),
        }
    }

    /// The session has ended; whoever asks for it hears why.
    pub(crate) fn ended(&self, member: &Member, why: Unrecovered) {
        let issued = std::mem::take(&mut *member.secrets().lock());
        let mut state = self.state.lock();
        let state = &mut *state;
        for key in issued {
            if let Some(entry) = state.secrets.get_mut(&key) {
                entry.of = Of::Ended(why);
                state.ended.push_back(key);
            }
        }
        while state.ended.len() > MAX_ENDED {
            if let Some(oldest) = state.ended.pop_front() {
                state.secrets.remove(&oldest);
            }
        }
    }

    /// A session that keeps so many bytes has lost its connection. Returns its place among those
    /// that have; if they are too many, the one that waits longest ends.
    pub(crate) fn detached(&self, member: &Arc<Member>, bytes: usize) -> u64 {
        let (max, _) = member.limits().max_detached;
        let mut state = self.state.lock();
        state.last_detached += 1;
        let place = state.last_detached;
        state.detached.insert(place, Arc::clone(member));
        let are_too_many = state.detached.len() > max;
        drop(state);
        if are_too_many {
            self.evict();
        }
        self.grew(member, bytes.cast_signed());
        place
    }

    /// The session of this place, which keeps so many bytes, has a connection again, or has ended.
    pub(crate) fn attached(&self, place: u64, bytes: usize) {
        if self.state.lock().detached.remove(&place).is_some() {
            self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
        }
    }

    /// A session without a connection keeps so many bytes more, or fewer.
    pub(crate) fn grew(&self, member: &Member, growth: isize) {
        let (_, max) = member.limits().max_detached;
        let bytes = self.bytes.fetch_add(growth, Ordering::Relaxed).saturating_add(growth);
        if growth > 0 && bytes > max.cast_signed() {
            self.evict();
        }
    }

    /// Ends the session that has been without a connection for the longest.
    fn evict(&self) {
        let evicted = self.state.lock().detached.pop_first();
        if let Some((_, evicted)) = evicted {
            // What it kept counts no more, before the next one is looked for.
            let bytes = evicted.outbox().evict();
            self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
        }
    }

    /// How many secrets there are that resume a session.
    #[cfg(feature = "test")]
    pub(crate) fn secrets(&self) -> usize {
        let state = self.state.lock();
        state.secrets.values().filter(|entry| matches!(entry.of, Of::Session(_))).count()
    }

    /// How many sessions have no connection.
    pub(crate) fn absent(&self) -> usize {
        self.state.lock().detached.len()
    }
}
