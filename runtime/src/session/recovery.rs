use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Weak};

use super::{Ending, Member};
use crate::lock::{Lock, rank};
use crate::wire::{Digest, Secret, Unrecovered};

/// Secrets per session. On a connection that is slower than the client's timeout, each resume request
/// is granted a new secret, and no welcome arrives.
const MAX_SECRETS: usize = 8;
/// Secrets of ended sessions for which a procedure stores why they ended.
const MAX_ENDED: usize = 4096;

/// The sessions of one procedure by their resume secrets, and the detached ones among them.
#[derive(Default)]
pub(crate) struct RecoveryTable {
    state: Lock<State, { rank::RECOVERY }>,
    /// Bytes that the detached sessions keep.
    bytes: AtomicIsize,
}

#[derive(Default)]
struct State {
    secrets: HashMap<u64, Entry>,
    /// By id; the lowest was detached first.
    detached: BTreeMap<u64, Arc<Member>>,
    last_id: u64,
    /// The secrets of ended sessions, the oldest first.
    ended: VecDeque<u64>,
}

struct Entry {
    digest: Digest,
    owner: Owner,
}

enum Owner {
    Session(Weak<Member>),
    Ended(Unrecovered),
}

impl RecoveryTable {
    /// Issues the first secret of a session.
    pub(crate) fn issue_secret(&self, member: &Arc<Member>) -> Result<Secret, getrandom::Error> {
        let secret = Secret::random()?;
        self.add_secret(member, &secret, None);
        Ok(secret)
    }

    /// Adds a secret. The one in the resume request, `shown`, and all that were added after it stay
    /// valid until [`RecoveryTable::retire_older_secrets`]: the welcome with the new one may be lost.
    pub(crate) fn add_secret(&self, member: &Arc<Member>, secret: &Secret, shown: Option<&Secret>) {
        let digest = secret.digest();
        let entry = Entry { digest, owner: Owner::Session(Arc::downgrade(member)) };
        let shown = shown.map(|shown| shown.digest().key());
        let mut issued = member.secrets().lock();
        let mut state = self.state.lock();
        // A secret that is not found is the first one of a new session.
        let older = issued.iter().position(|key| Some(*key) == shown).unwrap_or(0);
        for key in issued.drain(..older) {
            state.secrets.remove(&key);
        }
        // The first one stays: it may be the only one that the client has.
        if issued.len() >= MAX_SECRETS {
            state.secrets.remove(&issued.remove(1));
        }
        issued.push(digest.key());
        state.secrets.insert(digest.key(), entry);
    }

    /// Removes all secrets but the newest, because the client has that.
    pub(crate) fn retire_older_secrets(&self, member: &Member) {
        let mut issued = member.secrets().lock();
        let old = issued.len().saturating_sub(1);
        if old > 0 {
            let mut state = self.state.lock();
            for old in issued.drain(..old) {
                state.secrets.remove(&old);
            }
        }
    }

    /// Returns the session of a secret, or why there is none.
    pub(crate) fn find(&self, secret: &Secret) -> Result<Arc<Member>, Unrecovered> {
        let digest = secret.digest();
        let state = self.state.lock();
        match state.secrets.get(&digest.key()) {
            Some(entry) if entry.digest.is(&digest) => match &entry.owner {
                Owner::Session(member) => member.upgrade().ok_or(Unrecovered::Ended),
                Owner::Ended(why) => Err(*why),
            },
            _ => Err(Unrecovered::Unknown),
        }
    }

    /// The session has ended. [`find`](Self::find) returns `why` from here on.
    pub(crate) fn end(&self, member: &Member, why: Unrecovered) {
        let issued = std::mem::take(&mut *member.secrets().lock());
        if issued.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        let state = &mut *state;
        for key in issued {
            if let Some(entry) = state.secrets.get_mut(&key) {
                entry.owner = Owner::Ended(why);
                state.ended.push_back(key);
            }
        }
        while state.ended.len() > MAX_ENDED {
            if let Some(oldest) = state.ended.pop_front() {
                state.secrets.remove(&oldest);
            }
        }
    }

