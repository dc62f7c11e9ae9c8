use std::cell::RefCell;
use std::rc::Rc;
use std::task::Poll;

use super::*;
use crate::session::options::{Limits, Recovery};

/// What was written to one connection, and how many bytes its transport still takes.
#[derive(Clone)]
struct FakeHalf(Rc<RefCell<(Vec<u8>, usize)>>);

impl FakeHalf {
    fn new(capacity: usize) -> Self {
        Self(Rc::new(RefCell::new((Vec::new(), capacity))))
    }

    fn written(&self) -> String {
        String::from_utf8(self.0.borrow().0.clone()).expect("letters")
    }
}

impl WriteHalf for FakeHalf {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let (written, capacity) = &mut *self.0.borrow_mut();
        let count = bytes.len().min(*capacity);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        written.extend_from_slice(&bytes[..count]);
        *capacity -= count;
        Ok(count)
    }

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.borrow().1 == 0 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

type TestOutbox = Outbox<FakeHalf>;

fn outbox(waiting: usize, volatile: usize, is_resumable: bool) -> TestOutbox {
    let limits =
        Limits { max_outbox_size: waiting, volatile_outbox_size: volatile, ..Limits::default() };
    let recovery = Recovery { max_replay_size: 10, max_replay_frames: 4, ..Recovery::default() };
    let options = SessionOptions { recovery, limits, ..SessionOptions::default() };
    Outbox::new(&Arc::new(options), is_resumable)
}

fn large_outbox() -> TestOutbox {
    let limits = Limits { max_outbox_size: 64 << 20, ..Limits::default() };
    let options = SessionOptions { limits, ..SessionOptions::default() };
    Outbox::new(&Arc::new(options), true)
}

impl TestOutbox {
    fn push_as(&self, policy: PushPolicy, frame: &[u8]) -> Pushed {
        self.push(policy, frame, false).expect("not too large")
    }

    fn append(&self, frame: &[u8]) -> PushOutcome {
        self.push_as(PushPolicy::Reliable, frame).outcome
    }

    /// What a member with a batch is to do next.
    fn batch(&self, frame: &[u8]) -> FollowUp {
        self.push(PushPolicy::Reliable, frame, true).expect("not too large").follow_up
    }

    fn taken(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.take(&mut bytes);
        bytes
    }

    fn write_all(&self) -> Written {
        self.write(&mut Context::from_waker(std::task::Waker::noop())).expect("no error")
    }

    fn connection(&self) -> ConnectionState {
        self.state.lock().connection
    }
}

#[test]
fn pending_frames_wake_once_and_are_taken_together() {
    let outbox = outbox(100, 100, false);
    let mut bytes = Vec::new();
    outbox.take(&mut bytes);
    assert!(bytes.is_empty());
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"one").follow_up, FollowUp::Wake);
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"two").follow_up, FollowUp::Nothing);
    outbox.take(&mut bytes);
    assert_eq!(bytes, b"onetwo");
}

#[test]
fn session_that_is_not_resumable_ends_over_the_limit() {
    let outbox = outbox(10, 10, false);
    outbox.append(b"12345678");
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"123").follow_up, FollowUp::EndSession);
    assert_eq!(outbox.append(b"1"), PushOutcome::Missed);
}

#[test]
fn resumable_session_loses_only_its_connection_over_the_limit() {
    let outbox = outbox(10, 10, true);
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"12345678").follow_up, FollowUp::Nothing);
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"123").follow_up, FollowUp::CloseConnection);
    assert_eq!(
        outbox.push_as(PushPolicy::Reliable, b"4").follow_up,
        FollowUp::Nothing,
        "it is cut once"
    );
    assert_eq!(outbox.detach().size, 12);
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"12345678").follow_up, FollowUp::Nothing);
    let pushed = outbox.push_as(PushPolicy::Reliable, b"1");
    assert_eq!((pushed.outcome, pushed.growth), (PushOutcome::Queued, 1));
    assert_eq!(pushed.follow_up, FollowUp::EndSession, "more than both limits together");
}

