//! Invariants that hold after each case.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parlor::client::ConnectionChange;
use parlor::wire::{ErrorCode, Unrecovered};

use super::procedure::{Received, Sent, Session, answer};
use super::simulation::{Counts, Outcome, Record, Seen, Simulation, TestClient};

/// What a client received from one session.
#[derive(Debug, Default)]
struct SessionView {
    /// The index of the session, if an event contained it.
    session: Option<usize>,
    seen: Vec<Sent>,
}

type Checked = Result<(), String>;

/// Returns an error with `message` if `holds` is false.
fn ensure(holds: bool, message: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(message()) }
}

/// Returns whether all messages have arrived.
pub(crate) fn is_complete(simulation: &Simulation) -> bool {
    let sessions = simulation.sessions.lock();
    let all_connected = simulation.network.connections() >= simulation.clients.len();
    all_connected
        && simulation.clients.iter().enumerate().all(|(client, test_client)| {
            let record = test_client.record();
            let Ok(session_views) = session_views(&record) else { return true };
            let last = session_views
                .last()
                .and_then(|view| Some((sessions.get(view.session?)?, &view.seen)));
            test_client.is_connected()
                && last.is_some_and(|(session, seen)| {
                    session.entered > 0 && is_complete_sequence(&session.sent, seen)
                })
                && record.outcomes.len() == record.calls.len()
                && missing(client, &record, &sessions).len() as u64 <= excused(simulation, &record)
        })
}

/// Returns whether all clients have closed and the server has no sessions.
pub(crate) fn is_over(simulation: &Simulation) -> bool {
    simulation.network.sessions() == 0
        && simulation.sessions.lock().iter().all(|session| session.ended > 0)
        && simulation.clients.iter().all(|test_client| has_closed(&test_client.record()))
}

/// Checks the invariants after all faults are removed.
pub(crate) fn all(simulation: &Simulation) -> Checked {
    ensure(simulation.network.connections() >= simulation.clients.len(), || {
        format!("the server has {} connections", simulation.network.connections())
    })?;
    let sessions = simulation.sessions.lock();
    for (index, session) in sessions.iter().enumerate() {
        check_session(index, session)?;
    }
    for (client, test_client) in simulation.clients.iter().enumerate() {
        let of = |wrong| format!("client {client}: {wrong}");
        let record = test_client.record();
        check_changes(simulation, &record, &sessions).map_err(of)?;
        check_undisturbed(simulation, client, &record, &sessions).map_err(of)?;
        check_events(test_client, &record, &sessions).map_err(of)?;
        check_emits(simulation, client, &record, &sessions).map_err(of)?;
        check_calls(simulation, client, &record, &sessions).map_err(of)?;
    }
    Ok(())
}

/// Checks the invariants after the clients have closed.
pub(crate) fn ended(simulation: &Simulation) -> Checked {
    for (index, session) in simulation.sessions.lock().iter().enumerate() {
        ensure(session.ended == 1, || {
            format!("`disconnected` of session {index} ran {} times", session.ended)
        })?;
    }
    for (client, test_client) in simulation.clients.iter().enumerate() {
        ensure(has_closed(&test_client.record()), || format!("client {client} has not closed"))?;
    }
    let network = &simulation.network;
    let left = (network.sessions(), network.connections(), network.entries());
    ensure(left == (0, 0, 0), || {
        format!("{left:?} sessions, connections and entries of the server's tables are left")
    })
}

fn has_closed(record: &Record) -> bool {
    matches!(record.seen.last(), Some(Seen::Change(ConnectionChange::Closed { .. }, _)))
}

/// A session receives each number once and in order.
fn check_session(index: usize, session: &Session) -> Checked {
    let received = &session.received;
    ensure(received.is_sorted_by(|one, next| one.number() < next.number()), || {
        format!("session {index} received {received:?}")
    })?;
    ensure(session.entered <= 1, || {
        format!("session {index} was entered {} times", session.entered)
    })
}

