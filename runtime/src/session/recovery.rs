use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Weak};

use super::secret::{Digest, Secret};
use super::{Ending, Member};
use crate::lock::{Lock, rank};
use crate::wire::Unrecovered;

/// A session that was resumed several times while its client never got to use it has so many secrets.
/// On a line that is slower than the client's patience each attempt is granted, and none arrives.
const MAX_SECRETS: usize = 8;
/// Of so many ended sessions a procedure remembers why they ended.
const MAX_ENDED: usize = 4096;

/// The sessions of one procedure that can be resumed, by their secrets; and those among them whose
/// connection is gone.
#[derive(Default)]
pub(crate) struct Recovery {
    state: Lock<State, { rank::RECOVERY }>,
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
    /// A new secret for a session, whose client has shown the one that it has. That one, and what
    /// was issued since, holds until [`Recovery::retire_older_secrets`]: the welcome that brings the new one may
    /// never arrive.
    pub(crate) fn issue_secret(
        &self,
        member: &Arc<Member>,
        shown: Option<&Secret>,
    ) -> Result<Secret, getrandom::Error> {
        let secret = Secret::random()?;
        let digest = secret.digest();
        let entry = Entry { digest, of: Of::Session(Arc::downgrade(member)) };
        let shown = shown.map(|shown| shown.digest().key());
        let mut issued = member.secrets().lock();
        let mut state = self.state.lock();
        // Of a session that was never resumed this is the first.
        let older = issued.iter().position(|key| Some(*key) == shown).unwrap_or(0);
        for key in issued.drain(..older) {
            state.secrets.remove(&key);
        }
        // The one that the client has stays, however often no welcome arrives.
        if issued.len() >= MAX_SECRETS {
            state.secrets.remove(&issued.remove(1));
        }
        issued.push(digest.key());
        state.secrets.insert(digest.key(), entry);
        Ok(secret)
    }