#[test]
fn session_ends_when_client_pings_and_reads_nothing() {
    let outbox = outbox(1 << 20, 100, true);
    for _ in 0..MAX_UNCOUNTED {
        assert_eq!(outbox.push_as(PushPolicy::Uncounted, b"12").follow_up, FollowUp::Nothing);
    }
    assert_eq!(outbox.push_as(PushPolicy::Uncounted, b"12").follow_up, FollowUp::EndSession);
}

#[test]
fn uncounted_frame_is_written_first_and_dropped_with_the_connection() {
    let outbox = outbox(100, 100, true);
    outbox.append(b"1");
    assert_eq!(outbox.push_as(PushPolicy::Uncounted, b"ack").outcome, PushOutcome::Queued);
    assert_eq!(outbox.taken(), b"ack1");
    assert_eq!(outbox.push_as(PushPolicy::Uncounted, b"ack").outcome, PushOutcome::Queued);
    outbox.detach();
    assert_eq!(outbox.push_as(PushPolicy::Uncounted, b"ack").outcome, PushOutcome::Dropped);
    outbox.attach();
    assert_eq!(outbox.taken(), b"1");
}

#[test]
fn uncounted_frame_wakes_task_while_client_acknowledges_nothing() {
    let outbox = outbox(100, 100, true);
    outbox.append(b"123456");
    assert_eq!(outbox.taken(), b"123456");
    assert_eq!(outbox.taken(), b"", "the in-flight limit of 5 bytes is reached");
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"7").follow_up, FollowUp::Nothing);
    assert_eq!(outbox.push_as(PushPolicy::Uncounted, b"ack").follow_up, FollowUp::Wake);
}

#[test]
fn detached_session_ends_over_the_frame_limit() {
    let outbox = outbox(100, 100, true);
    outbox.detach();
    for _ in 0..4 {
        assert_eq!(outbox.push_as(PushPolicy::Reliable, b"1").follow_up, FollowUp::Nothing);
    }
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"1").follow_up, FollowUp::EndSession);
}

#[test]
fn resumed_session_may_exceed_the_pending_limit_until_it_is_read() {
    let outbox = outbox(10, 10, true);
    outbox.append(b"12345678");
    outbox.append(b"123");
    outbox.detach();
    assert_eq!(outbox.confirm(0), Ok(0));
    outbox.attach();
    let pushed = outbox.push_as(PushPolicy::Reliable, b"4");
    assert_eq!(pushed.follow_up, FollowUp::Nothing, "not cut again before it could read anything");
    assert_eq!(outbox.taken(), b"12345678", "the in-flight limit of 5 bytes is reached then");
    assert_eq!(outbox.confirm(1), Ok(0));
    assert_eq!(outbox.taken(), b"1234");
    assert_eq!(
        outbox.push_as(PushPolicy::Reliable, b"1234567").follow_up,
        FollowUp::CloseConnection
    );
}

#[test]
fn volatile_frame_is_dropped_for_a_slow_client() {
    let outbox = outbox(10, 5, false);
    let volatile = |frame: &[u8]| outbox.push_as(PushPolicy::Volatile, frame);
    assert_eq!(volatile(b"12345").outcome, PushOutcome::Queued);
    assert_eq!(volatile(b"6"), PushOutcome::Dropped.into());
    outbox.append(b"789");
    assert_eq!(outbox.taken(), b"12345789");
    assert_eq!(volatile(b"0"), PushOutcome::Dropped.into(), "taken is not yet written");
    assert_eq!(outbox.taken(), b"");
    assert_eq!(volatile(b"0").outcome, PushOutcome::Queued);
}

#[test]
fn volatile_frame_is_dropped_for_a_detached_session() {
    let outbox = outbox(10, 10, true);
    outbox.detach();
    assert_eq!(outbox.push_as(PushPolicy::Volatile, b"1"), PushOutcome::Dropped.into());
}