/// The connection changes that a client reports are consistent.
fn check_changes(simulation: &Simulation, record: &Record, sessions: &[Session]) -> Checked {
    let mut is_lost = false;
    let mut emits_lost = false;
    for (index, seen) in record.seen.iter().enumerate() {
        let wrong = |what| Err(format!("{what} at {index}: {:#?}", record.seen));
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
                if reason.is_some_and(|reason| !is_possible(simulation, sessions, reason, *at)) {
                    return wrong("a reason that cannot be");
                }
                (is_lost, emits_lost) = (false, false);
            }
            Seen::Change(ConnectionChange::EventRefused { code: ErrorCode::Limited, .. }, _)
                if simulation.case.limits.rate => {}
            Seen::Change(..) => return wrong("something else"),
        }
    }
    Ok(())
}

/// Without a fault no connection is lost.
fn check_undisturbed(
    simulation: &Simulation,
    client: usize,
    record: &Record,
    sessions: &[Session],
) -> Checked {
    let disturbed = simulation.case.steps.iter().any(|step| step.action.disturbs(client));
    let is_calm = |session: &Session| session.bytes < simulation.case.limits.outbox;
    if disturbed || !sessions.iter().all(is_calm) {
        return Ok(());
    }
    let lost = |seen: &Seen| matches!(seen, Seen::Change(ConnectionChange::Lost { .. }, _));
    ensure(!record.seen.iter().any(lost), || format!("lost without a fault: {:#?}", record.seen))
}

/// Returns whether a session may be lost for this reason, as far as the test can determine.
fn is_possible(
    simulation: &Simulation,
    sessions: &[Session],
    reason: Unrecovered,
    at: Duration,
) -> bool {
    let limits = &simulation.case.limits;
    match reason {
        Unrecovered::Off => limits.window.is_zero(),
        Unrecovered::Evicted => limits.detached <= 2,
        Unrecovered::Overflow => sessions.iter().any(|session| {
            session.bytes > limits.outbox + limits.replay || session.sent.len() > limits.frames
        }),
        Unrecovered::Ended | Unrecovered::Unknown => simulation.restarts > 0,
        Unrecovered::Expired => at >= limits.window,
        _ => false,
    }
}

/// Splits what a client received by session.
fn session_views(record: &Record) -> Result<Vec<SessionView>, String> {
    let mut session_views = vec![SessionView::default()];
    for seen in &record.seen {
        match seen {
            Seen::Change(ConnectionChange::Restored { recovered: false, .. }, _) => {
                session_views.push(SessionView::default());
            }
            Seen::Change(..) => {}
            Seen::Sent(sent, session) => {
                let Some(view) = session_views.last_mut() else { continue };
                view.seen.push(*sent);
                if session.is_some_and(|session| *view.session.get_or_insert(session) != session) {
                    return Err(format!("events of two sessions in one: {:#?}", record.seen));
                }
            }
        }
    }
    Ok(session_views)
}

/// In each session a client receives the events from the first on without a gap; in the last
/// session, all of them.
fn check_events(test_client: &TestClient, record: &Record, sessions: &[Session]) -> Checked {
    ensure(test_client.is_connected(), || format!("not connected: {:#?}", record.seen))?;
    let session_views = session_views(record)?;
    let last = session_views.len() - 1;
    for (number, SessionView { session, seen }) in session_views.into_iter().enumerate() {
        let nothing = Vec::new();
        let sent = session.map_or(&nothing, |session| &sessions[session].sent);
        let as_sent = if number == last {
            session.is_some() && is_complete_sequence(sent, &seen)
        } else {
            matched_prefix(sent, &seen).is_some()
        };
        ensure(as_sent, || {
            let seen = (session, seen, &record.seen);
            format!("session number {number} was sent {sent:?} and {seen:#?} was seen")
        })?;
    }
    Ok(())
}

/// Returns how many of the `sent` events were passed, if `seen` is a prefix of them without
/// duplicates, in order, except for events that may be omitted.
fn matched_prefix(sent: &[Sent], seen: &[Sent]) -> Option<usize> {
    let mut next = 0;
    for seen in seen {
        while sent.get(next)? != seen {
            if !may_be_omitted(sent, next) {
                return None;
            }
            next += 1;
        }
        next += 1;
    }
    Some(next)
}

fn is_complete_sequence(sent: &[Sent], seen: &[Sent]) -> bool {
    let left = |next| (next..sent.len()).all(|next| may_be_omitted(sent, next));
    matched_prefix(sent, seen).is_some_and(left)
}

