//! A server goes away under load: what it said that it received was handled, what it did not is told,
//! and nothing is missing in what its clients heard.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlor::{CloseCode, ConnectionChange, Router, Unrecovered};
use parlor_tests::{Proxy, Running, soon};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::arena::{ArenaClient, ArenaEvent, ArenaIo, Ring};
use crate::fans::{Phase, Report, room};

const CLIENTS: u32 = 50;
/// How often each shouts.
const PACE: Duration = Duration::from_millis(20);
/// After how many shouts the server goes; and after how many it is over, on the other.
const SHOUTS: u64 = 2000;

/// What a client saw of one server after the other.
struct Visit {
    on: [Report; 2],
    lost: u64,
    code: CloseCode,
    reason: Option<Unrecovered>,
}

/// Shouts all the time, from one server to the other, until it is over.
async fn visit(
    url: String,
    client: u32,
    mut phase: watch::Receiver<Phase>,
    idle: mpsc::UnboundedSender<()>,
) -> Visit {
    let entered = Arc::new(Mutex::new(Vec::new()));
    let places = Arc::clone(&entered);
    let hook = move |arena: ArenaClient| {
        let places = Arc::clone(&places);
        async move {
            // The answer does not come if the server goes before.
            if let Ok(before) = arena.enter(room(client), client).await {
                places.lock().expect("no panic").push(before);
            }
        }
    };
    let (arena, mut events) = ArenaClient::builder(&url)
        .reconnect_interval(Duration::from_millis(20))
        .max_reconnect_interval(Duration::from_millis(500))
        .max_reconnect_attempts(u32::MAX)
        .buffer(100_000)
        .on_session(hook)
        .connect()
        .await
        .expect("connected");
    let report = || Report { client, room: room(client), ..Report::default() };
    let mut visit =
        Visit { on: [report(), report()], lost: 0, code: CloseCode::NORMAL, reason: None };
    let (mut now, mut number) = (0, 0);
    let mut pace = interval(PACE);
    let mut last_call = None;
    loop {
        let loud = *phase.borrow_and_update() == Phase::Loud;
        if !loud && last_call.is_none() {
            // Its answer comes when all shouts were handled.
            last_call = Some(arena.double(1));
        }
        tokio::select! {
            answer = async { last_call.as_mut().expect("made").await },
                if last_call.is_some() && visit.on[1].doubled == 0 =>
            {
                visit.on[1].doubled = answer.expect("an answer");
                idle.send(()).expect("somebody waits");
            }
            _ = phase.changed() => {}
            _ = pace.tick(), if loud => {
                arena.shout(number, "").expect("there is room");
                number += 1;
            }
            event = events.next() => match event {
                Some(ArenaEvent::Shouted { place, client, number, .. }) => {
                    visit.on[now].heard.push((place, client, number));
                }
                Some(ArenaEvent::Over { .. }) => break,
                Some(ArenaEvent::Connection(ConnectionChange::Lost { code, .. })) => {
                    visit.code = code;
                }
                Some(ArenaEvent::Connection(ConnectionChange::EmitsLost { count, .. })) => {
                    visit.lost += count;
                }
                Some(ArenaEvent::Connection(ConnectionChange::Restored { reason, .. })) => {
                    assert_eq!(now, 0, "it comes back once");
                    (now, visit.reason) = (1, reason);
                }
                other => panic!("{other:?}"),
            },
        }
    }
    let entered = entered.lock().expect("no panic");
    assert_eq!(entered.len(), 2);
    for (on, before) in visit.on.iter_mut().zip(&*entered) {
        on.entered = *before;
    }
    visit.on[1].shouts = number;
    visit
}

async fn serve(ring: &Ring, addr: &str) -> (Running, ArenaIo) {
    let server = ring.server().retry_window(Duration::from_millis(200));
    let io = server.io();
    let router = Router::new().procedure("/api/arena", server);
    (Running::start_at(addr, router).await, io)
}