    /// The client has the newest secret: the others do not hold any more.
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
    pub(crate) fn end(&self, member: &Member, why: Unrecovered) {
        let issued = std::mem::take(&mut *member.secrets().lock());
        if issued.is_empty() {
            return;
        }
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
    pub(crate) fn detach(&self, member: &Arc<Member>, bytes: usize) -> u64 {
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
        self.add_bytes(member, bytes.cast_signed());
        place
    }

    /// The session of this place has a connection again, or has ended: it kept so many bytes, or none
    /// any more if it was evicted.
    pub(crate) fn attach(&self, place: u64, bytes: usize) {
        let member = self.state.lock().detached.remove(&place);
        drop(member);
        self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
    }

    /// A session without a connection keeps so many bytes more, or fewer. While all keep too many, the
    /// one that waits longest ends. Returns the sessions that end, maybe with the last reference to them.
    ///
    /// Kept out of the appends to sessions with a connection, which are most.
    #[cold]
    pub(crate) fn add_bytes(&self, member: &Member, growth: isize) -> Vec<Arc<Member>> {
        let (_, max) = member.limits().max_detached;
        let max = isize::try_from(max).unwrap_or(isize::MAX);
        self.bytes.fetch_add(growth, Ordering::Relaxed);
        let are_too_many = || growth > 0 && self.bytes.load(Ordering::Relaxed) > max;
        std::iter::from_fn(|| are_too_many().then(|| self.evict()).flatten()).collect()
    }

    /// Ends the session that has been without a connection for the longest, if there is one.
    fn evict(&self) -> Option<Arc<Member>> {
        let (_, member) = self.state.lock().detached.pop_first()?;
        // One that has got a connection since goes on.
        if let Some(bytes) = member.outbox().discard() {
            self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
            member.signals().end(Ending::Evicted);
        }
        Some(member)
    }

    /// How many secrets there are that resume a session.
    #[cfg(feature = "test")]
    pub(crate) fn secrets(&self) -> usize {
        let state = self.state.lock();
        state.secrets.values().filter(|entry| matches!(entry.of, Of::Session(_))).count()
    }

    /// How many sessions have no connection.
    pub(crate) fn detached(&self) -> usize {
        self.state.lock().detached.len()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::request::Request;
    use crate::rooms::Hub;
    use crate::session::{Limits, PushPolicy, Registration};
    use crate::socket_id::SocketId;
    use crate::wire::PROTOCOL_JSON;

    pub(crate) fn request() -> Request {
        let header = http::header::SEC_WEBSOCKET_PROTOCOL;
        let request = http::Request::builder().header(header, PROTOCOL_JSON).body(());
        Request::new(request.expect("a request"), None)
    }

    pub(crate) fn enter(hub: &Arc<Hub>) -> Registration {
        let id = SocketId::random().expect("random bits");
        let limits = Limits { max_detached: (2, 100), ..Limits::default() };
        Registration::enter(id, request(), hub, &Arc::new(limits), None).expect("there is room")
    }

    fn detach(hub: &Hub, registration: &Registration) -> u64 {
        let member = registration.member();
        hub.recovery.detach(member, member.outbox().detach().size)
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
    fn the_secret_that_a_client_has_shown_holds_until_a_newer_one_is_proven() {
        let hub = Arc::<Hub>::default();
        let registration = enter(&hub);
        let (member, recovery) = (registration.member(), &hub.recovery);
        let first = recovery.issue_secret(member, None).expect("random bits");
        let mut last = recovery.issue_secret(member, Some(&first)).expect("random bits");
        for _ in 0..10 {
            last = recovery.issue_secret(member, Some(&first)).expect("random bits");
            assert!(recovery.find(&first).is_ok() && recovery.find(&last).is_ok());
            assert!(member.secrets().lock().len() <= MAX_SECRETS);
        }
        let newest = recovery.issue_secret(member, Some(&last)).expect("random bits");
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
    fn bytes_are_counted_while_there_is_no_connection_and_not_a_moment_longer() {
        let hub = Arc::<Hub>::default();
        let registration = enter(&hub);
        let (member, recovery) = (registration.member(), &hub.recovery);
        push(&registration, 10);
        assert_eq!(bytes(&hub), 0);
        let place = detach(&hub, &registration);
        push(&registration, 20);
        assert_eq!((bytes(&hub), recovery.detached()), (30, 1));
        recovery.attach(place, member.outbox().attach());
        push(&registration, 30);
        assert_eq!((bytes(&hub), recovery.detached()), (0, 0));
        // All of it was handed over; 30 bytes of it have arrived.
        member.outbox().take(&mut Vec::new());
        let place = detach(&hub, &registration);
        assert_eq!(bytes(&hub), 60);
        let growth = member.outbox().confirm(2).expect("what was sent");
        recovery.add_bytes(member, growth);
        assert_eq!(bytes(&hub), 30);
        push(&registration, 71);
        assert!(is_ending(&registration), "more than 100 bytes");
        assert_eq!((bytes(&hub), recovery.detached()), (0, 0));
        recovery.attach(place, member.outbox().discard().unwrap_or_default());
        assert_eq!(bytes(&hub), 0);
    }

    #[test]
    fn as_many_go_as_have_to() {
        let hub = Arc::<Hub>::default();
        let [ada, bob, eve] = [(); 3].map(|()| enter(&hub));
        detach(&hub, &ada);
        detach(&hub, &bob);
        push(&bob, 60);
        push(&bob, 60);
        assert!(is_ending(&ada) && is_ending(&bob), "one is not enough");
        assert_eq!((bytes(&hub), hub.recovery.detached()), (0, 0));
        let places = [&ada, &bob, &eve].map(|registration| detach(&hub, registration));
        assert_eq!(hub.recovery.detached(), 2);
        assert!(!is_ending(&eve));
        for place in places {
            hub.recovery.attach(place, 0);
        }
        assert_eq!((bytes(&hub), hub.recovery.detached()), (0, 0));
    }

    #[test]
    fn who_has_a_connection_again_is_not_evicted() {
        let hub = Arc::<Hub>::default();
        let registration = enter(&hub);
        let place = detach(&hub, &registration);
        push(&registration, 10);
        // It comes back after it was chosen, and before it is told.
        let kept = registration.member().outbox().attach();
        push(&registration, 10);
        assert!(hub.recovery.evict().is_some());
        hub.recovery.attach(place, kept);
        assert!(!is_ending(&registration));
        assert_eq!((bytes(&hub), hub.recovery.detached()), (0, 0));
    }
}