fn may_be_omitted(sent: &[Sent], index: usize) -> bool {
    match sent[index] {
        Sent::Volatile(_) => true,
        Sent::LatestOnly(_) => {
            sent[index + 1..].iter().any(|sent| matches!(sent, Sent::LatestOnly(_)))
        }
        Sent::Direct(_) | Sent::ToRoom(_) => false,
    }
}

/// What the sessions of a client received, in order.
fn received(client: usize, sessions: &[Session]) -> impl Iterator<Item = Received> {
    sessions
        .iter()
        .filter(move |session| session.client == client)
        .flat_map(|session| &session.received)
        .copied()
}

/// Emits that succeeded and did not arrive.
fn missing(client: usize, record: &Record, sessions: &[Session]) -> Vec<u64> {
    let arrived: HashSet<_> = received(client, sessions).map(Received::number).collect();
    record.notes.iter().filter(|note| !arrived.contains(note)).copied().collect()
}

/// How many emits may be missing: those that the client reported as lost or rejected. Without
/// recovery, error replies are lost as well.
fn excused(simulation: &Simulation, record: &Record) -> u64 {
    let count = |seen: &Seen| match seen {
        Seen::Change(ConnectionChange::EmitsLost { count, .. }, _) => *count,
        Seen::Change(ConnectionChange::EventRefused { .. }, _) => 1,
        Seen::Change(ConnectionChange::Restored { recovered: false, .. }, _)
            if simulation.case.limits.rate =>
        {
            record.notes.len() as u64
        }
        _ => 0,
    };
    record.seen.iter().map(count).sum()
}

/// Emits and calls arrive at most once and in order over all sessions; missing ones were reported.
fn check_emits(
    simulation: &Simulation,
    client: usize,
    record: &Record,
    sessions: &[Session],
) -> Checked {
    let arrived: Vec<_> = received(client, sessions).collect();
    ensure(arrived.is_sorted_by(|one, next| one.number() < next.number()), || {
        format!("received {arrived:?}")
    })?;
    let missing = missing(client, record, sessions);
    let excused = excused(simulation, record);
    ensure(missing.len() as u64 <= excused, || {
        format!(
            "{missing:?} never arrived, and {excused} were reported as lost: {:#?}",
            record.seen
        )
    })?;
    if simulation.case.limits.rate {
        return Ok(());
    }
    // Missing emits were lost with a session: none is missing between two that one session
    // received.
    for session in sessions.iter().filter(|session| session.client == client) {
        let numbers = || session.received.iter().map(|received| received.number());
        let (Some(start), Some(end)) = (numbers().next(), numbers().next_back()) else { continue };
        let gap = missing.iter().find(|number| (start..end).contains(number));
        ensure(gap.is_none(), || format!("{gap:?} is missing between {:?}", session.received))?;
    }
    Ok(())
}

/// Each call has one outcome, which matches what the server did.
fn check_calls(
    simulation: &Simulation,
    client: usize,
    record: &Record,
    sessions: &[Session],
) -> Checked {
    let ran: HashSet<_> = received(client, sessions)
        .filter_map(
            |received| if let Received::Call(number) = received { Some(number) } else { None },
        )
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
            Some(Outcome::Limited) => !ran && simulation.case.limits.rate,
            Some(Outcome::Wrong) | None => false,
        };
        ensure(fits, || {
            format!("call {call} (ran: {ran}) came to {:?}: {:#?}", outcomes.get(call), record.seen)
        })?;
    }
    Ok(())
}

/// Counts the outcomes of a case.
pub(crate) fn counts(simulation: &Simulation) -> Counts {
    let mut counts = Counts::default();
    for test_client in &simulation.clients {
        let record = test_client.record();
        for (_, outcome) in &record.outcomes {
            counts.count(
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
                    counts.count("recovered", 1);
                }
                Seen::Change(ConnectionChange::Restored { reason: Some(reason), .. }, _) => {
                    counts.count(format!("unrecovered: {reason:?}"), 1);
                }
                Seen::Change(ConnectionChange::EmitsLost { count, .. }, _) => {
                    counts.count("emits lost", *count);
                }
                Seen::Change(..) => {}
                Seen::Sent(..) => counts.count("events", 1),
            }
        }
        counts.count("emits", record.notes.len() as u64);
    }
    counts.count("sessions", simulation.sessions.lock().len() as u64);
    counts
}
