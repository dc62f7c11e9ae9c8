use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn waker() -> (Arc<Wakes>, Waker) {
    let counter = Arc::<Wakes>::default();
    (Arc::clone(&counter), counter.into())
}

fn outbox(waiting: usize, volatile: usize, keeps: bool) -> Outbox {
    let limits = Limits {
        max_outbox_size: waiting,
        volatile_outbox_size: volatile,
        max_replay_size: 10,
        max_replay_frames: 4,
        ..Limits::default()
    };
    Outbox::new(&Arc::new(limits), keeps)
}

impl Outbox {
    fn push(&self, frame: &[u8]) -> Fate {
        self.push_as(Policy::Reliable, frame, false).expect("not too large").fate
    }

    fn taken(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.take(&mut bytes, Waker::noop());
        bytes
    }
}

#[test]
fn what_waits_is_taken_at_once_and_wakes_once() {
    let (counter, waker) = waker();
    let outbox = outbox(100, 100, false);
    let mut bytes = Vec::new();
    assert_eq!(outbox.take(&mut bytes, &waker), Taken::Nothing);
    outbox.push(b"one");
    outbox.push(b"two");
    assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    assert_eq!(outbox.take(&mut bytes, &waker), Taken::Bytes);
    assert_eq!(bytes, b"onetwo");
}

#[test]
fn over_the_limit_the_session_ends() {
    let outbox = outbox(10, 10, false);
    outbox.push(b"12345678");
    assert_eq!(outbox.ending(), None);
    outbox.push(b"123");
    assert_eq!(outbox.ending(), Some(Ending::Overflow));
    assert_eq!(outbox.push(b"1"), Fate::Missed);
}

#[test]
fn over_the_limit_a_kept_session_loses_its_connection_and_nothing_else() {
    let outbox = outbox(10, 10, true);
    outbox.push(b"12345678");
    assert!(!outbox.is_slow());
    outbox.push(b"123");
    assert!(outbox.is_slow());
    assert_eq!((outbox.ending(), outbox.detach()), (None, 11));
    outbox.push(b"123456789");
    assert_eq!(outbox.ending(), None);
    assert_eq!(outbox.push(b"1"), Fate::Queued);
    assert_eq!(outbox.ending(), Some(Ending::Overflow), "more than both limits together");
}

#[test]
fn who_asks_for_signs_of_life_and_reads_none_is_cut() {
    let outbox = outbox(1 << 20, 100, true);
    for _ in 0..MAX_UNCOUNTED {
        outbox.push_uncounted(Frame::copy(b"12"));
    }
    assert_eq!(outbox.ending(), None);
    outbox.push_uncounted(Frame::copy(b"12"));
    assert_eq!(outbox.ending(), Some(Ending::Overflow));
}

#[test]
fn without_a_connection_only_so_many_frames_are_kept() {
    let outbox = outbox(100, 100, true);
    outbox.detach();
    for _ in 0..4 {
        outbox.push(b"1");
    }
    assert_eq!(outbox.ending(), None);
    outbox.push(b"1");
    assert_eq!(outbox.ending(), Some(Ending::Overflow));
}

#[test]
fn who_comes_back_to_more_than_may_wait_has_time_to_read_it() {
    let outbox = outbox(10, 10, true);
    outbox.push(b"12345678");
    outbox.push(b"123");
    outbox.detach();
    assert_eq!(outbox.rewind(0), Ok(0));
    outbox.attach();
    outbox.push(b"4");
    assert!(!outbox.is_slow(), "not cut again before it could read anything");
    assert_eq!(outbox.taken(), b"12345678", "the window of 5 bytes is closed then");
    assert_eq!(outbox.confirm(1), Ok(()));
    assert_eq!(outbox.taken(), b"1234");
    outbox.push(b"1234567");
    assert!(outbox.is_slow());
}

#[test]
fn who_is_behind_goes_without_what_is_volatile() {
    let outbox = outbox(10, 5, false);
    let volatile = |frame: &[u8]| {
        let pushed = outbox.push_as(Policy::Volatile, frame, false);
        pushed.expect("not too large").fate
    };
    assert_eq!(volatile(b"12345"), Fate::Queued);
    assert_eq!(volatile(b"6"), Fate::Dropped);
    outbox.push(b"789");
    assert_eq!(outbox.taken(), b"12345789");
    assert_eq!(volatile(b"0"), Fate::Dropped, "taken is not yet written");
    assert_eq!(outbox.taken(), b"");
    assert_eq!(volatile(b"0"), Fate::Queued);
    assert_eq!(outbox.ending(), None);
}

#[test]
fn without_a_connection_nothing_volatile_is_kept() {
    let outbox = outbox(10, 10, true);
    outbox.detach();
    let pushed = outbox.push_as(Policy::Volatile, b"1".as_slice(), false);
    assert_eq!(pushed, Ok(Fate::Dropped.into()));
}

#[test]
fn only_the_newest_of_a_key_waits() {
    let outbox = outbox(100, 100, false);
    let latest = |frame: &[u8], key| {
        let pushed = outbox.push_as(Policy::Latest(key), frame, false);
        pushed.expect("not too large").fate
    };
    assert_eq!(latest(b"a1", 1), Fate::Queued);
    outbox.push(b"x");
    assert_eq!(latest(b"b1", 2), Fate::Queued);
    assert_eq!(latest(b"a2", 1), Fate::Replaced);
    assert_eq!(outbox.taken(), b"xb1a2", "at the tail");
    assert_eq!(latest(b"a3", 1), Fate::Queued, "what was taken cannot be replaced");
    assert_eq!(outbox.taken(), b"a3");
}

