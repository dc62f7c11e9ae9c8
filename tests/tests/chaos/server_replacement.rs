//! A server is replaced under load. Acknowledged texts were handled, others are reported as lost,
//! and clients miss no text of others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlor::Router;
use parlor::client::{ConnectionChange, Reconnect};
use parlor::wire::{CloseCode, Unrecovered};
use parlor_tests::{FaultyProxy, TestServer, within_timeout};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::recording_server::{Recorder, RelayClient, RelayEvent, RelayIo};
use crate::rust_clients::{Phase, Report, room};

const CLIENTS: u32 = 50;
/// The interval at which each client sends a text.
const SEND_INTERVAL: Duration = Duration::from_millis(20);
/// How many texts each of the two servers handles before it shuts down.
const SHOUTS: u64 = 2000;

/// What a client sent and received on the first and on the second server.
struct Outcome {
    on: [Report; 2],
    lost: u64,
    code: CloseCode,
    reason: Option<Unrecovered>,
}

/// Sends texts to the first and then to the second server, until the last event.
async fn outcome(
    url: String,
    client: u32,
    mut phase: watch::Receiver<Phase>,
    idle: mpsc::UnboundedSender<()>,
) -> Outcome {
    let entered = Arc::new(Mutex::new(Vec::new()));
    let positions = Arc::clone(&entered);
    let hook = move |relay: RelayClient| {
        let positions = Arc::clone(&positions);
        async move {
            // There is no answer if the server shuts down before.
            if let Ok(before) = relay.enter(room(client), client).await {
                positions.lock().expect("no panic").push(before);
            }
        }
    };
    let (relay, mut events) = RelayClient::builder(&url)
        .reconnect(Reconnect {
            interval: Duration::from_millis(20),
            max_interval: Duration::from_millis(500),
            max_attempts: None,
        })
        .buffer(100_000)
        .on_session(hook)
        .connect()
        .await
        .expect("connected");
    let report = || Report { client, room: room(client), ..Report::default() };
    let mut outcome =
        Outcome { on: [report(), report()], lost: 0, code: CloseCode::NORMAL, reason: None };
    let (mut now, mut number) = (0, 0);
    let mut send_interval = interval(SEND_INTERVAL);
    let mut last_call = None;
    loop {
        let sending = *phase.borrow_and_update() == Phase::Sending;
        if !sending && last_call.is_none() {
            // It is answered after all texts were handled.
            last_call = Some(relay.double(1));
        }
        tokio::select! {
            answer = async { last_call.as_mut().expect("made").await },
                if last_call.is_some() && outcome.on[1].doubled == 0 =>
            {
                outcome.on[1].doubled = answer.expect("an answer");
                idle.send(()).expect("the test waits");
            }
            _ = phase.changed() => {}
            _ = send_interval.tick(), if sending => {
                relay.shout(number, "").expect("not full");
                number += 1;
            }
            event = events.next() => match event {
                Some(RelayEvent::Shouted { position, client, number, .. }) => {
                    outcome.on[now].received.push((position, client, number));
                }
                Some(RelayEvent::Over { .. }) => break,
                Some(RelayEvent::Connection(ConnectionChange::Lost { code, .. })) => {
                    outcome.code = code;
                }
                Some(RelayEvent::Connection(ConnectionChange::EmitsLost { count, .. })) => {
                    outcome.lost += count;
                }
                Some(RelayEvent::Connection(ConnectionChange::Restored { reason, .. })) => {
                    assert_eq!(now, 0, "it reconnects once");
                    (now, outcome.reason) = (1, reason);
                }
                other => panic!("{other:?}"),
            },
        }
    }
    let entered = entered.lock().expect("no panic");
    assert_eq!(entered.len(), 2);
    for (on, before) in outcome.on.iter_mut().zip(&*entered) {
        on.entered = *before;
    }
    outcome.on[1].shouts = number;
    outcome
}

async fn serve(recorder: &Recorder, addr: &str) -> (TestServer, RelayIo) {
    let server = recorder.server().retry_window(Duration::from_millis(200));
    let io = server.io();
    let router = Router::new().procedure("/api/relay", server);
    (TestServer::start_at(addr, router).await, io)
}

