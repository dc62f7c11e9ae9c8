use proptest::prelude::*;

use super::*;

/// One operation on a queue. Each frame has different bytes.
#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Latest(u64),
    Uncounted,
    Take,
    /// The client confirms some of the frames in flight.
    Confirm(prop::sample::Index),
    /// The connection is lost, and the client has received some of the frames in flight.
    Lose(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..40usize).prop_map(Step::Push),
        4 => (0..3u64).prop_map(Step::Latest),
        1 => Just(Step::Uncounted),
        4 => Just(Step::Take),
        2 => any::<prop::sample::Index>().prop_map(Step::Confirm),
        1 => any::<prop::sample::Index>().prop_map(Step::Lose),
    ];
    prop::collection::vec(step, 0..200)
}

/// The simplest queue with the same behavior.
#[derive(Default)]
struct Model {
    pending: Vec<(Option<u64>, Vec<u8>)>,
    in_flight: Vec<Vec<u8>>,
    confirmed: u64,
    /// The most frames that were ever taken.
    reached: u64,
}

/// A byte that no counted frame has.
const UNCOUNTED: u8 = 0xff;

fn frame(number: usize, size: usize) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(8 + size, b'x');
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn frames_are_taken_as_pushed_with_recovery(steps in steps()) {
        const WINDOW: InFlightLimit = InFlightLimit { bytes: 200, frames: 8 };
        let mut queue = Queue::new(Some(WINDOW));
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(size) => push(&mut queue, &mut model, number, size),
                Step::Latest(key) => push_latest(&mut queue, &mut model, number, key)?,
                Step::Uncounted => {
                    queue.push_uncounted(Frame::copy(&[UNCOUNTED]));
                    let mut bytes = Vec::new();
                    queue.take(&mut bytes);
                    prop_assert_eq!(bytes.first(), Some(&UNCOUNTED));
                    take(&mut model, bytes)?;
                }
                Step::Take => {
                    let mut bytes = Vec::new();
                    queue.take(&mut bytes);
                    let was_pending = !model.pending.is_empty();
                    prop_assert!(!was_pending || !bytes.is_empty() || queue.is_limit_reached());
                    take(&mut model, bytes)?;
                }
                Step::Confirm(received) => {
                    let received = received.index(model.in_flight.len() + 1);
                    model.confirmed += received as u64;
                    model.in_flight.drain(..received);
                    prop_assert_eq!(queue.confirm(model.confirmed), Ok(()));
                }
                Step::Lose(received) => {
                    queue.drop_uncounted();
                    prop_assert_eq!(queue.confirm(model.reached + 1), Err(Mismatch));
                    let replayed = model.in_flight.drain(..).map(|bytes| (None, bytes));
                    model.pending.splice(0..0, replayed);
                    // Perhaps over an earlier connection.
                    let ahead = usize::try_from(model.reached - model.confirmed).expect("a few");
                    let received = received.index(ahead + 1);
                    model.pending.drain(..received);
                    model.confirmed += received as u64;
                    prop_assert_eq!(queue.confirm(model.confirmed), Ok(()));
                    queue.rewind();
                }
            }
            let taken = model.confirmed + model.in_flight.len() as u64;
            model.reached = model.reached.max(taken);
            let in_flight: usize = model.in_flight.iter().map(Vec::len).sum();
            let pending: usize = model.pending.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(queue.holes(), queue.counted.iter().filter(|slot| slot.is_none()).count());
            prop_assert!(queue.pending_bytes() >= pending);
            prop_assert!(queue.size() >= pending + in_flight);
            prop_assert!(queue.size() < pending + in_flight + 4 * 200);
            prop_assert!(model.in_flight.len() <= WINDOW.frames as usize);
            prop_assert!(in_flight < WINDOW.bytes as usize + 48);
        }
        queue.remove_limit();
        let mut bytes = Vec::new();
        queue.take(&mut bytes);
        take(&mut model, bytes)?;
        prop_assert!(model.pending.is_empty());
        prop_assert_eq!((queue.size(), queue.len(), queue.counted.len()), (0, 0, 0));
        prop_assert_eq!(queue.uncounted(), 0);
    }

    #[test]
    fn frames_are_taken_as_pushed_without_recovery(steps in steps()) {
        let mut queue = Queue::new(None);
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                // Larger than a batch together.
                Step::Push(size) => push(&mut queue, &mut model, number, size * 500),
                Step::Latest(key) => push_latest(&mut queue, &mut model, number, key)?,
                Step::Uncounted => queue.push_uncounted(Frame::copy(&[UNCOUNTED])),
                _ => {
                    let mut bytes = Vec::new();
                    queue.take(&mut bytes);
                    take(&mut model, bytes)?;
                }
            }
            let pending: usize = model.pending.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(queue.pending_bytes(), pending + queue.uncounted());
        }
    }
}

/// Pushes some frames as shared, some as unshared.
fn push(queue: &mut Queue, model: &mut Model, number: usize, size: usize) {
    let frame = frame(number, size);
    match number % 3 {
        0 => queue.push(&Frame::copy(&frame)),
        _ => queue.push(frame.as_slice()),
    }
    model.pending.push((None, frame));
}