    /// Adds a detached session that keeps `bytes`, and returns its id. Evicts the one that was detached
    /// first if there are too many.
    pub(crate) fn add_detached(&self, member: &Arc<Member>, bytes: usize) -> u64 {
        let max = member.options().recovery.max_detached_sessions;
        let mut state = self.state.lock();
        state.last_id += 1;
        let id = state.last_id;
        state.detached.insert(id, Arc::clone(member));
        let is_exceeded = state.detached.len() > max;
        drop(state);
        if is_exceeded {
            self.evict();
        }
        self.add_bytes(member, bytes.cast_signed());
        id
    }

    /// Removes a session that was resumed, or has ended, and the `bytes` that it kept: 0 if it was
    /// evicted.
    pub(crate) fn remove_detached(&self, id: u64, bytes: usize) {
        let member = self.state.lock().detached.remove(&id);
        drop(member);
        self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
    }

    /// A detached session keeps `growth` bytes more, or fewer. Evicts sessions while the limit is
    /// exceeded. Returns the evicted ones: these may be the last references to them.
    ///
    /// Apart from `push`, because most pushes are to attached sessions.
    #[cold]
    pub(crate) fn add_bytes(&self, member: &Member, growth: isize) -> Vec<Arc<Member>> {
        let max = member.options().recovery.max_detached_bytes;
        let max = isize::try_from(max).unwrap_or(isize::MAX);
        self.bytes.fetch_add(growth, Ordering::Relaxed);
        let is_exceeded = || growth > 0 && self.bytes.load(Ordering::Relaxed) > max;
        std::iter::from_fn(|| is_exceeded().then(|| self.evict()).flatten()).collect()
    }

    /// Ends the session that was detached first, if there is one.
    fn evict(&self) -> Option<Arc<Member>> {
        let (_, member) = self.state.lock().detached.pop_first()?;
        // `discard` returns `None` for a session that was resumed meanwhile: that one continues.
        if let Some(bytes) = member.outbox().discard() {
            self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
            member.signals().end(Ending::Evicted);
        }
        Some(member)
    }

    /// The number of secrets that resume a session.
    #[cfg(feature = "test")]
    pub(crate) fn secrets(&self) -> usize {
        let state = self.state.lock();
        state.secrets.values().filter(|entry| matches!(entry.owner, Owner::Session(_))).count()
    }

