//! What must hold, whatever happened.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parlor::{ConnectionChange, ErrorCode, Unrecovered};

use super::procedure::{Got, Sent, Session, answer};
use super::world::{Outcome, Player, Record, Seen, Tally, World};

/// What a client has seen of one session.
#[derive(Debug, Default)]
struct Part {
    /// Which it was, if it said so.
    session: Option<usize>,
    seen: Vec<Sent>,
}

type Checked = Result<(), String>;

/// Fails with `message`, unless `holds`.
fn ensure(holds: bool, message: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(message()) }
}

/// Whether all that is still to come has come.
pub(crate) fn is_complete(world: &World) -> bool {
    let sessions = world.sessions.lock();
    let are_there = world.network.connections() >= world.players.len();
    are_there
        && world.players.iter().enumerate().all(|(client, player)| {
            let record = player.record();
            let Ok(parts) = parts(&record) else { return true };
            let last =
                parts.last().and_then(|part| Some((sessions.get(part.session?)?, &part.seen)));
            player.is_connected()
                && last.is_some_and(|(session, seen)| {
                    session.entered > 0 && is_all(&session.sent, seen)
                })
                && record.outcomes.len() == record.calls.len()
                && missing(client, &record, &sessions).len() as u64 <= excused(world, &record)
        })
}

/// Whether all clients have closed, and nothing is left on the server.
pub(crate) fn is_over(world: &World) -> bool {
    world.network.sessions() == 0
        && world.sessions.lock().iter().all(|session| session.ended > 0)
        && world.players.iter().all(|player| has_closed(&player.record()))
}

/// When all is well again.
pub(crate) fn all(world: &World) -> Checked {
    ensure(world.network.connections() >= world.players.len(), || {
        format!("the server knows of {} connections", world.network.connections())
    })?;
    let sessions = world.sessions.lock();
    for (index, session) in sessions.iter().enumerate() {
        of_session(index, session)?;
    }
    for (client, player) in world.players.iter().enumerate() {
        let of = |wrong| format!("client {client}: {wrong}");
        let record = player.record();
        changes(world, &record, &sessions).map_err(of)?;
        undisturbed(world, client, &record, &sessions).map_err(of)?;
        events(player, &record, &sessions).map_err(of)?;
        emits(world, client, &record, &sessions).map_err(of)?;
        calls(world, client, &record, &sessions).map_err(of)?;
    }
    Ok(())
}

/// When the clients have closed.
pub(crate) fn ended(world: &World) -> Checked {
    for (index, session) in world.sessions.lock().iter().enumerate() {
        ensure(session.ended == 1, || {
            format!("`disconnected` of session {index} ran {} times", session.ended)
        })?;
    }
    for (client, player) in world.players.iter().enumerate() {
        ensure(has_closed(&player.record()), || format!("client {client} has not closed"))?;
    }
    let network = &world.network;
    let left = (network.sessions(), network.connections(), network.entries());
    ensure(left == (0, 0, 0), || {
        format!("{left:?} sessions, connections and entries of the server's tables are left")
    })
}

fn has_closed(record: &Record) -> bool {
    matches!(record.seen.last(), Some(Seen::Change(ConnectionChange::Closed { .. }, _)))
}

/// What a session was told comes once and in order, and without gaps but for calls that were given up.
fn of_session(index: usize, session: &Session) -> Checked {
    let got = &session.got;
    ensure(got.is_sorted_by(|one, next| one.number() < next.number()), || {
        format!("session {index} received {got:?}")
    })?;
    ensure(session.entered <= 1, || {
        format!("session {index} was entered {} times", session.entered)
    })
}

/// What a client is told of its connection is possible, and honest.
fn changes(world: &World, record: &Record, sessions: &[Session]) -> Checked {
    let mut is_lost = false;
    let mut emits_lost = false;
    for (place, seen) in record.seen.iter().enumerate() {
        let wrong = |what| Err(format!("{what} at {place}: {:#?}", record.seen));
        match seen {
            Seen::Sent(..) if is_lost => return wrong("an event without a connection"),
            Seen::Sent(..) => {}
            Seen::Change(ConnectionChange::Lost { .. }, _) if is_lost => {
                return wrong("lost twice");
            }
            Seen::Change(ConnectionChange::Lost { .. }, _) => is_lost = true,
            Seen::Change(ConnectionChange::EmitsLost { .. }, _) => emits_lost = true,
            Seen::Change(ConnectionChange::Restored { recovered, reason, .. }, at) => {
                if !is_lost {
                    return wrong("restored without a loss");
                }
                if *recovered && emits_lost {
                    return wrong("emits were lost of a session that was recovered");
                }
                if *recovered != reason.is_none() {
                    return wrong("a reason to recover");
                }
                if reason.is_some_and(|reason| !may_be(world, sessions, reason, *at)) {
                    return wrong("a reason that cannot be");
                }
                (is_lost, emits_lost) = (false, false);
            }
            Seen::Change(ConnectionChange::EventRefused { code: ErrorCode::Limited, .. }, _)
                if world.case.limits.rate => {}
            Seen::Change(..) => return wrong("something else"),
        }
    }
    Ok(())
}

