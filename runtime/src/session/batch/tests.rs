use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use super::*;
use crate::request::Request;
use crate::rooms::Hub;
use crate::session::Registration;
use crate::session::recovery::tests::request;
use crate::socket_id::SocketId;

/// More members than a thread keeps memory for.
const MANY: usize = 5000;

fn registration() -> Registration {
    register(request())
}

fn register(request: Request) -> Registration {
    let id = SocketId::random().expect("random bits");
    Registration::new(id, request, &Arc::<Hub>::default(), &Arc::default()).expect("not full")
}

fn flusher() -> Flusher {
    let mut flusher = Flusher::default();
    poll(&mut flusher);
    flusher
}

fn poll(flusher: &mut Flusher) {
    assert!(Pin::new(flusher).poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

fn queued() -> usize {
    thread(|thread| thread.batch.len())
}

fn capacity() -> usize {
    thread(|thread| thread.batch.capacity())
}

/// One poll of a task that emits to `count` members.
fn poll_task(batch: &mut TaskBatch, registration: &Registration, count: usize) {
    let guard = PollGuard::begin(batch);
    for _ in 0..count {
        add(registration.member());
    }
    guard.end();
}

#[test]
fn task_that_emits_to_many_members_flushes_in_several_polls_and_keeps_no_memory() {
    let registration = registration();
    for size in [MANY, 200, 1] {
        let mut batch = TaskBatch::default();
        poll_task(&mut batch, &registration, size);
        let mut turns = 1;
        while !batch.members.is_empty() {
            assert_eq!(queued(), 0, "the task stores the rest of the batch");
            poll_task(&mut batch, &registration, 0);
            turns += 1;
        }
        assert_eq!(turns, size.div_ceil(MAX_FLUSH));
        assert_eq!(batch.members.capacity(), 0);
        assert!((1..=KEPT_CAPACITY).contains(&capacity()) || size == MANY, "{}", capacity());
    }
}

#[test]
fn task_waits_for_flush_until_its_batch_is_flushed() {
    let registration = registration();
    let mut batch = TaskBatch::default();
    poll_task(&mut batch, &registration, MAX_FLUSH + 1);
    for is_waiting in [true, false] {
        let guard = PollGuard::begin(&mut batch);
        assert_eq!(waits_for_flush(), is_waiting);
        guard.end();
    }
}

#[test]
fn batch_of_a_dropped_task_is_flushed() {
    let registration = registration();
    let count = Arc::strong_count(registration.member());
    let mut batch = TaskBatch::default();
    poll_task(&mut batch, &registration, 2 * MAX_FLUSH);
    assert_eq!(Arc::strong_count(registration.member()), count + MAX_FLUSH);
    drop(batch);
    assert_eq!(Arc::strong_count(registration.member()), count);
}

#[test]
fn panic_in_a_poll_leaves_the_thread_unmarked() {
    let registration = registration();
    let mut task = pin!(Batched::new(poll_fn(|_| {
        add(registration.member());
        panic!("on purpose")
    })));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(!is_open() && queued() == 0);
    let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut cx)));
    assert!(polled.is_err());
    assert!(!is_open() && queued() == 0);
    assert_eq!(task.as_mut().project().batch.members.len(), 1, "its drop flushes it");
}

#[test]
fn task_that_is_done_ends_when_its_batch_is_flushed() {
    let registration = registration();
    let mut task = pin!(Batched::new(async {
        for _ in 0..=MAX_FLUSH {
            add(registration.member());
        }
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut cx).is_pending());
    assert!(task.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn flusher_flushes_many_members_in_several_polls_and_keeps_no_memory() {
    let registration = registration();
    let mut flusher = flusher();
    let mut batch = TaskBatch::default();
    poll_task(&mut batch, &registration, MANY);
    assert!(batch.members.is_empty(), "the flusher owns the batch");
    let mut turns = 1;
    while queued() > 0 {
        poll(&mut flusher);
        turns += 1;
    }
    assert_eq!(turns, MANY.div_ceil(MAX_FLUSH));
    assert_eq!((batch.members.capacity(), capacity()), (0, 0));
}

#[test]
fn few_members_are_left_to_the_flusher_and_many_are_not() {
    let registration = registration();
    let mut flusher = flusher();
    let mut batch = TaskBatch::default();
    let mut turn = |count| poll_task(&mut batch, &registration, count);
    turn(FLUSH_AFTER - 1);
    assert_eq!(queued(), FLUSH_AFTER - 1);
    assert!(is_flushed_soon());
    turn(1);
    assert_eq!(queued(), 0, "with {FLUSH_AFTER} the task flushes");
    turn(1);
    poll(&mut flusher);
    assert_eq!(queued(), 0);
    turn(1);
    for _ in 1..FLUSH_AFTER {
        assert_eq!(queued(), 1);
        turn(0);
    }
    assert_eq!(queued(), 0, "after {FLUSH_AFTER} tasks the last of them flushes");
    turn(1);
    flush_soon();
    assert!(!is_flushed_soon());
    turn(0);
    assert_eq!(queued(), 0, "much is flushed at once");
}

#[test]
fn task_that_has_emitted_waits_for_flush_until_the_flusher_has_flushed() {
    let registration = registration();
    let mut flusher = flusher();
    let (mut speaker, mut bystander) = (TaskBatch::default(), TaskBatch::default());
    let first = PollGuard::begin(&mut speaker);
    for _ in 0..6 * MAX_FLUSH {
        add(registration.member());
    }
    has_emitted();
    first.end();
    let check = |batch: &mut TaskBatch, is_waiting| {
        let guard = PollGuard::begin(batch);
        assert_eq!(waits_for_flush(), is_waiting);
        guard.end();
    };
    let mut turns = 0;
    while queued() > 0 {
        check(&mut bystander, false);
        check(&mut speaker, queued() > 0);
        poll(&mut flusher);
        turns += 1;
    }
    assert!(turns > 1);
    check(&mut speaker, false);
}

#[test]
fn dropped_flusher_flushes_and_leaves_batches_to_tasks() {
    let registration = registration();
    let flusher = flusher();
    assert!(is_open());
    add(registration.member());
    drop(flusher);
    assert_eq!(queued(), 0);
    assert!(!is_open() && !is_flushed_soon());
}

/// Something that a user's middleware has put into a request.
#[derive(Clone)]
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn member_that_panics_when_dropped_leaves_the_others_in_the_batch() {
    let registration = registration();
    let mut flusher = flusher();
    let mut request = http::Request::new(());
    request.extensions_mut().insert(PanicsWhenDropped);
    let ended = register(Request::new(request, None));
    add(ended.member());
    add(registration.member());
    // The batch has the last reference now.
    drop(ended);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut flusher))).is_err());
    assert_eq!(queued(), 1);
    poll(&mut flusher);
    assert_eq!(queued(), 0);
}

/// Emits nothing, but uses the batch of a thread that ends.
struct AddsWhenDropped(Registration);

impl Drop for AddsWhenDropped {
    fn drop(&mut self) {
        assert!(!is_open() && !waits_for_flush() && !is_flushed_soon());
        add(self.0.member());
    }
}

#[test]
fn thread_that_ends_flushes_at_once() {
    thread_local!(static LAST: RefCell<Option<AddsWhenDropped>> = const { RefCell::new(None) });
    std::thread::spawn(|| {
        // Registered first, so it is dropped after the state of the thread.
        LAST.with_borrow_mut(|last| *last = Some(AddsWhenDropped(registration())));
        assert!(!is_open());
    })
    .join()
    .expect("no panic");
}