    /// The number of detached sessions.
    pub(crate) fn detached(&self) -> usize {
        self.state.lock().detached.len()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::request::Request;
    use crate::rooms::Hub;
    use crate::session::options::{Recovery, SessionOptions};
    use crate::session::{PushPolicy, Registration};
    use crate::socket_id::SocketId;
    use crate::wire::PROTOCOL_JSON;

    pub(crate) fn request() -> Request {
        let header = http::header::SEC_WEBSOCKET_PROTOCOL;
        let request = http::Request::builder().header(header, PROTOCOL_JSON).body(());
        Request::new(request.expect("a request"), None)
    }

    pub(crate) fn register(hub: &Arc<Hub>) -> Registration {
        let id = SocketId::random().expect("random bits");
        let recovery =
            Recovery { max_detached_sessions: 2, max_detached_bytes: 100, ..Recovery::default() };
        let options = SessionOptions { recovery, ..SessionOptions::default() };
        Registration::new(id, request(), hub, &Arc::new(options)).expect("there is room")
    }

    fn detach(hub: &Hub, registration: &Registration) -> u64 {
        let member = registration.member();
        hub.recovery.add_detached(member, member.outbox().detach().size)
    }

    fn push(registration: &Registration, bytes: usize) {
        let frame = vec![b'x'; bytes];
        registration.member().push(PushPolicy::Reliable, frame.as_slice()).expect("not too large");
    }

    fn bytes(hub: &Hub) -> isize {
        hub.recovery.bytes.load(Ordering::Relaxed)
    }

    fn is_ending(registration: &Registration) -> bool {
        registration.member().signals().ending().is_some()
    }

    #[test]
    fn shown_secret_is_valid_until_the_client_has_a_newer_one() {
        let hub = Arc::<Hub>::default();
        let registration = register(&hub);
        let (member, recovery) = (registration.member(), &hub.recovery);
        let add = |shown: &Secret| {
            let secret = Secret::random().expect("random bits");
            recovery.add_secret(member, &secret, Some(shown));
            secret
        };
        let first = recovery.issue_secret(member).expect("random bits");
        let mut last = add(&first);
        for _ in 0..10 {
            last = add(&first);
            assert!(recovery.find(&first).is_ok() && recovery.find(&last).is_ok());
            assert!(member.secrets().lock().len() <= MAX_SECRETS);
        }
        let newest = add(&last);
        assert_eq!(recovery.find(&first).err(), Some(Unrecovered::Unknown));
        assert!(recovery.find(&last).is_ok());
        recovery.retire_older_secrets(member);
        assert_eq!(recovery.find(&last).err(), Some(Unrecovered::Unknown));
        assert!(recovery.find(&newest).is_ok());
        recovery.end(member, Unrecovered::Expired);
        assert_eq!(recovery.find(&newest).err(), Some(Unrecovered::Expired));
        assert_eq!(recovery.state.lock().secrets.len(), 1);
    }

    #[test]
    fn bytes_are_counted_only_while_the_session_is_detached() {
        let hub = Arc::<Hub>::default();
        let registration = register(&hub);
        let (member, recovery) = (registration.member(), &hub.recovery);
        push(&registration, 10);
        assert_eq!(bytes(&hub), 0);
        let id = detach(&hub, &registration);
        push(&registration, 20);
        assert_eq!((bytes(&hub), recovery.detached()), (30, 1));
        recovery.remove_detached(id, member.outbox().attach());
        push(&registration, 30);
        assert_eq!((bytes(&hub), recovery.detached()), (0, 0));
        // All 60 bytes are in flight. The client has received 30.
        member.outbox().take(&mut Vec::new());
        let id = detach(&hub, &registration);
        assert_eq!(bytes(&hub), 60);
        let growth = member.outbox().confirm(2).expect("what was sent");
        recovery.add_bytes(member, growth);
        assert_eq!(bytes(&hub), 30);
        push(&registration, 71);
        assert!(is_ending(&registration), "more than 100 bytes");
        assert_eq!((bytes(&hub), recovery.detached()), (0, 0));
        recovery.remove_detached(id, member.outbox().discard().unwrap_or_default());
        assert_eq!(bytes(&hub), 0);
    }

    #[test]
    fn sessions_are_evicted_until_the_limit_holds() {
        let hub = Arc::<Hub>::default();
        let [ada, bob, eve] = [(); 3].map(|()| register(&hub));
        detach(&hub, &ada);
        detach(&hub, &bob);
        push(&bob, 60);
        push(&bob, 60);
        assert!(is_ending(&ada) && is_ending(&bob), "one is not enough");
        assert_eq!((bytes(&hub), hub.recovery.detached()), (0, 0));
        let ids = [&ada, &bob, &eve].map(|registration| detach(&hub, registration));
        assert_eq!(hub.recovery.detached(), 2);
        assert!(!is_ending(&eve));
        for id in ids {
            hub.recovery.remove_detached(id, 0);
        }
        assert_eq!((bytes(&hub), hub.recovery.detached()), (0, 0));
    }

    #[test]
    fn resumed_session_is_not_evicted() {
        let hub = Arc::<Hub>::default();
        let registration = register(&hub);
        let id = detach(&hub, &registration);
        push(&registration, 10);
        // The session is resumed after it was chosen, and before it is evicted.
        let kept = registration.member().outbox().attach();
        push(&registration, 10);
        assert!(hub.recovery.evict().is_some());
        hub.recovery.remove_detached(id, kept);
        assert!(!is_ending(&registration));
        assert_eq!((bytes(&hub), hub.recovery.detached()), (0, 0));
    }
}