/// One server goes, and another comes in its place. If the network was `cut` before, clients are back
/// only then.
async fn server_goes(cut: bool) -> (Vec<Visit>, [Ring; 2]) {
    let rings = [Ring::new(), Ring::new()];
    let (first, _) = serve(&rings[0], "127.0.0.1:0").await;
    let proxy = Proxy::start(first.addr, 0).await;
    let addr = first.addr.to_string();
    let to = if cut { proxy.addr } else { first.addr };
    let (phase, phases) = watch::channel(Phase::Loud);
    let (idle, mut idles) = mpsc::unbounded_channel();
    let mut visits = JoinSet::new();
    for client in 0..CLIENTS {
        let url = format!("ws://{to}/api/arena");
        visits.spawn(visit(url, client, phases.clone(), idle.clone()));
    }
    soon("so many shouts", rings[0].has(CLIENTS, SHOUTS)).await;
    if cut {
        soon("the cut", proxy.cut()).await;
    }
    first.stop().await;
    let (second, io) = serve(&rings[1], &addr).await;
    proxy.open();
    soon("all to be back", rings[1].has(CLIENTS, SHOUTS)).await;
    phase.send_replace(Phase::Ending);
    for _ in 0..CLIENTS {
        soon("the last answer", idles.recv()).await;
    }
    rings[1].end(&io);
    let mut seen = Vec::new();
    while let Some(visit) = soon("the end", visits.join_next()).await {
        seen.push(visit.expect("no panic"));
    }
    second.stop().await;
    (seen, rings)
}

/// What of a client's the server has handled.
fn handled(ring: &Ring, client: u32) -> Vec<u64> {
    let records = ring.records();
    let own = records.shouts[&room(client)].iter().filter(|(from, _)| *from == client);
    own.map(|(_, number)| *number).collect()
}

fn check(visits: &[Visit], rings: &[Ring; 2], exact: bool) {
    let (mut lost, mut said_lost) = (0, 0);
    for visit in visits {
        let client = visit.on[0].client;
        let [first, second] = rings.each_ref().map(|ring| handled(ring, client));
        let before = first.len() as u64;
        let after = second.first().copied().unwrap_or(visit.on[1].shouts);
        assert!(first.iter().copied().eq(0..before), "client {client}: {first:?}");
        assert!(second.iter().copied().eq(after..visit.on[1].shouts), "client {client}");
        let missing = after - before;
        assert!(visit.lost >= missing, "client {client} said {}, not {missing}", visit.lost);
        assert!(
            !exact || visit.lost == missing,
            "client {client} said {}, not {missing}",
            visit.lost
        );
        lost += missing;
        said_lost += visit.lost;

        // Nothing is missing up to where the connection ended.
        let records = rings[0].records();
        let on = &visit.on[0];
        let end = usize::try_from(on.entered).expect("a place") + on.heard.len();
        on.check(&records.shouts[&on.room][..end]);
        let own = on.heard.iter().filter(|(_, from, _)| *from == client).count() as u64;
        assert!(!exact || own == before, "client {client} heard {own} of its {before}");
        visit.on[1].check(&rings[1].records().shouts[&on.room]);
    }
    println!("{lost} shouts were lost, {said_lost} were said to be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_under_load_has_handled_what_it_does_not_tell_is_lost() {
    let (visits, rings) = server_goes(false).await;
    for visit in &visits {
        assert_eq!((visit.code, visit.reason), (CloseCode::RESTART, Some(Unrecovered::Ended)));
    }
    check(&visits, &rings, true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_cut_before_the_server_goes_hears_that_its_session_is_unknown() {
    let (visits, rings) = server_goes(true).await;
    for visit in &visits {
        assert_eq!((visit.code, visit.reason), (CloseCode::ABNORMAL, Some(Unrecovered::Unknown)));
    }
    check(&visits, &rings, false);
}