#[test]
fn what_was_taken_and_not_written_counts() {
    let outbox = outbox(10, 10, false);
    outbox.push(b"12345678");
    outbox.taken();
    outbox.push(b"123");
    assert_eq!(outbox.ending(), Some(Ending::Overflow));
}

#[test]
fn a_blocked_task_is_woken_by_an_end_and_not_by_bytes() {
    let (counter, waker) = waker();
    let outbox = outbox(100, 100, false);
    outbox.block(0, &waker);
    outbox.push(b"one");
    assert_eq!(counter.0.load(Ordering::Relaxed), 0);
    outbox.end(Ending::Asked(DisconnectReason::Disconnected));
    assert_eq!(counter.0.load(Ordering::Relaxed), 1);
}

#[test]
fn what_was_written_counts_no_more() {
    let outbox = outbox(10, 10, false);
    outbox.push(b"12345678");
    outbox.taken();
    outbox.block(1, Waker::noop());
    outbox.push(b"12345678");
    assert_eq!(outbox.ending(), None);
}

#[test]
fn a_frame_that_can_never_fit_is_refused_and_ends_nothing() {
    let outbox = outbox(10, 10, false);
    let pushed = outbox.push_as(Policy::Reliable, b"12345678901".as_slice(), false);
    assert_eq!(pushed, Err(TooLarge));
    assert_eq!(outbox.ending(), None);
}

#[test]
fn the_last_frame_gets_in_and_nothing_after_it() {
    let outbox = outbox(10, 10, false);
    outbox.push(b"1234567890");
    outbox.push(b"1");
    outbox.push_last(Frame::copy(b"bye"));
    assert_eq!(outbox.push(b"2"), Fate::Missed);
    assert_eq!(outbox.taken(), b"bye");
}

#[test]
fn the_last_frame_does_not_wait_for_what_is_unconfirmed() {
    let outbox = outbox(100, 100, true);
    outbox.push(b"12345678");
    assert_eq!(outbox.taken(), b"12345678");
    outbox.push(b"9");
    assert_eq!(outbox.taken(), b"", "the window of 5 bytes is closed");
    outbox.push_last(Frame::copy(b"bye"));
    assert_eq!(outbox.taken(), b"9bye");
}

/// What others write to, and what a client reads from.
async fn line() -> (OwnedWriteHalf, tokio::net::TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let client = tokio::net::TcpStream::connect(addr).await.expect("it listens");
    let (server, _) = listener.accept().await.expect("a connection");
    (server.into_split().1, client)
}

fn push_corked(outbox: &Outbox, frame: &[u8]) -> Pushed {
    outbox.push_as(Policy::Reliable, frame, true).expect("not too large")
}

#[tokio::test]
async fn for_a_task_that_sleeps_another_writes() {
    let (half, mut client) = line().await;
    let (counter, waker) = waker();
    let outbox = outbox(1 << 20, 1 << 20, false);
    assert_eq!(outbox.rest(&waker), Rest::Writes, "nobody else can");
    outbox.lend(half);
    assert_eq!(outbox.rest(&waker), Rest::Sleeps);
    assert!(push_corked(&outbox, b"one ").corked);
    assert!(!push_corked(&outbox, b"two ").corked, "it is promised already");
    outbox.wake_up();
    outbox.push(b"own ");
    // Who has promised may be on a thread that does not get to it.
    assert_eq!(outbox.rest(&waker), Rest::Corked);
    outbox.uncork();
    outbox.uncork();
    let mut bytes = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut client, &mut bytes).await.expect("written");
    assert_eq!(&bytes, b"one two own ");
    assert_eq!(outbox.rest(&waker), Rest::Sleeps);
    assert_eq!(counter.0.load(Ordering::Relaxed), 0, "it was not woken");
}

#[tokio::test]
async fn a_task_is_woken_when_another_cannot_write() {
    let (half, _client) = line().await;
    let (counter, waker) = waker();
    let outbox = outbox(64 << 20, 1 << 20, false);
    outbox.lend(half);
    let frame = vec![b'x'; 1 << 20];
    let mut much = false;
    // More than the system takes of what is not read.
    while counter.0.load(Ordering::Relaxed) == 0 {
        assert_ne!(outbox.rest(&waker), Rest::Writes);
        assert!(push_corked(&outbox, &frame).corked);
        much |= push_corked(&outbox, &frame).much;
        outbox.uncork();
    }
    assert!(much, "nobody else has a turn before a mebibyte is written");
    assert_eq!(outbox.rest(&waker), Rest::Writes);
    assert!(outbox.poll_write(&mut Context::from_waker(&waker)).is_pending());
    assert!(!push_corked(&outbox, &frame).corked, "it would block");
    assert_eq!(outbox.rest(&waker), Rest::Writes);
}

#[tokio::test]
async fn what_the_client_has_to_confirm_first_is_for_nobody_to_write() {
    let (half, _client) = line().await;
    let (_, waker) = waker();
    // Its window is 5 bytes.
    let outbox = outbox(100, 100, true);
    outbox.lend(half);
    assert_eq!(outbox.rest(&waker), Rest::Sleeps);
    assert!(push_corked(&outbox, b"123456").corked);
    outbox.uncork();
    assert_eq!(outbox.rest(&waker), Rest::Writes);
    assert!(outbox.poll_write(&mut Context::from_waker(&waker)).is_ready());
    assert!(!push_corked(&outbox, b"7").corked);
    outbox.confirm(1).expect("it was sent");
    assert_eq!(outbox.rest(&waker), Rest::Corked);
}
