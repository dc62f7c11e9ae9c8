use proptest::prelude::*;

use super::*;

/// What a queue is asked to do. Frames are told apart by their bytes.
#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Latest(u64),
    Uncounted,
    Take,
    /// The client says how many of those under way it has.
    Confirm(prop::sample::Index),
    /// The connection is lost; the client has so many of those under way.
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

/// The same in the simplest way: numbered frames, and a client that has got some of them.
#[derive(Default)]
struct Model {
    /// Frames that were not handed over to the connection of now.
    waiting: Vec<(Option<u64>, Vec<u8>)>,
    /// Handed over and not confirmed.
    under_way: Vec<Vec<u8>>,
    confirmed: u64,
    /// The most that was ever handed over.
    reached: u64,
}

/// What no frame of the model has in it.
const UNCOUNTED: u8 = 0xff;

fn frame(number: usize, size: usize) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(8 + size, b'x');
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_handed_over_is_what_was_pushed_whatever_happens(steps in steps()) {
        const WINDOW: Window = Window { bytes: 200, frames: 8 };
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
                    let waited = !model.waiting.is_empty();
                    prop_assert!(!waited || !bytes.is_empty() || queue.is_held());
                    take(&mut model, bytes)?;
                }
                Step::Confirm(received) => {
                    let received = received.index(model.under_way.len() + 1);
                    model.confirmed += received as u64;
                    model.under_way.drain(..received);
                    prop_assert_eq!(queue.confirm(model.confirmed), Ok(()));
                }
                Step::Lose(received) => {
                    queue.drop_uncounted();
                    prop_assert_eq!(queue.confirm(model.reached + 1), Err(Mismatch));
                    let again = model.under_way.drain(..).map(|bytes| (None, bytes));
                    model.waiting.splice(0..0, again);
                    // Perhaps over a connection before the last.
                    let ahead = usize::try_from(model.reached - model.confirmed).expect("a few");
                    let received = received.index(ahead + 1);
                    model.waiting.drain(..received);
                    model.confirmed += received as u64;
                    prop_assert_eq!(queue.confirm(model.confirmed), Ok(()));
                    queue.rewind();
                }
            }
            let handed_over = model.confirmed + model.under_way.len() as u64;
            model.reached = model.reached.max(handed_over);
            let under_way: usize = model.under_way.iter().map(Vec::len).sum();
            let waiting: usize = model.waiting.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(queue.holes(), queue.empty());
            prop_assert!(queue.waiting() >= waiting);
            prop_assert!(queue.size() >= waiting + under_way);
            prop_assert!(queue.size() < waiting + under_way + 4 * 200);
            prop_assert!(model.under_way.len() <= WINDOW.frames as usize);
            prop_assert!(under_way < WINDOW.bytes as usize + 48);
        }
        queue.keep_nothing();
        let mut bytes = Vec::new();
        queue.take(&mut bytes);
        take(&mut model, bytes)?;
        prop_assert!(model.waiting.is_empty());
        prop_assert_eq!((queue.size(), queue.len(), queue.frames.len()), (0, 0, 0));
        prop_assert_eq!(queue.uncounted(), 0);
    }

    #[test]
    fn without_recovery_too(steps in steps()) {
        let mut queue = Queue::new(None);
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                // Some batches of them wait.
                Step::Push(size) => push(&mut queue, &mut model, number, size * 500),
                Step::Latest(key) => push_latest(&mut queue, &mut model, number, key)?,
                Step::Uncounted => queue.push_uncounted(Frame::copy(&[UNCOUNTED])),
                _ => {
                    let mut bytes = Vec::new();
                    queue.take(&mut bytes);
                    take(&mut model, bytes)?;
                }
            }
            let waiting: usize = model.waiting.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(queue.waiting(), waiting + queue.uncounted());
        }
    }
}

/// Some go into other queues, too.
fn push(queue: &mut Queue, model: &mut Model, number: usize, size: usize) {
    let frame = frame(number, size);
    match number % 3 {
        0 => queue.push(&Frame::copy(&frame)),
        _ => queue.push(frame.as_slice()),
    }
    model.waiting.push((None, frame));
}

fn push_latest(
    queue: &mut Queue,
    model: &mut Model,
    number: usize,
    key: u64,
) -> Result<(), TestCaseError> {
    let before = model.waiting.iter().position(|(of, _)| *of == Some(key));
    let frame = frame(number, 1);
    prop_assert_eq!(queue.push_latest(frame.as_slice(), key), before.is_some());
    before.map(|before| model.waiting.remove(before));
    model.waiting.push((Some(key), frame));
    Ok(())
}