/// Without a fault nothing is lost.
fn undisturbed(world: &World, client: usize, record: &Record, sessions: &[Session]) -> Checked {
    let disturbed = world.case.steps.iter().any(|step| step.act.disturbs(client));
    let is_calm = |session: &Session| session.bytes < world.case.limits.outbox;
    if disturbed || !sessions.iter().all(is_calm) {
        return Ok(());
    }
    let lost = |seen: &Seen| matches!(seen, Seen::Change(ConnectionChange::Lost { .. }, _));
    ensure(!record.seen.iter().any(lost), || format!("lost without a fault: {:#?}", record.seen))
}

/// Whether a session may be lost for this reason, as far as is known here.
fn may_be(world: &World, sessions: &[Session], reason: Unrecovered, at: Duration) -> bool {
    let limits = &world.case.limits;
    match reason {
        Unrecovered::Off => limits.window.is_zero(),
        Unrecovered::Evicted => limits.detached <= 2,
        Unrecovered::Overflow => sessions.iter().any(|session| {
            session.bytes > limits.outbox + limits.replay || session.sent.len() > limits.frames
        }),
        Unrecovered::Ended | Unrecovered::Unknown => world.restarts > 0,
        Unrecovered::Expired => at >= limits.window,
        _ => false,
    }
}

/// What a client has seen, session by session.
fn parts(record: &Record) -> Result<Vec<Part>, String> {
    let mut parts = vec![Part::default()];
    for seen in &record.seen {
        match seen {
            Seen::Change(ConnectionChange::Restored { recovered: false, .. }, _) => {
                parts.push(Part::default());
            }
            Seen::Change(..) => {}
            Seen::Sent(sent, session) => {
                let Some(part) = parts.last_mut() else { continue };
                part.seen.push(*sent);
                if session.is_some_and(|session| *part.session.get_or_insert(session) != session) {
                    return Err(format!("events of two sessions in one: {:#?}", record.seen));
                }
            }
        }
    }
    Ok(parts)
}

/// In each session a client sees what was sent to it, from the first on and without a gap; in the last
/// one, all of it.
fn events(player: &Player, record: &Record, sessions: &[Session]) -> Checked {
    ensure(player.is_connected(), || format!("not connected: {:#?}", record.seen))?;
    let parts = parts(record)?;
    let last = parts.len() - 1;
    for (number, Part { session, seen }) in parts.into_iter().enumerate() {
        let nothing = Vec::new();
        let sent = session.map_or(&nothing, |session| &sessions[session].sent);
        let as_sent = if number == last {
            session.is_some() && is_all(sent, &seen)
        } else {
            follow(sent, &seen).is_some()
        };
        ensure(as_sent, || {
            let seen = (session, seen, &record.seen);
            format!("session number {number} was sent {sent:?} and {seen:#?} was seen")
        })?;
    }
    Ok(())
}

/// Whether what was `seen` is what was `sent`, from the first on, once and in order, without what may be
/// left out. Says how much of it was seen.
fn follow(sent: &[Sent], seen: &[Sent]) -> Option<usize> {
    let mut next = 0;
    for seen in seen {
        while sent.get(next)? != seen {
            if !may_be_left_out(sent, next) {
                return None;
            }
            next += 1;
        }
        next += 1;
    }
    Some(next)
}

fn is_all(sent: &[Sent], seen: &[Sent]) -> bool {
    let left = |next| (next..sent.len()).all(|next| may_be_left_out(sent, next));
    follow(sent, seen).is_some_and(left)
}

fn may_be_left_out(sent: &[Sent], place: usize) -> bool {
    match sent[place] {
        Sent::Moved(_) => true,
        Sent::Shown(_) => sent[place + 1..].iter().any(|sent| matches!(sent, Sent::Shown(_))),
        Sent::Told(_) | Sent::Heard(_) => false,
    }
}

/// What a client's sessions received, in their order.
fn got(client: usize, sessions: &[Session]) -> impl Iterator<Item = Got> {
    sessions
        .iter()
        .filter(move |session| session.client == client)
        .flat_map(|session| &session.got)
        .copied()
}

