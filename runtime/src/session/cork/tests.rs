use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::rooms::Hub;
use crate::server::Request;
use crate::session::recovery::tests::request;
use crate::session::{Presence, SocketId};

/// More than a thread keeps room for.
const CROWD: usize = 5000;

fn presence() -> Presence {
    enter(request())
}

fn enter(request: Request) -> Presence {
    let id = SocketId::random().expect("random bits");
    Presence::enter(id, request, &Arc::<Hub>::default(), &Arc::default(), None).expect("room")
}

fn flush() -> Flush {
    let mut flush = Flush::default();
    poll(&mut flush);
    flush
}

fn poll(flush: &mut Flush) {
    assert!(Pin::new(flush).poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

fn waiting() -> usize {
    THREAD.with_borrow(|thread| thread.corked.len())
}

fn room() -> usize {
    THREAD.with_borrow(|thread| thread.corked.capacity())
}

#[test]
fn who_spoke_to_a_crowd_keeps_no_room_for_it() {
    let presence = presence();
    for size in [CROWD, 200, 1] {
        let mut cork = Cork::default();
        cork.put_in();
        for _ in 0..size {
            put_on(presence.member());
        }
        let mut turns = 1;
        while cork.pull() {
            turns += 1;
        }
        assert_eq!(turns, size.div_ceil(TURN));
        assert_eq!(cork.corked.capacity(), 0);
        assert!((1..=ROOM).contains(&room()) || size == CROWD, "{}", room());
    }
}

#[test]
fn on_a_thread_with_a_flush_neither_does_the_thread() {
    let presence = presence();
    let mut flush = flush();
    let mut cork = Cork::default();
    cork.put_in();
    for _ in 0..CROWD {
        put_on(presence.member());
    }
    assert!(!cork.pull(), "the rest is written by others");
    let mut turns = 1;
    while waiting() > 0 {
        poll(&mut flush);
        turns += 1;
    }
    assert_eq!(turns, CROWD.div_ceil(TURN));
    assert_eq!((cork.corked.capacity(), room()), (0, 0));
}

#[test]
fn few_are_left_to_the_flush_and_many_are_not() {
    let presence = presence();
    let mut flush = flush();
    let mut cork = Cork::default();
    let mut put = |count: usize| {
        cork.put_in();
        for _ in 0..count {
            put_on(presence.member());
        }
        assert!(!cork.pull());
    };
    put(FEW - 1);
    assert_eq!(waiting(), FEW - 1);
    assert!(is_flushed_soon());
    put(1);
    assert_eq!(waiting(), 0, "with {FEW} the task writes");
    put(1);
    poll(&mut flush);
    assert_eq!(waiting(), 0);
    put(1);
    for _ in 1..FEW {
        assert_eq!(waiting(), 1);
        put(0);
    }
    assert_eq!(waiting(), 0, "nobody waits for more tasks");
    put(1);
    hurry();
    assert!(!is_flushed_soon());
    put(0);
    assert_eq!(waiting(), 0, "much is written at once");
}

#[test]
fn who_emits_to_many_goes_on_when_they_were_written_to() {
    let presence = presence();
    let mut flush = flush();
    let (mut speaker, mut bystander) = (Cork::default(), Cork::default());
    speaker.put_in();
    for _ in 0..3 * TURN {
        put_on(presence.member());
    }
    hold_back();
    assert!(!speaker.pull());
    bystander.put_in();
    assert!(!bystander.pull());
    assert!(!bystander.holds_any());
    while waiting() > 0 {
        assert!(speaker.holds_any());
        poll(&mut flush);
    }
    assert!(!speaker.holds_any());
}

#[test]
fn without_its_flush_a_thread_is_like_any_other() {
    let presence = presence();
    let flush = flush();
    assert!(is_in());
    put_on(presence.member());
    drop(flush);
    assert_eq!(waiting(), 0);
    assert!(!is_in() && !is_flushed_soon());
}

/// Something that a user's middleware has put into a request.
#[derive(Clone)]
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("as asked");
    }
}

#[test]
fn who_panics_when_dropped_costs_nobody_else_anything() {
    let presence = presence();
    let mut flush = flush();
    let mut request = http::Request::new(());
    request.extensions_mut().insert(Grenade);
    let ended = enter(Request::new(request, None));
    put_on(ended.member());
    put_on(presence.member());
    // The list has the last of it now.
    drop(ended);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut flush))).is_err());
    assert_eq!(waiting(), 1);
    poll(&mut flush);
    assert_eq!(waiting(), 0);
}
