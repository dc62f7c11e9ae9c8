//! A model of the interleavings of a session's task with other threads.
//!
//! `loom` runs each test once for every interleaving of its threads, up to a number of preemptions. The
//! outbox and the signals are the real ones; the resume slot, a connection, a session's task and its
//! client are modelled (`session.rs`). Run it as `.ci/run` does:
//!
//! ```sh
//! RUSTFLAGS='--cfg parlor_model' LOOM_MAX_PREEMPTIONS=3 CARGO_TARGET_DIR=target/model \
//!     cargo test --profile model --package parlor --lib session::model
//! ```
//!
//! These hold in each interleaving:
//!
//! - No wake-up is lost: a task that is never woken although it has work is a deadlock, which loom
//!   reports.
//! - Each connection gets the frames after those that its client has received, each once and in order.
//! - A client acknowledges a prefix of these. A resume request with another number fails.
//! - Nothing is written to a writer that was taken back ([`Half::try_write`]).
//! - A lock is taken only while no lock of its rank or a higher one is held (`crate::lock` asserts it).

mod session;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;

use self::session::{Half, REQUESTED, Shared, session};
use super::closures::Closures;
use super::options::{Limits, Recovery, SessionOptions};
use super::outbox::PushPolicy;
use super::signals::{Ending, Signal, Signals};

/// Limits the preemptions per run, unless `LOOM_MAX_PREEMPTIONS` is set.
fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(run);
}

#[test]
fn pushed_frames_wake_the_task() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        let pusher = session.spawn(|shared| {
            shared.push(1);
            shared.push(2);
        });
        assert_eq!(session.half.receive(2), [1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn two_batches_write_each_frame_once() {
    for has_flusher in [false, true] {
        model(move || {
            let session = session(SessionOptions::default(), None, has_flusher);
            let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
            session.shared.push_and_flush(&[3]);
            let mut written = session.half.receive(3);
            written.retain(|frame| *frame != 3);
            assert_eq!(written, [1, 2]);
            pusher.join().expect("no panic");
            assert_eq!(session.end(), REQUESTED);
        });
    }
}

#[test]
fn blocked_transport_wakes_the_task() {
    model(|| {
        let session = session(SessionOptions::default(), Some(1), false);
        let pusher = session.spawn(|shared| {
            shared.push_and_flush(&[1, 2]);
            shared.push_and_flush(&[3]);
        });
        session.half.unblock();
        assert_eq!(session.half.receive(3), [1, 2, 3]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn uncounted_frame_is_written_at_the_in_flight_limit() {
    model(|| {
        // The in-flight limit is one frame.
        let recovery = Recovery { max_replay_frames: 1, ..Recovery::default() };
        let options = SessionOptions { recovery, ..SessionOptions::default() };
        let session = session(options, None, false);
        let pusher = session.spawn(|shared| {
            shared.push_and_flush(&[1]);
            assert!(!shared.push_as(PushPolicy::Uncounted, 9, true));
        });
        let mut written = session.half.receive(2);
        written.sort_unstable();
        assert_eq!(written, [1, 9]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn resumed_client_gets_the_rest_while_a_batch_is_flushed() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        let pusher = session.spawn(|shared| {
            shared.push_and_flush(&[1]);
            shared.push_and_flush(&[2]);
        });
        // It has received the first frame, so the task sleeps and a batch may have the second.
        session.half.receive(1);
        session.resume(&[1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn resumed_client_gets_the_rest_while_two_batches_are_flushed() {
    model(|| {
        let session = session(SessionOptions::default(), None, true);
        session.shared.push(1);
        let flusher = session.spawn(Shared::flush);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[2]));
        session.resume(&[1, 2]);
        flusher.join().expect("no panic");
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn twice_resumed_client_gets_the_rest() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
        // The first answer never reaches it.
        session.shared.resume(Half::new(None), 0);
        session.resume(&[1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn slow_client_resumes_and_gets_the_rest() {
    model(|| {
        let limits = Limits { max_outbox_size: 1, ..Limits::default() };
        let options = SessionOptions { limits, ..SessionOptions::default() };
        let session = session(options, Some(0), false);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
        session.resume(&[1, 2]);
        pusher.join().expect("no panic");
        assert_eq!(session.end(), REQUESTED);
    });
}

#[test]
fn evicted_session_ends_even_if_its_client_resumes() {
    model(|| {
        let session = session(SessionOptions::default(), None, false);
        session.shared.signals.raise(Signal::TooSlow);
        let evictor = session.spawn(|shared| {
            if shared.outbox.discard().is_some() {
                shared.signals.end(Ending::Evicted);
            }
        });
        session.shared.resume(Half::new(None), 0);
        evictor.join().expect("no panic");
        let ending = session.end();
        assert!(matches!(ending, Ending::Evicted | REQUESTED));
    });
}

#[test]
fn session_ends_while_frames_are_pushed_and_flushed() {
    model(|| {
        let session = session(SessionOptions::default(), None, true);
        let pusher = session.spawn(|shared| shared.push_and_flush(&[1, 2]));
        let shared = Arc::clone(&session.shared);
        assert_eq!(session.end(), REQUESTED);
        shared.signals.end(Ending::Overflow);
        assert_eq!(shared.signals.ending(), Some(REQUESTED), "the first reason stands");
        pusher.join().expect("no panic");
    });
}

#[test]
fn closure_is_run_or_dropped_while_session_ends() {
    model(|| {
        let shared = Arc::new((Closures::default(), Signals::default()));
        let captured = Arc::new(());
        let (adder, ender) = (Arc::clone(&shared), Arc::clone(&shared));
        let in_closure = Arc::clone(&captured);
        let adder = thread::spawn(move || {
            if adder.0.push(Box::new(move |_| drop(in_closure)), 8).is_ok() {
                adder.1.raise(Signal::Closure);
            }
        });
        let ender = thread::spawn(move || ender.1.end(REQUESTED));
        let task = poll_fn(|cx| {
            shared.1.register(cx.waker());
            if shared.1.take().has(Signal::Closure)
                && let Some(closure) = shared.0.pop()
            {
                closure(&mut ());
            }
            if shared.1.ending().is_none() {
                return Poll::Pending;
            }
            shared.0.close();
            Poll::Ready(())
        });
        block_on(task);
        adder.join().expect("no panic");
        ender.join().expect("no panic");
        assert_eq!(Arc::strong_count(&captured), 1, "it still waits");
    });
}

#[test]
fn closure_wakes_session() {
    model(|| {
        let shared = Arc::new((Closures::default(), Signals::default()));
        let adder = Arc::clone(&shared);
        let adder = thread::spawn(move || {
            assert!(adder.0.push(Box::new(|_| {}), 8).is_ok());
            adder.1.raise(Signal::Closure);
        });
        block_on(poll_fn(|cx| {
            shared.1.register(cx.waker());
            let is_due = shared.1.take().has(Signal::Closure);
            if is_due && shared.0.pop().is_some() { Poll::Ready(()) } else { Poll::Pending }
        }));
        adder.join().expect("no panic");
    });
}