#[test]
fn latest_frame_replaces_the_pending_one_of_its_key() {
    let outbox = outbox(100, 100, false);
    let latest = |frame: &[u8], key| outbox.push_as(PushPolicy::Latest(key), frame).outcome;
    assert_eq!(latest(b"a1", 1), PushOutcome::Queued);
    outbox.append(b"x");
    assert_eq!(latest(b"b1", 2), PushOutcome::Queued);
    assert_eq!(latest(b"a2", 1), PushOutcome::Replaced);
    assert_eq!(outbox.taken(), b"xb1a2", "at the tail");
    assert_eq!(latest(b"a3", 1), PushOutcome::Queued, "what was taken cannot be replaced");
    assert_eq!(outbox.taken(), b"a3");
}

#[test]
fn taken_bytes_count_as_pending_until_they_are_written() {
    let outbox = outbox(10, 10, false);
    outbox.append(b"12345678");
    outbox.taken();
    outbox.block(1);
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"12345678").follow_up, FollowUp::Nothing);
    assert_eq!(outbox.push_as(PushPolicy::Reliable, b"12").follow_up, FollowUp::EndSession);
}

#[test]
fn frame_over_the_limit_is_rejected_and_ends_nothing() {
    let outbox = outbox(10, 10, false);
    let pushed = outbox.push(PushPolicy::Reliable, b"12345678901".as_slice(), false);
    assert_eq!(pushed, Err(TooLarge));
    assert_eq!(outbox.append(b"1"), PushOutcome::Queued);
}

#[test]
fn sealed_outbox_accepts_the_last_frame_and_no_other() {
    let outbox = outbox(10, 10, false);
    outbox.append(b"1234567890");
    outbox.append(b"1");
    outbox.seal(None);
    outbox.seal(Some(&Frame::copy(b"bye")));
    assert_eq!(outbox.append(b"2"), PushOutcome::Missed);
    assert_eq!(outbox.taken(), b"bye");
}

#[test]
fn last_frame_does_not_wait_for_acknowledgements() {
    let outbox = outbox(100, 100, true);
    outbox.append(b"12345678");
    assert_eq!(outbox.taken(), b"12345678");
    outbox.append(b"9");
    assert_eq!(outbox.taken(), b"", "the in-flight limit of 5 bytes is reached");
    outbox.seal(Some(&Frame::copy(b"bye")));
    assert_eq!(outbox.taken(), b"9bye");
}

#[test]
fn discard_drops_frames_of_a_detached_session_only() {
    let outbox = outbox(100, 100, true);
    outbox.append(b"123");
    assert_eq!(outbox.discard(), None);
    assert_eq!(outbox.append(b"4"), PushOutcome::Queued);
    assert_eq!(outbox.detach().size, 4);
    assert_eq!(outbox.discard(), Some(4));
    assert_eq!(outbox.append(b"5"), PushOutcome::Missed);
    outbox.attach();
    assert_eq!(outbox.taken(), b"");
}

#[test]
fn batch_writes_for_sleeping_task() {
    let (outbox, half) = (outbox(1 << 20, 1 << 20, false), FakeHalf::new(usize::MAX));
    assert_eq!(outbox.sleep_if_batched(), Sleep::Awake, "no other task can write");
    outbox.lend(half.clone());
    assert_eq!(outbox.sleep_if_batched(), Sleep::Asleep);
    assert_eq!(outbox.batch(b"one "), FollowUp::Batch);
    assert_eq!(outbox.batch(b"two "), FollowUp::Nothing, "a batch has it already");
    outbox.wake_up();
    outbox.append(b"own ");
    assert!(!outbox.flush() && half.written().is_empty(), "the task writes while it runs");
    assert_eq!(outbox.sleep_if_batched(), Sleep::Batched);
    assert!(!outbox.flush());
    assert!(!outbox.flush());
    assert_eq!(half.written(), "one two own ");
    assert_eq!(outbox.sleep_if_batched(), Sleep::Asleep);
}