/// Replaces a server by another one at the same address. With `cut`, clients lose their connections
/// before and can reconnect only afterwards.
async fn replace_server(cut: bool) -> (Vec<Outcome>, [Recorder; 2]) {
    let recorders = [Recorder::new(), Recorder::new()];
    let (first, _) = serve(&recorders[0], "127.0.0.1:0").await;
    let proxy = FaultyProxy::start(first.addr, 0).await;
    let addr = first.addr.to_string();
    let to = if cut { proxy.addr } else { first.addr };
    let (phase, phases) = watch::channel(Phase::Sending);
    let (idle, mut idles) = mpsc::unbounded_channel();
    let mut outcomes = JoinSet::new();
    for client in 0..CLIENTS {
        let url = format!("ws://{to}/api/relay");
        outcomes.spawn(outcome(url, client, phases.clone(), idle.clone()));
    }
    within_timeout("the texts of the first server", recorders[0].wait_for(CLIENTS, SHOUTS)).await;
    if cut {
        within_timeout("the cut", proxy.cut()).await;
    }
    first.stop().await;
    let (second, io) = serve(&recorders[1], &addr).await;
    proxy.accept_again();
    within_timeout("the texts of the second server", recorders[1].wait_for(CLIENTS, SHOUTS)).await;
    phase.send_replace(Phase::Ending);
    for _ in 0..CLIENTS {
        within_timeout("the last answer", idles.recv()).await;
    }
    recorders[1].end(&io);
    let mut seen = Vec::new();
    while let Some(outcome) = within_timeout("the end", outcomes.join_next()).await {
        seen.push(outcome.expect("no panic"));
    }
    second.stop().await;
    (seen, recorders)
}

/// Returns the numbers of the texts of a client that a server handled.
fn handled(recorder: &Recorder, client: u32) -> Vec<u64> {
    let records = recorder.records();
    let own = records.shouts[&room(client)].iter().filter(|(from, _)| *from == client);
    own.map(|(_, number)| *number).collect()
}

fn check_outcomes(outcomes: &[Outcome], recorders: &[Recorder; 2], exact: bool) {
    let (mut lost, mut reported_lost) = (0, 0);
    for outcome in outcomes {
        let client = outcome.on[0].client;
        let [first, second] = recorders.each_ref().map(|recorder| handled(recorder, client));
        let before = first.len() as u64;
        let after = second.first().copied().unwrap_or(outcome.on[1].shouts);
        assert!(first.iter().copied().eq(0..before), "client {client}: {first:?}");
        assert!(second.iter().copied().eq(after..outcome.on[1].shouts), "client {client}");
        let missing = after - before;
        assert!(
            outcome.lost >= missing,
            "client {client} reported {}, not {missing}",
            outcome.lost
        );
        assert!(
            !exact || outcome.lost == missing,
            "client {client} reported {}, not {missing}",
            outcome.lost
        );
        lost += missing;
        reported_lost += outcome.lost;

        // All texts up to the end of the connection were received.
        let records = recorders[0].records();
        let on = &outcome.on[0];
        let end = usize::try_from(on.entered).expect("a position") + on.received.len();
        on.check(&records.shouts[&on.room][..end]);
        let own = on.received.iter().filter(|(_, from, _)| *from == client).count() as u64;
        assert!(!exact || own == before, "client {client} received {own} of its {before}");
        outcome.on[1].check(&recorders[1].records().shouts[&on.room]);
    }
    println!("{lost} texts were lost, {reported_lost} were reported as lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_under_load_reports_exactly_the_lost_messages() {
    let (outcomes, recorders) = replace_server(false).await;
    for outcome in &outcomes {
        assert_eq!((outcome.code, outcome.reason), (CloseCode::RESTART, Some(Unrecovered::Ended)));
    }
    check_outcomes(&outcomes, &recorders, true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_cut_before_restart_gets_reason_unknown() {
    let (outcomes, recorders) = replace_server(true).await;
    for outcome in &outcomes {
        assert_eq!(
            (outcome.code, outcome.reason),
            (CloseCode::ABNORMAL, Some(Unrecovered::Unknown))
        );
    }
    check_outcomes(&outcomes, &recorders, false);
}
