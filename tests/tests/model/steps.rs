//! The steps of a case, and how they are chosen.

use std::fmt;
use std::time::Duration;

use parlor::test::Side;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The number of clients.
pub(crate) const CLIENTS: usize = 2;

/// One run of the model.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) limits: Limits,
    pub(crate) steps: Vec<Step>,
}

/// Writes one line per step, also without `{:#?}`.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, steps } = self;
        f.write_str(&format!("{limits:?}"))?;
        steps.iter().try_for_each(|Step { action, turns }| {
            f.write_str(&format!("\n    {action:?}, then {turns} turns"))
        })
    }
}

/// The limits of the server.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) window: Duration,
    pub(crate) outbox: usize,
    pub(crate) replay: usize,
    pub(crate) frames: usize,
    pub(crate) detached: usize,
    /// Whether a rate limit is set.
    pub(crate) rate: bool,
}

/// An action, followed by turns of the other tasks.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) action: Action,
    /// How often the other tasks run afterwards.
    pub(crate) turns: u8,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Client, count, bytes: the client emits events.
    Emit(usize, usize, usize),
    /// Client, milliseconds: the client calls, and the handler takes this long.
    Call(usize, u64),
    /// Client, count, bytes: the server emits to the client.
    EmitDirect(usize, usize, usize),
    /// Client, count: the server emits latest events to the client.
    EmitLatest(usize, usize),
    /// Client, count: the server emits volatile events to the client.
    EmitVolatile(usize, usize),
    /// Count, bytes: the server emits to the room.
    EmitToRoom(usize, usize),
    Cut(usize),
    CutUnnoticedBy(usize, Side),
    Stall(usize),
    Resume(usize),
    Delay(usize, u64),
    Trickle(usize, usize),
    Buffer(usize, usize),
    Refuse(usize),
    Accept(usize),
    /// The client's attempts arrive after later ones.
    Overtake(usize),
    /// The client stops reading its events.
    StopReading(usize),
    /// The client reads its events again.
    ReadEvents(usize),
    /// Milliseconds pass.
    Wait(u64),
    Restart,
    Crash,
}

impl Action {
    /// Returns whether the client may lose its connection because of this.
    pub(crate) fn disturbs(&self, client: usize) -> bool {
        match self {
            Self::Cut(it)
            | Self::CutUnnoticedBy(it, _)
            | Self::Stall(it)
            | Self::Delay(it, _)
            | Self::Overtake(it) => *it == client,
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
    (action(), 0..4_u8).prop_map(|(action, turns)| Step { action, turns })
}

fn action() -> impl Strategy<Value = Action> {
    let client = || 0..CLIENTS;
    let size = || select(vec![0, 0, 10, 300, 3_000]);
    let few = || select(vec![1, 2, 3, 100]);
    // Count and bytes that exceed the limits in flight of both sides, or a client's inbox.
    let many = || select(vec![(300, 0), (300, 0), (280, 1_000), (8, 12_000), (8, 12_000)]);
    let flood = prop_oneof![8 => many(), 1 => Just((1_100, 0)), 1 => Just((100, 12_000))];
    let unaware_side = select(vec![Side::Client, Side::Server]);
    prop_oneof![
        8 => (client(), 1..6_usize, size()).prop_map(|(client, count, size)| Action::Emit(client, count, size)),
        6 => (client(), select(vec![0, 0, 0, 40, 2_500])).prop_map(|(client, busy)| Action::Call(client, busy)),
        8 => (client(), 1..8_usize, size()).prop_map(|(client, count, size)| Action::EmitDirect(client, count, size)),
        1 => (client(), many()).prop_map(|(client, (count, size))| Action::Emit(client, count, size)),
        1 => (client(), flood).prop_map(|(client, (count, size))| Action::EmitDirect(client, count, size)),
        2 => (client(), few()).prop_map(|(client, count)| Action::EmitLatest(client, count)),
        2 => (client(), few()).prop_map(|(client, count)| Action::EmitVolatile(client, count)),
        4 => (1..4_usize, size()).prop_map(|(count, size)| Action::EmitToRoom(count, size)),
        6 => client().prop_map(Action::Cut),
        3 => (client(), unaware_side).prop_map(|(client, side)| Action::CutUnnoticedBy(client, side)),
        4 => client().prop_map(Action::Stall),
        4 => client().prop_map(Action::Resume),
        3 => (client(), select(vec![0, 1, 30, 700, 4_000])).prop_map(|(client, ms)| Action::Delay(client, ms)),
        1 => (client(), select(vec![1, 7, usize::MAX])).prop_map(|(client, max)| Action::Trickle(client, max)),
        2 => (client(), select(vec![100, 2_000, 64 << 10])).prop_map(|(client, max)| Action::Buffer(client, max)),
        1 => client().prop_map(Action::Refuse),
        3 => client().prop_map(Action::Accept),
        2 => client().prop_map(Action::Overtake),
        1 => client().prop_map(Action::StopReading),
        2 => client().prop_map(Action::ReadEvents),
        8 => select(vec![1, 1, 20, 150, 1_100, 4_000, 12_000]).prop_map(Action::Wait),
        1 => select(vec![40_000]).prop_map(Action::Wait),
        1 => Just(Action::Restart),
        1 => Just(Action::Crash),
    ]
}
