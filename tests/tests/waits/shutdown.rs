//! A shutdown returns within `shutdown_timeout`, twice `close_timeout` and 1 s, whatever hangs.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parlor::test::{Line, Network, settle};
use parlor::{DisconnectReason, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use crate::{Never, PARLOR, Report, Reports, SECOND, Wire, end, resuming, stuck};

/// Other than the defaults, and than each other.
const SHUTDOWN: Duration = Duration::from_secs(7);
const CLOSE: Duration = Duration::from_secs(3);

fn router(never: Never) -> (Router, Reports) {
    let (server, reports) = stuck(never);
    let router = Router::new().procedure("/stuck", server.close_timeout(CLOSE));
    (router.shutdown_timeout(SHUTDOWN), reports)
}

fn network(never: Never) -> (Network, Line, Reports) {
    let (router, reports) = router(never);
    let network = Network::new(router);
    let line = network.line();
    (network, line, reports)
}

async fn shut_down(network: &Network) -> Duration {
    let start = Instant::now();
    network.shut_down().await;
    start.elapsed()
}

/// A client that closes when the server closes.
async fn polite(line: &Line, hangs: bool) {
    let (mut wire, _) = Wire::welcomed(line).await;
    if hangs {
        wire.hang().await;
    }
    tokio::spawn(async move { while wire.receive().await.is_ok() {} });
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_nothing_hangs() {
    let (network, line, mut reports) = network(Never::default());
    polite(&line, false).await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_shutdown_timeout_when_a_handler_never_ends() {
    let (network, line, mut reports) = network(Never::default());
    polite(&line, true).await;
    assert_eq!(shut_down(&network).await, SHUTDOWN);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_30_s_by_default_when_a_handler_never_ends() {
    let (server, _reports) = stuck(Never::default());
    let network = crate::network(server);
    polite(&network.line(), true).await;
    assert_eq!(shut_down(&network).await, 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_close_timeout_when_disconnected_never_ends() {
    let (network, line, mut reports) = network(Never { disconnected: true, ..Never::default() });
    polite(&line, false).await;
    assert_eq!(shut_down(&network).await, CLOSE);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
    assert_eq!(reports.recv().await, Some(Report::Dropped));
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_close_timeout_when_a_client_does_not_read_its_close_frame() {
    // Room for less than a close frame, and for all of it.
    for room in [1, 1000] {
        let (network, line, _reports) = network(Never::default());
        let (_unread, _) = Wire::welcomed(&line).await;
        line.buffer(room);
        assert_eq!(shut_down(&network).await, CLOSE);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_its_bound_when_handler_and_disconnected_and_client_hang() {
    let (network, line, _reports) = network(Never { disconnected: true, ..Never::default() });
    let (mut unread, _) = Wire::welcomed(&line).await;
    unread.hang().await;
    assert_eq!(shut_down(&network).await, SHUTDOWN + 2 * CLOSE);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_a_handshake_hangs() {
    let (network, line, _reports) = network(Never::default());
    let mut end = line.dial().expect("a connection");
    end.write_all(b"GET /stuck HT").await.expect("written");
    settle().await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_a_factory_never_ends() {
    let (network, line, _reports) = network(Never { factory: true, ..Never::default() });
    let refused = tokio::spawn(async move {
        line.client::<crate::StuckClient>("/stuck").connect().await.is_err()
    });
    settle().await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert!(refused.await.expect("no panic"));
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_a_middleware_never_ends() {
    let (router, _reports) = router(Never::default());
    let network = Network::new(router.middleware(|_| std::future::pending()));
    let mut client = line_request(&network.line(), PARLOR).await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert_eq!(client.read(&mut [0]).await.expect("its end"), 0);
}

/// A connection whose request is written and on which nothing was read.
async fn line_request(line: &Line, protocols: &str) -> parlor::test::End {
    let mut end = line.dial().expect("a connection");
    end.write_all(request(protocols).as_bytes()).await.expect("written");
    settle().await;
    end
}

fn request(protocols: &str) -> String {
    format!(
        "GET /stuck HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {protocols}\r\n\r\n"
    )
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_shutdown_timeout_when_a_resume_request_waits_for_a_busy_handler() {
    let (network, line, mut reports) = network(Never::default());
    let (mut wire, secret) = Wire::welcomed(&line).await;
    wire.hang().await;
    drop(wire);
    let mut back = line_request(&line, &resuming(&secret)).await;
    let start = Instant::now();
    let turned_away = tokio::spawn(async move {
        assert_eq!(back.read(&mut [0]).await.expect("its end"), 0);
        start.elapsed()
    });
    assert_eq!(shut_down(&network).await, SHUTDOWN);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
    assert_eq!(turned_away.await.expect("no panic"), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_shutdown_timeout_when_resumed_never_ends() {
    let (network, line, mut reports) = network(Never { resumed: true, ..Never::default() });
    let (wire, secret) = Wire::welcomed(&line).await;
    drop(wire);
    let _back = line_request(&line, &resuming(&secret)).await;
    assert_eq!(shut_down(&network).await, SHUTDOWN);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_a_session_is_detached() {
    let (network, line, mut reports) = network(Never::default());
    drop(Wire::welcomed(&line).await);
    settle().await;
    assert_eq!((network.connections(), network.sessions()), (0, 1));
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_its_bound_when_a_detached_session_hangs() {
    let (network, line, _reports) = network(Never { disconnected: true, ..Never::default() });
    let (mut wire, _) = Wire::welcomed(&line).await;
    wire.hang().await;
    drop(wire);
    settle().await;
    assert_eq!((network.connections(), network.sessions()), (0, 1));
    assert_eq!(shut_down(&network).await, SHUTDOWN + CLOSE);
}

/// A connection to hyper that serves `router`, over which a request was sent.
async fn over_hyper(router: &Router, room: usize) -> DuplexStream {
    let (mut ours, theirs) = duplex(room);
    let service = TowerToHyperService::new(router.clone());
    let serve = http1::Builder::new().serve_connection(TokioIo::new(theirs), service);
    tokio::spawn(async move { serve.with_upgrades().await.is_ok() });
    ours.write_all(request(PARLOR).as_bytes()).await.expect("written");
    settle().await;
    ours
}

#[tokio::test(start_paused = true)]
async fn shutdown_inside_another_server_returns_after_its_bound_when_a_factory_never_ends() {
    let (router, _reports) = router(Never { factory: true, ..Never::default() });
    let _client = over_hyper(&router, 1 << 10).await;
    let start = Instant::now();
    router.shutdown().await;
    assert_eq!(start.elapsed(), SHUTDOWN + 2 * CLOSE + SECOND);
}

#[tokio::test(start_paused = true)]
async fn upgrade_inside_another_server_is_given_up_after_handshake_timeout() {
    let (router, mut reports) = router(Never::default());
    let router = router.handshake_timeout(2 * SECOND);
    let start = Instant::now();
    // Room for less than the answer.
    let _client = over_hyper(&router, 1).await;
    assert!(matches!(end(&mut reports).await, DisconnectReason::ConnectionLost { .. }));
    assert_eq!(start.elapsed(), 2 * SECOND);
}
