//! Clients behind a proxy that injects faults.

use std::collections::HashMap;
use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parlor::Router;
use parlor_tests::{FaultyProxy, TestServer};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::node_clients::NodeClients;
use crate::recording_server::{Recorder, Records};
use crate::rust_clients::{Phase, Report, RustClient};

const RUST_CLIENTS: u32 = 200;
const NODE_CLIENTS: u32 = 20;

/// How long all clients may take to reconnect after the faults have stopped.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(120);

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// 200 Rust clients and 20 Node clients in 20 rooms. Each receives all texts of its room once and
/// in order, each text and each call is handled once and in order, and every session is recovered.
///
/// `PARLOR_CHAOS_SECS` sets the duration (10 s by default, 60 s under `PARLOR_TEST_ALL=1`),
/// `PARLOR_CHAOS_SEED` the faults.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faulty_network_loses_and_duplicates_no_message() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let seed = setting("PARLOR_CHAOS_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    let usual = if setting("PARLOR_TEST_ALL") == Some(1) { 60 } else { 10 };
    let length = Duration::from_secs(setting("PARLOR_CHAOS_SECS").unwrap_or(usual));
    println!("PARLOR_CHAOS_SEED={seed}, for {length:?}");

    let recorder = Recorder::new();
    let server = recorder.server();
    let io = server.io();
    let router = Router::new().procedure("/api/relay", server);
    let running = TestServer::start(router.clone()).await;
    let proxy = FaultyProxy::start(running.addr, seed).await;
    let url = format!("ws://{}/api/relay", proxy.addr);

    let (phase, phases) = watch::channel(Phase::Connected);
    let (idle, mut idles) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for client in 0..RUST_CLIENTS {
        let client = RustClient::enter(&url, client, seed).await;
        clients.spawn(client.run(phases.clone(), idle.clone()));
    }
    drop(idle);
    let base = format!("ws://{}/api", proxy.addr);
    let mut nodes =
        NodeClients::enter(&router, &base, RUST_CLIENTS as usize, NODE_CLIENTS as usize).await;
    let mut set_phase = async |to: Phase| {
        phase.send_replace(to);
        if let Some(nodes) = &mut nodes {
            nodes.set_phase(to).await;
        }
    };
    set_phase(Phase::Sending).await;
    proxy.start_faults();
    // The test runs for this time, whatever happens.
    sleep(length).await;
    proxy.stop_faults();
    set_phase(Phase::Ending).await;

    let all_idle = async {
        for _ in 0..RUST_CLIENTS {
            idles.recv().await.expect("a client had a problem");
        }
        if let Some(nodes) = &mut nodes {
            nodes.idle().await;
        }
    };
    let mut reports: Vec<Report> = Vec::new();
    tokio::select! {
        waited = timeout(RECONNECT_TIMEOUT, all_idle) => waited.expect("all clients reconnect"),
        // No client ends before the last event.
        Some(report) = clients.join_next() => reports.push(report.expect("no panic")),
    }
    let problems = |reports: &[Report]| {
        for Report { client, problems, .. } in reports {
            assert_eq!(problems.len(), 0, "client {client}: {problems:?}");
        }
    };
    problems(&reports);
    recorder.end(&io);
    while let Some(report) = timeout(RECONNECT_TIMEOUT, clients.join_next())
        .await
        .expect("all clients receive the last event")
    {
        reports.push(report.expect("no panic"));
    }
    if let Some(nodes) = &mut nodes {
        reports.extend(nodes.reports().await);
    }
    problems(&reports);
    check_reports(&recorder, &reports);
    let total = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    println!(
        "{} clients: {} shouts, {} deliveries, {} calls, {} sessions recovered\n{:?}",
        reports.len(),
        total(|report| report.shouts),
        total(|report| report.received.len() as u64),
        total(|report| report.doubled),
        total(|report| report.recovered),
        proxy.counts(),
    );
    assert!(total(|report| report.recovered) > 0, "no connection was lost");
}

fn check_reports(recorder: &Recorder, reports: &[Report]) {
    let records = recorder.records();
    let mut shouts = HashMap::<u32, u64>::new();
    for (client, number) in records.shouts.values().flatten() {
        let next = shouts.entry(*client).or_default();
        assert_eq!(number, next, "handled once and in order, of client {client}");
        *next += 1;
    }
    for report in reports {
        let client = &report.client;
        assert_eq!(shouts.get(client).copied().unwrap_or_default(), report.shouts, "{client}");
        assert!(records.doubled[client].iter().copied().eq(0..report.doubled), "{client}");
        report.check(&records.shouts[&report.room]);
    }
    // A request that arrives after its client has given up and reconnected starts a session of its
    // own.
    let Records { sessions, resumed, .. } = &*records;
    println!("the server created {sessions} sessions and granted {resumed} resumes");
}