/// The bytes are of the frames that waited first.
fn take(model: &mut Model, mut bytes: Vec<u8>) -> Result<(), TestCaseError> {
    bytes.retain(|byte| *byte != UNCOUNTED);
    let mut bytes = bytes.as_slice();
    while !bytes.is_empty() {
        prop_assert!(!model.waiting.is_empty());
        let (_, frame) = model.waiting.remove(0);
        prop_assert!(bytes.starts_with(&frame));
        bytes = &bytes[frame.len()..];
        model.under_way.push(frame);
    }
    Ok(())
}

#[test]
fn an_attempt_that_comes_late_takes_nothing_back() {
    let mut queue = Queue::new(Some(Window { bytes: 100, frames: 8 }));
    let taken = |queue: &mut Queue| {
        let mut bytes = Vec::new();
        queue.take(&mut bytes);
        String::from_utf8(bytes).expect("letters")
    };
    queue.push(b"a".as_slice());
    queue.push_latest(b"b".as_slice(), 1);
    queue.push(b"c".as_slice());
    assert_eq!(taken(&mut queue), "abc");
    // It had seen one; the client has seen two since.
    assert_eq!(resume(&mut queue, 1), Ok(()));
    assert!(!queue.push_latest(b"d".as_slice(), 1), "what has a number keeps it");
    assert_eq!(resume(&mut queue, 4), Err(Mismatch));
    assert_eq!(resume(&mut queue, 2), Ok(()));
    assert_eq!(taken(&mut queue), "cd");
    assert_eq!(resume(&mut queue, 1), Err(Mismatch));
    assert_eq!(resume(&mut queue, 4), Ok(()));
    assert_eq!((queue.size(), queue.len(), queue.frames.len()), (0, 0, 0));
}

fn resume(queue: &mut Queue, received: u64) -> Result<(), Mismatch> {
    queue.confirm(received)?;
    queue.rewind();
    Ok(())
}

#[test]
fn one_key_that_changes_for_ever_takes_little_room() {
    let mut queue = Queue::new(None);
    queue.push(&Frame::copy(b"first"));
    for _ in 0..100_000 {
        queue.push_latest(b"a".as_slice(), 1);
    }
    assert_eq!((queue.len(), queue.size()), (2, 6));
    assert!(queue.frames.len() < 4 * HOLES);
}

impl Queue {
    fn empty(&self) -> usize {
        self.frames.iter().filter(|frame| frame.is_none()).count()
    }
}

fn taken(queue: &mut Queue) -> Vec<u8> {
    let mut bytes = Vec::new();
    queue.take(&mut bytes);
    bytes
}

#[test]
fn who_confirms_nothing_and_asks_for_signs_of_life_takes_no_room() {
    // Before the window is closed, and after.
    for window in [Window { bytes: 100, frames: 8 }, Window { bytes: 100, frames: 1 }] {
        let mut queue = Queue::new(Some(window));
        queue.push(b"unconfirmed".as_slice());
        assert_eq!(taken(&mut queue), b"unconfirmed");
        for _ in 0..100_000 {
            queue.push_uncounted(Frame::copy(&b"pong"[..]));
            assert_eq!(taken(&mut queue), b"pong");
        }
        let uncounted = queue.rare.as_ref().map_or(0, |rare| rare.uncounted.capacity());
        let places = queue.frames.capacity() + uncounted;
        assert!(places < 4 * HOLES, "{places}");
        assert_eq!((queue.len(), queue.size()), (1, 11));
    }
}

#[test]
fn what_has_no_number_keeps_its_order_and_waits_for_nothing() {
    let mut queue = Queue::new(Some(Window { bytes: 100, frames: 1 }));
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
fn a_queue_that_was_long_gives_its_memory_back() {
    let mut queue = Queue::new(Some(Window { bytes: 1 << 20, frames: 4096 }));
    for _ in 0..4096 {
        queue.push(b"x".as_slice());
    }
    assert_eq!(taken(&mut queue).len(), 4096);
    assert_eq!(queue.confirm(4096), Ok(()));
    assert!(queue.frames.capacity() <= ROOM);
    queue.shrink();
    assert_eq!(queue.frames.capacity(), 0);
}
