//! One token bucket for all sessions with the same key.
//!
//! A key is absent, in use, or idle:
//!
//! | event | change |
//! | --- | --- |
//! | a session starts | absent → in use by one session, with a full bucket; idle → in use, with its bucket; in use → by one more |
//! | the last session ends | in use → idle, or absent if its bucket is full |
//! | time passes until the bucket is full | idle → absent, at a later start or end of a session, which removes [`MAX_REMOVED`] |
//! | more than `max_idle` keys are idle | that whose bucket is full first → absent |
//!
//! So a client that reconnects does not get a full bucket, and a key that is absent has lost at most the
//! rest of a bucket. The table is locked when a session starts and ends, a bucket for each message.
//! Sockets do not keep a key in use: the session's task has the bucket.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::options::RateLimit;
use super::token_bucket::TokenBucket;
use crate::lock::{Lock, rank};
use crate::request::Request;

/// Returns the hash of the key of a request. The hash is keyed with secret random bits: clients choose
/// many of the keys, and must not be able to choose two that share a bucket.
pub(crate) type HashKey = Box<dyn Fn(&Request) -> u64 + Send + Sync>;

/// Keys with full buckets that one start or end of a session removes. More than it adds, so the table
/// shrinks, and few, because all starts and ends wait for the lock meanwhile.
const MAX_REMOVED: usize = 2;

type Bucket = Lock<TokenBucket, { rank::RATE }>;

/// The token buckets of a procedure by key.
pub(crate) struct RateKeys {
    hash_key: HashKey,
    rate: RateLimit,
    max_idle: usize,
    table: Lock<Table, { rank::RATE_KEYS }>,
}

#[derive(Default)]
struct Table {
    entries: HashMap<u64, Entry>,
    /// The idle keys, by the time at which their buckets are full.
    idle: BTreeSet<(Instant, u64)>,
}

struct Entry {
    bucket: Arc<Bucket>,
    usage: Usage,
}

enum Usage {
    /// The number of sessions.
    InUse(usize),
    /// The bucket is full at this time.
    Idle(Instant),
}

/// The bucket of a session. Its drop tells the table that the session has ended.
pub(crate) struct SharedBucket {
    bucket: Arc<Bucket>,
    key: u64,
    keys: Arc<RateKeys>,
}

impl RateKeys {
    pub(crate) fn new(hash_key: HashKey, rate: RateLimit, max_idle: usize) -> Self {
        Self { hash_key, rate, max_idle, table: Lock::default() }
    }

    /// The bucket of a session that starts with this request.
    pub(crate) fn bucket(self: &Arc<Self>, request: &Request) -> SharedBucket {
        // Code of the user: before the lock.
        let key = (self.hash_key)(request);
        let mut table = self.table.lock();
        table.remove_full();
        let Table { entries, idle } = &mut *table;
        let entry = entries.entry(key).or_insert_with(|| Entry {
            bucket: Arc::new(Lock::new(TokenBucket::new(&self.rate))),
            usage: Usage::InUse(0),
        });
        let sessions = match entry.usage {
            Usage::InUse(sessions) => sessions,
            Usage::Idle(full_at) => {
                idle.remove(&(full_at, key));
                0
            }
        };
        entry.usage = Usage::InUse(sessions + 1);
        SharedBucket { bucket: Arc::clone(&entry.bucket), key, keys: Arc::clone(self) }
    }

    fn release(&self, key: u64) {
        let mut table = self.table.lock();
        let Table { entries, idle } = &mut *table;
        let Some(Entry { bucket, usage }) = entries.get_mut(&key) else { return };
        match usage {
            Usage::InUse(sessions) if *sessions > 1 => *sessions -= 1,
            _ => {
                let full_at = bucket.lock().full_at();
                *usage = Usage::Idle(full_at);
                idle.insert((full_at, key));
            }
        }
        table.remove_full();
        if table.idle.len() > self.max_idle {
            table.remove_first();
        }
    }
}

impl Table {
    fn remove_full(&mut self) {
        let now = Instant::now();
        for _ in 0..MAX_REMOVED {
            if self.idle.first().is_some_and(|(full_at, _)| *full_at <= now) {
                self.remove_first();
            }
        }
    }

    fn remove_first(&mut self) {
        if let Some((_, key)) = self.idle.pop_first() {
            self.entries.remove(&key);
        }
    }
}

impl SharedBucket {
    /// Takes a token, if there is one.
    pub(super) fn allow(&self) -> bool {
        self.bucket.lock().allow()
    }
}

impl Drop for SharedBucket {
    fn drop(&mut self) {
        self.keys.release(self.key);
    }
}

impl fmt::Debug for RateKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateKeys").field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(parlor_model)))]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// The key of a request is its path.
    fn rate_keys(rate: RateLimit, max_idle: usize) -> Arc<RateKeys> {
        let hash_key = |request: &Request| {
            request.uri().path().trim_start_matches('/').parse().expect("a number")
        };
        Arc::new(RateKeys::new(Box::new(hash_key), rate, max_idle))
    }

    fn request(key: usize) -> Request {
        let request = http::Request::builder().uri(format!("/{key}")).body(());
        Request::new(request.expect("a request"), None)
    }

    /// The number of keys, and of idle keys.
    fn len(keys: &RateKeys) -> (usize, usize) {
        let table = keys.table.lock();
        (table.entries.len(), table.idle.len())
    }

    #[test]
    fn sessions_that_come_and_go_on_many_threads_get_one_burst() {
        let keys = rate_keys(RateLimit { events_per_second: 0.0, burst: 100 }, 1);
        let come_and_go = |keys: Arc<RateKeys>| {
            let allowed = (0..200).filter(|_| keys.bucket(&request(7)).allow());
            allowed.count()
        };
        let threads = [(); 4].map(|()| {
            let keys = Arc::clone(&keys);
            thread::spawn(move || come_and_go(keys))
        });
        let allowed: usize =
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
        assert_eq!((allowed, len(&keys)), (100, (1, 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_forgotten_when_their_buckets_are_full() {
        let keys = rate_keys(RateLimit { events_per_second: 1.0, burst: 3 }, 1000);
        // Sessions that send nothing leave nothing behind.
        for key in 0..10 {
            drop(keys.bucket(&request(key)));
        }
        assert_eq!(len(&keys), (0, 0));
        for key in 0..2000 {
            assert!(keys.bucket(&request(key)).allow());
        }
        assert_eq!(len(&keys), (1000, 1000));
        tokio::time::advance(Duration::from_secs(1)).await;
        let bucket = keys.bucket(&request(5000));
        assert_eq!(len(&keys), (999, 998), "two were removed");
        drop(bucket);
        // Its own key is idle first, and removed with another one.
        assert_eq!(len(&keys), (997, 997));
        for _ in 0..499 {
            drop(keys.bucket(&request(5000)));
        }
        assert_eq!(len(&keys), (0, 0));
    }
}
