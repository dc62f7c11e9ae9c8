//! Clients behind a proxy that cuts, tears, delays and swallows.

use std::collections::HashMap;
use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parlor::Router;
use parlor_tests::{Proxy, Running};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::arena::{Records, Ring};
use crate::fans::{Fan, Phase, Report};
use crate::nodes::Nodes;

const RUST_CLIENTS: u32 = 200;
const NODE_CLIENTS: u32 = 20;

/// How long all may take to come back when the network is fine again.
const PATIENCE: Duration = Duration::from_secs(120);

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// 200 Rust clients and 20 of Node in 20 rooms: each hears all that is shouted in its room, once and
/// in order; each shout and each call is handled once and in order, and every session is recovered.
///
/// `PARLOR_CHAOS_SECS` says for how long (10, or 60 under `PARLOR_TEST_ALL=1`), `PARLOR_CHAOS_SEED`
/// with which troubles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_a_network_that_fails() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let seed = setting("PARLOR_CHAOS_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    let usual = if setting("PARLOR_TEST_ALL") == Some(1) { 60 } else { 10 };
    let length = Duration::from_secs(setting("PARLOR_CHAOS_SECS").unwrap_or(usual));
    println!("PARLOR_CHAOS_SEED={seed}, for {length:?}");

    let ring = Ring::new();
    let server = ring.server();
    let io = server.io();
    let router = Router::new().procedure("/api/arena", server);
    let running = Running::start(router.clone()).await;
    let proxy = Proxy::start(running.addr, seed).await;
    let url = format!("ws://{}/api/arena", proxy.addr);

    let (phase, phases) = watch::channel(Phase::Quiet);
    let (idle, mut idles) = mpsc::unbounded_channel();
    let mut fans = JoinSet::new();
    for client in 0..RUST_CLIENTS {
        let fan = Fan::enter(&url, client, seed).await;
        fans.spawn(fan.run(phases.clone(), idle.clone()));
    }
    drop(idle);
    let base = format!("ws://{}/api", proxy.addr);
    let mut nodes =
        Nodes::enter(&router, &base, RUST_CLIENTS as usize, NODE_CLIENTS as usize).await;
    let mut tell = async |to: Phase| {
        phase.send_replace(to);
        if let Some(nodes) = &mut nodes {
            nodes.tell(to).await;
        }
    };
    tell(Phase::Loud).await;
    proxy.unleash();
    // For so long it happens; nothing is waited for.
    sleep(length).await;
    proxy.calm();
    tell(Phase::Ending).await;

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
        waited = timeout(PATIENCE, all_idle) => waited.expect("all come back"),
        // Nobody is at the end yet.
        Some(report) = fans.join_next() => reports.push(report.expect("no panic")),
    }
    let problems = |reports: &[Report]| {
        for Report { client, problems, .. } in reports {
            assert_eq!(problems.len(), 0, "client {client}: {problems:?}");
        }
    };
    problems(&reports);
    ring.end(&io);
    while let Some(report) = timeout(PATIENCE, fans.join_next()).await.expect("all hear the end") {
        reports.push(report.expect("no panic"));
    }
    if let Some(nodes) = &mut nodes {
        reports.extend(nodes.reports().await);
    }
    problems(&reports);
    check(&ring, &reports);
    let total = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    println!(
        "{} clients: {} shouts, {} deliveries, {} calls, {} sessions recovered\n{:?}",
        reports.len(),
        total(|report| report.shouts),
        total(|report| report.heard.len() as u64),
        total(|report| report.doubled),
        total(|report| report.recovered),
        proxy.counts(),
    );
    assert!(total(|report| report.recovered) > 0, "nothing was cut");
}

fn check(ring: &Ring, reports: &[Report]) {
    let records = ring.records();
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
    // A request that arrives when its client has given up, and is back, gets a session of its own.
    let Records { sessions, resumed, .. } = &*records;
    println!("the server began {sessions} sessions and let {resumed} come back");
}