fn push_latest(
    queue: &mut Queue,
    model: &mut Model,
    number: usize,
    key: u64,
) -> Result<(), TestCaseError> {
    let before = model.pending.iter().position(|(of, _)| *of == Some(key));
    let frame = frame(number, 1);
    prop_assert_eq!(queue.push_latest(frame.as_slice(), key), before.is_some());
    before.map(|before| model.pending.remove(before));
    model.pending.push((Some(key), frame));
    Ok(())
}

/// Checks that the bytes are those of the first pending frames.
fn take(model: &mut Model, mut bytes: Vec<u8>) -> Result<(), TestCaseError> {
    bytes.retain(|byte| *byte != UNCOUNTED);
    let mut bytes = bytes.as_slice();
    while !bytes.is_empty() {
        prop_assert!(!model.pending.is_empty());
        let (_, frame) = model.pending.remove(0);
        prop_assert!(bytes.starts_with(&frame));
        bytes = &bytes[frame.len()..];
        model.in_flight.push(frame);
    }
    Ok(())
}

#[test]
fn late_resume_request_with_smaller_number_is_accepted() {
    let mut queue = Queue::new(Some(InFlightLimit { bytes: 100, frames: 8 }));
    let taken = |queue: &mut Queue| {
        let mut bytes = Vec::new();
        queue.take(&mut bytes);
        String::from_utf8(bytes).expect("letters")
    };
    queue.push(b"a".as_slice());
    queue.push_latest(b"b".as_slice(), 1);
    queue.push(b"c".as_slice());
    assert_eq!(taken(&mut queue), "abc");
    // A resume request with 1 arrives after the client has received 2.
    assert_eq!(resume(&mut queue, 1), Ok(()));
    assert!(!queue.push_latest(b"d".as_slice(), 1), "a frame in flight is not replaced");
    assert_eq!(resume(&mut queue, 4), Err(Mismatch));
    assert_eq!(resume(&mut queue, 2), Ok(()));
    assert_eq!(taken(&mut queue), "cd");
    assert_eq!(resume(&mut queue, 1), Err(Mismatch));
    assert_eq!(resume(&mut queue, 4), Ok(()));
    assert_eq!((queue.size(), queue.len(), queue.counted.len()), (0, 0, 0));
}

fn resume(queue: &mut Queue, received: u64) -> Result<(), Mismatch> {
    queue.confirm(received)?;
    queue.rewind();
    Ok(())
}

#[test]
fn memory_is_bounded_when_one_key_is_pushed_again_and_again() {
    let mut queue = Queue::new(None);
    queue.push(&Frame::copy(b"first"));
    for _ in 0..100_000 {
        queue.push_latest(b"a".as_slice(), 1);
    }
    assert_eq!((queue.len(), queue.size()), (2, 6));
    assert!(queue.counted.len() < 4 * MAX_HOLES);
}

fn taken(queue: &mut Queue) -> Vec<u8> {
    let mut bytes = Vec::new();
    queue.take(&mut bytes);
    bytes
}

#[test]
fn memory_is_bounded_when_client_sends_heartbeats_and_no_acknowledgements() {
    // Below the in-flight limit, and at it.
    for limit in [InFlightLimit { bytes: 100, frames: 8 }, InFlightLimit { bytes: 100, frames: 1 }]
    {
        let mut queue = Queue::new(Some(limit));
        queue.push(b"unconfirmed".as_slice());
        assert_eq!(taken(&mut queue), b"unconfirmed");
        for _ in 0..100_000 {
            queue.push_uncounted(Frame::copy(&b"pong"[..]));
            assert_eq!(taken(&mut queue), b"pong");
        }
        let uncounted = queue.rare.as_ref().map_or(0, |rare| rare.uncounted.capacity());
        let capacity = queue.counted.capacity() + uncounted;
        assert!(capacity < 4 * MAX_HOLES, "{capacity}");
        assert_eq!((queue.len(), queue.size()), (1, 11));
    }
}

#[test]
fn uncounted_frames_go_first_in_order_even_at_the_in_flight_limit() {
    let mut queue = Queue::new(Some(InFlightLimit { bytes: 100, frames: 1 }));
    queue.push(b"1".as_slice());
    queue.push(b"2".as_slice());
    assert_eq!(taken(&mut queue), b"1");
    queue.push_uncounted(Frame::copy(&b"a"[..]));
    queue.push_uncounted(Frame::copy(&b"b"[..]));
    assert_eq!(taken(&mut queue), b"ab");
    queue.push_uncounted(Frame::copy(&b"c"[..]));
    assert_eq!(queue.confirm(1), Ok(()));
    assert_eq!(taken(&mut queue), b"c2");
}

#[test]
fn memory_is_freed_after_long_queue_is_confirmed() {
    let mut queue = Queue::new(Some(InFlightLimit { bytes: 1 << 20, frames: 4096 }));
    for _ in 0..4096 {
        queue.push(b"x".as_slice());
    }
    assert_eq!(taken(&mut queue).len(), 4096);
    assert_eq!(queue.confirm(4096), Ok(()));
    assert!(queue.counted.capacity() <= Slot::KEPT_CAPACITY);
    queue.shrink();
    assert_eq!(queue.counted.capacity(), 0);
}
