//! Measures how long threads wait for each other: `cargo bench -p parlor --bench contention`.
//!
//! The clients have no connections, and the event is `latest`, so an outbox keeps only one frame
//! and broadcasts never pause. `-- latency` and `-- throughput` select a part. With `--test` the
//! bench runs only briefly.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parlor::__bench::{Client, Clients, lock_waits};
use parlor::prelude::*;

/// The room of all clients.
const BIG: &str = "big";
const SMALL: &str = "small";
/// The number of sessions of each of the two threads, and how many of them share a room.
const SESSIONS: u32 = 256;
const PER_ROOM: u32 = 8;

#[procedure]
trait Market {
    #[outgoing(latest)]
    fn priced(price: u32);
}

/// The size of a measurement.
struct Size {
    members: usize,
    time: Duration,
    rounds: u32,
}

fn main() {
    let has = |flag| std::env::args().any(|arg| arg == flag);
    // Without `--bench`, `cargo test --all-targets` runs this.
    let is_test = has("--test") || !has("--bench");
    let size = if is_test {
        Size { members: 1000, time: Duration::from_millis(20), rounds: 10 }
    } else {
        Size { members: 100_000, time: Duration::from_secs(2), rounds: 2000 }
    };
    let chosen = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let is_chosen = |part: &str| chosen.as_ref().is_none_or(|chosen| part.contains(chosen));
    if is_chosen("latency") {
        latencies(&size);
    }
    if is_chosen("throughput") {
        throughput(&size);
    }
}

/// Measures how long changes of membership take while another thread broadcasts.
fn latencies(size: &Size) {
    let clients = Clients::new::<MarketEmitter>(size.members, BIG).expect("random bits");
    let io = clients.io::<MarketEmitter>();
    println!("changes during broadcasts to {} members", size.members);
    println!("{:44}{:>12}{:>12}{:>12}", "", "p50", "p99", "max");
    measure("room", size, || io.to(BIG), &clients);
    measure("everyone", size, || io.broadcast(), &clients);
}

/// Measures them during broadcasts to one target.
fn measure(
    target: &str,
    size: &Size,
    emitter: impl Fn() -> MarketEmitter + Sync,
    clients: &Clients,
) {
    let new = || clients.client().expect("random bits");
    let (client, other) = (new(), new());
    let others: Vec<_> = (1..PER_ROOM).map(|_| new()).collect();
    assert!(others.iter().all(|other| other.join(SMALL)));
    let broadcasts = AtomicU32::new(0);
    let stop = AtomicBool::new(false);
    let is_stopped = || stop.load(Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_stopped() {
                emitter().priced(broadcasts.fetch_add(1, Ordering::Relaxed));
            }
        });
        let start = Instant::now();
        let mut connected = None;
        let show = |what: &str, act: &mut Change<'_>, undo: &mut Change<'_>| {
            println!("{:44}{}", format!("{target}: {what}"), latency(size, act, undo));
        };
        show("join a small room", &mut || client.join(SMALL), &mut || client.leave(SMALL));
        client.join(SMALL);
        show("leave a small room", &mut || client.leave(SMALL), &mut || client.join(SMALL));
        show("join the big room", &mut || client.join(BIG), &mut || client.leave(BIG));
        client.join(BIG);
        show("leave the big room", &mut || client.leave(BIG), &mut || client.join(BIG));
        let mut connect = || {
            connected = clients.client();
            connected.is_some()
        };
        show("disconnect and connect", &mut connect, &mut || true);
        let seconds = start.elapsed().as_secs_f64();
        let number = f64::from(broadcasts.load(Ordering::Relaxed));
        println!("{target}: {:.0} broadcasts per second", number / seconds);
        // A join that waits for the big room must not delay joins of small rooms.
        scope.spawn(|| {
            while !is_stopped() {
                other.join(BIG);
                other.leave(BIG);
                thread::sleep(Duration::from_millis(1));
            }
        });
        client.leave(SMALL);
        let what = "join a small room, another the big one";
        show(what, &mut || client.join(SMALL), &mut || client.leave(SMALL));
        stop.store(true, Ordering::Relaxed);
    });
}

/// A change of membership. Returns whether it changed anything.
type Change<'a> = dyn FnMut() -> bool + 'a;

/// Measures `act` repeatedly and calls `undo` in between.
fn latency(size: &Size, act: &mut Change<'_>, undo: &mut Change<'_>) -> String {
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < size.time {
        let start = Instant::now();
        let is_changed = act();
        times.push(start.elapsed());
        assert!(is_changed && undo(), "nothing was measured");
        // Gives the broadcasting thread time to continue between two samples.
        thread::sleep(Duration::from_micros(50));
    }
    times.sort_unstable();
    let part = |percent: usize| times[(times.len() - 1) * percent / 100];
    [50, 99, 100].map(|percent| format!("{:>12}", format!("{:.1?}", part(percent)))).concat()
}

/// Measures the operations per second of two threads, and how long they wait for locks.
fn throughput(size: &Size) {
    println!("two threads that join, emit and leave");
    for (what, is_shared) in [("rooms of their own", false), ("shared rooms", true)] {
        let clients = Clients::new::<MarketEmitter>(1, BIG).expect("random bits");
        let guests: [Vec<Client>; 2] =
            [(); 2].map(|()| (0..SESSIONS).filter_map(|_| clients.client()).collect());
        let (waited, start) = (lock_waits(), Instant::now());
        thread::scope(|scope| {
            for (thread, guests) in guests.iter().enumerate() {
                let owner = if is_shared { 0 } else { thread };
                let io = clients.io::<MarketEmitter>();
                scope.spawn(move || work(guests, owner, &io, size.rounds));
            }
        });
        let (time, waited) = (start.elapsed(), lock_waits().saturating_sub(waited));
        let rounds = f64::from(size.rounds) / time.as_secs_f64();
        let per_second = rounds * f64::from(2 * 3 * SESSIONS);
        println!(
            "{what}: {per_second:.0} operations per second, {waited:.1?} of 2 x {time:.1?} waited"
        );
    }
}

/// Each session joins a room, emits to it and leaves the room that it joined before.
fn work(guests: &[Client], owner: usize, io: &parlor::Io<MarketEmitter>, rounds: u32) {
    let names: Vec<_> = (0..SESSIONS / PER_ROOM).map(|room| format!("{owner}:{room}")).collect();
    let name = |index: usize| &names[index % names.len()];
    for round in (0..).take(rounds as usize) {
        for (number, client) in guests.iter().enumerate() {
            let (old, new) = (name(number + round), name(number + round + 1));
            client.join(new);
            io.to(new).priced(7);
            client.leave(old);
        }
    }
}
