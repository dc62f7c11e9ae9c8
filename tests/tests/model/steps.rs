//! What happens in a case, and how it is chosen.

use std::fmt;
use std::time::Duration;

use parlor::test::Side;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// How many clients there are.
pub(crate) const CLIENTS: usize = 2;

/// One run of the model.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) limits: Limits,
    pub(crate) steps: Vec<Step>,
}

/// A line per step, however it is asked for.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, steps } = self;
        f.write_str(&format!("{limits:?}"))?;
        steps.iter().try_for_each(|Step { act, turns }| {
            f.write_str(&format!("\n    {act:?}, then {turns} turns"))
        })
    }
}

/// What the server keeps.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) window: Duration,
    pub(crate) outbox: usize,
    pub(crate) replay: usize,
    pub(crate) frames: usize,
    pub(crate) detached: usize,
    /// Whether only some events are taken per second.
    pub(crate) rate: bool,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) act: Act,
    /// How often the others have their turn afterwards.
    pub(crate) turns: u8,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A client emits so many events of this size.
    Note(usize, usize, usize),
    /// A client calls; the handler takes so many milliseconds.
    Ask(usize, u64),
    /// The server emits to a client.
    Tell(usize, usize, usize),
    /// The server emits to a client what may be replaced.
    Show(usize, usize),
    /// The server emits to a client what may be dropped.
    Move(usize, usize),
    /// The server emits to the room.
    Broadcast(usize, usize),
    Cut(usize),
    CutUnnoticedBy(usize, Side),
    Stall(usize),
    Resume(usize),
    Delay(usize, u64),
    Trickle(usize, usize),
    Buffer(usize, usize),
    Refuse(usize),
    Accept(usize),
    /// The client's attempts arrive when later ones have long done so.
    Overtake(usize),
    /// Nobody takes the client's events any more.
    Ignore(usize),
    /// Somebody does again.
    Listen(usize),
    /// So many milliseconds pass.
    Wait(u64),
    Restart,
    Crash,
}

impl Act {
    /// Whether a client may lose its connection because of this.
    pub(crate) fn disturbs(&self, client: usize) -> bool {
        match self {
            Self::Cut(who)
            | Self::CutUnnoticedBy(who, _)
            | Self::Stall(who)
            | Self::Delay(who, _)
            | Self::Overtake(who) => *who == client,
            Self::Restart | Self::Crash => true,
            _ => false,
        }
    }
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    (limits(), vec(step(), 1..30)).prop_map(|(limits, steps)| Case { limits, steps })
}

fn limits() -> impl Strategy<Value = Limits> {
    let window = select(vec![30_000, 30_000, 30_000, 3_000, 0]).prop_map(Duration::from_millis);
    let outbox = select(vec![1 << 20, 1 << 20, 16 << 10]);
    let replay = select(vec![256 << 10, 192 << 10]);
    let frames = select(vec![4096, 1024]);
    let detached = select(vec![10_000, 10_000, 10_000, 1]);
    let rate = prop::bool::weighted(0.2);
    (window, outbox, replay, frames, detached, rate).prop_map(
        |(window, outbox, replay, frames, detached, rate)| Limits {
            window,
            outbox,
            replay,
            frames,
            detached,
            rate,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    (act(), 0..4_u8).prop_map(|(act, turns)| Step { act, turns })
}

fn act() -> impl Strategy<Value = Act> {
    let who = || 0..CLIENTS;
    let size = || select(vec![0, 0, 10, 300, 3_000]);
    let few = || select(vec![1, 2, 3, 100]);
    // More than the windows of both sides, in bytes; in frames; and more than a client's inbox takes.
    let many = || select(vec![(300, 0), (300, 0), (280, 1_000), (8, 12_000), (8, 12_000)]);
    let flood = prop_oneof![8 => many(), 1 => Just((1_100, 0)), 1 => Just((100, 12_000))];
    let unaware = select(vec![Side::Client, Side::Server]);
    prop_oneof![
        8 => (who(), 1..6_usize, size()).prop_map(|(who, count, size)| Act::Note(who, count, size)),
        6 => (who(), select(vec![0, 0, 0, 40, 2_500])).prop_map(|(who, busy)| Act::Ask(who, busy)),
        8 => (who(), 1..8_usize, size()).prop_map(|(who, count, size)| Act::Tell(who, count, size)),
        1 => (who(), many()).prop_map(|(who, (count, size))| Act::Note(who, count, size)),
        1 => (who(), flood).prop_map(|(who, (count, size))| Act::Tell(who, count, size)),
        2 => (who(), few()).prop_map(|(who, count)| Act::Show(who, count)),
        2 => (who(), few()).prop_map(|(who, count)| Act::Move(who, count)),
        4 => (1..4_usize, size()).prop_map(|(count, size)| Act::Broadcast(count, size)),
        6 => who().prop_map(Act::Cut),
        3 => (who(), unaware).prop_map(|(who, unaware)| Act::CutUnnoticedBy(who, unaware)),
        4 => who().prop_map(Act::Stall),
        4 => who().prop_map(Act::Resume),
        3 => (who(), select(vec![0, 1, 30, 700, 4_000])).prop_map(|(who, ms)| Act::Delay(who, ms)),
        1 => (who(), select(vec![1, 7, usize::MAX])).prop_map(|(who, most)| Act::Trickle(who, most)),
        2 => (who(), select(vec![100, 2_000, 64 << 10])).prop_map(|(who, most)| Act::Buffer(who, most)),
        1 => who().prop_map(Act::Refuse),
        3 => who().prop_map(Act::Accept),
        2 => who().prop_map(Act::Overtake),
        1 => who().prop_map(Act::Ignore),
        2 => who().prop_map(Act::Listen),
        8 => select(vec![1, 1, 20, 150, 1_100, 4_000, 12_000]).prop_map(Act::Wait),
        1 => select(vec![40_000]).prop_map(Act::Wait),
        1 => Just(Act::Restart),
        1 => Just(Act::Crash),
    ]
}