/// Emits that were taken and never arrived.
fn missing(client: usize, record: &Record, sessions: &[Session]) -> Vec<u64> {
    let arrived: HashSet<_> = got(client, sessions).map(Got::number).collect();
    record.notes.iter().filter(|note| !arrived.contains(note)).copied().collect()
}

/// How many emits may be missing: so many the client was told to be lost, or refused. With a session that
/// is not recovered, refusals are lost, too.
fn excused(world: &World, record: &Record) -> u64 {
    let count = |seen: &Seen| match seen {
        Seen::Change(ConnectionChange::EmitsLost { count, .. }, _) => *count,
        Seen::Change(ConnectionChange::EventRefused { .. }, _) => 1,
        Seen::Change(ConnectionChange::Restored { recovered: false, .. }, _)
            if world.case.limits.rate =>
        {
            record.notes.len() as u64
        }
        _ => 0,
    };
    record.seen.iter().map(count).sum()
}

/// Emits and calls arrive at most once, in their order over all sessions; what is missing was told.
fn emits(world: &World, client: usize, record: &Record, sessions: &[Session]) -> Checked {
    let arrived: Vec<_> = got(client, sessions).collect();
    ensure(arrived.is_sorted_by(|one, next| one.number() < next.number()), || {
        format!("received {arrived:?}")
    })?;
    let missing = missing(client, record, sessions);
    let excused = excused(world, record);
    ensure(missing.len() as u64 <= excused, || {
        format!("{missing:?} never arrived, and {excused} are said to be lost: {:#?}", record.seen)
    })?;
    if world.case.limits.rate {
        return Ok(());
    }
    // What is missing was lost with a session: none is missing amid what one received.
    for session in sessions.iter().filter(|session| session.client == client) {
        let numbers = || session.got.iter().map(|got| got.number());
        let (Some(start), Some(end)) = (numbers().next(), numbers().next_back()) else { continue };
        let hole = missing.iter().find(|number| (start..end).contains(number));
        ensure(hole.is_none(), || format!("{hole:?} is missing amid {:?}", session.got))?;
    }
    Ok(())
}

/// Each call has one outcome, and it is true.
fn calls(world: &World, client: usize, record: &Record, sessions: &[Session]) -> Checked {
    let ran: HashSet<_> = got(client, sessions)
        .filter_map(|got| if let Got::Ask(number) = got { Some(number) } else { None })
        .collect();
    let outcomes: HashMap<_, _> = record.outcomes.iter().copied().collect();
    let unrecovered = |seen: &Seen| {
        matches!(seen, Seen::Change(ConnectionChange::Restored { recovered: false, .. }, _))
    };
    for call in &record.calls {
        let ran = ran.contains(call);
        let fits = match outcomes.get(call) {
            Some(Outcome::Answered(value)) => ran && *value == answer(*call),
            Some(Outcome::Disconnected) => record.seen.iter().any(unrecovered),
            Some(Outcome::TimedOut | Outcome::NotPolled) => true,
            Some(Outcome::Unsent) => !ran,
            Some(Outcome::Limited) => !ran && world.case.limits.rate,
            Some(Outcome::Wrong) | None => false,
        };
        ensure(fits, || {
            format!("call {call} (ran: {ran}) came to {:?}: {:#?}", outcomes.get(call), record.seen)
        })?;
    }
    Ok(())
}

/// What happened, in numbers.
pub(crate) fn tally(world: &World) -> Tally {
    let mut tally = Tally::default();
    for player in &world.players {
        let record = player.record();
        for (_, outcome) in &record.outcomes {
            tally.count(
                match outcome {
                    Outcome::Answered(_) => "call: answered",
                    Outcome::Disconnected => "call: disconnected",
                    Outcome::TimedOut => "call: timed out",
                    Outcome::NotPolled => "call: events not polled",
                    Outcome::Unsent => "call: not sent",
                    Outcome::Limited => "call: limited",
                    Outcome::Wrong => "call: wrong",
                },
                1,
            );
        }
        for seen in &record.seen {
            match seen {
                Seen::Change(ConnectionChange::Restored { reason: None, .. }, _) => {
                    tally.count("recovered", 1);
                }
                Seen::Change(ConnectionChange::Restored { reason: Some(reason), .. }, _) => {
                    tally.count(format!("unrecovered: {reason:?}"), 1);
                }
                Seen::Change(ConnectionChange::EmitsLost { count, .. }, _) => {
                    tally.count("emits lost", *count);
                }
                Seen::Change(..) => {}
                Seen::Sent(..) => tally.count("events", 1),
            }
        }
        tally.count("emits", record.notes.len() as u64);
    }
    tally.count("sessions", world.sessions.lock().len() as u64);
    tally
}