#[test]
fn task_is_woken_when_a_batch_cannot_write_everything() {
    let (outbox, half) = (large_outbox(), FakeHalf::new(10));
    outbox.lend(half.clone());
    assert_eq!(outbox.write_all(), Written::All);
    assert_eq!(outbox.batch(&[b'x'; FLUSH_SOON_BYTES]), FollowUp::Batch);
    assert_eq!(outbox.batch(b"y"), FollowUp::FlushSoon);
    assert!(outbox.flush());
    assert_eq!(outbox.sleep_if_batched(), Sleep::Awake);
    assert_eq!(outbox.write_all(), Written::Blocked { moved: true });
    assert_eq!(outbox.write_all(), Written::Blocked { moved: false });
    assert_eq!(outbox.batch(b"z"), FollowUp::Nothing, "it would block");
    half.0.borrow_mut().1 = usize::MAX;
    assert_eq!(outbox.write_all(), Written::All);
    assert_eq!(half.written().len(), FLUSH_SOON_BYTES + 2);
}

#[test]
fn flush_yields_after_16_batches() {
    let (outbox, half) = (large_outbox(), FakeHalf::new(usize::MAX));
    outbox.lend(half.clone());
    assert_eq!(outbox.write_all(), Written::All);
    let frame = vec![b'x'; 3 * super::super::queue::BATCH];
    assert_eq!(outbox.batch(&frame), FollowUp::Batch);
    for _ in 0..MAX_WRITES {
        outbox.batch(&frame);
        assert_eq!(outbox.confirm(0), Ok(0));
    }
    let mut received = 0;
    let mut confirm = || {
        received = half.written().len() as u64 / frame.len() as u64;
        outbox.confirm(received).expect("written")
    };
    while outbox.flush() {
        confirm();
        outbox.sleep_if_batched();
    }
    confirm();
    while half.written().len() < frame.len() * (MAX_WRITES + 1) {
        let _ = outbox.write_all();
        confirm();
    }
}

#[test]
fn nothing_is_written_while_the_in_flight_limit_is_reached() {
    // Its in-flight limit is 5 bytes.
    let (outbox, half) = (outbox(100, 100, true), FakeHalf::new(usize::MAX));
    outbox.lend(half.clone());
    assert_eq!(outbox.sleep_if_batched(), Sleep::Asleep);
    assert_eq!(outbox.batch(b"123456"), FollowUp::Batch);
    assert!(!outbox.flush());
    assert_eq!(outbox.sleep_if_batched(), Sleep::Awake);
    assert_eq!(outbox.write_all(), Written::All);
    assert_eq!(outbox.batch(b"7"), FollowUp::Nothing);
    outbox.confirm(1).expect("it was sent");
    assert_eq!(outbox.sleep_if_batched(), Sleep::Batched);
}

/// A batch on another thread has the member while its client resumes: it must not write what is
/// pending again to the old connection.
#[test]
fn batch_does_not_write_to_the_old_connection_after_resume() {
    let (outbox, old, new) = (large_outbox(), FakeHalf::new(usize::MAX), FakeHalf::new(usize::MAX));
    outbox.lend(old.clone());
    assert_eq!(outbox.sleep_if_batched(), Sleep::Asleep);
    assert_eq!(outbox.batch(b"1"), FollowUp::Batch);
    assert!(!outbox.flush());
    assert_eq!(outbox.sleep_if_batched(), Sleep::Asleep);
    assert_eq!(outbox.batch(b"2"), FollowUp::Batch);
    outbox.wake_up();
    assert_eq!(outbox.confirm(0), Ok(0));
    assert!(!outbox.flush());
    let (half, left) = outbox.detach().writer.expect("it was lent");
    assert_eq!((half.written().as_str(), left.len()), ("1", 0));
    assert!(!outbox.flush());
    outbox.attach();
    outbox.lend(new.clone());
    assert_eq!(outbox.write_all(), Written::All);
    assert_eq!((old.written().as_str(), new.written().as_str()), ("1", "12"));
    assert_eq!(outbox.connection(), ConnectionState::Attached);
}
