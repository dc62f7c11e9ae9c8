//! A shutdown returns within `shutdown_timeout` plus twice `Timeouts::close` plus 1 s, whatever hangs.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parlor::server::{Handshakes, Timeouts};
use parlor::test::{Line, Network, settle};
use parlor::{DisconnectReason, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use crate::{Never, PARLOR, RawClient, Report, Reports, SECOND, end, resume_protocols, stuck};

/// Different from the defaults and from each other.
const SHUTDOWN: Duration = Duration::from_secs(7);
const CLOSE: Duration = Duration::from_secs(3);

fn router(never: Never) -> (Router, Reports) {
    let (server, reports) = stuck(never);
    let server = server.timeouts(Timeouts { close: CLOSE, ..Timeouts::default() });
    let router = Router::new().procedure("/stuck", server);
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

/// Connects a client that closes when the server closes.
async fn connect_responsive(line: &Line, hangs: bool) {
    let (mut client, _) = RawClient::welcomed(line).await;
    if hangs {
        client.hang().await;
    }
    tokio::spawn(async move { while client.receive().await.is_ok() {} });
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_nothing_hangs() {
    let (network, line, mut reports) = network(Never::default());
    connect_responsive(&line, false).await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_spawned_task_never_ends() {
    let (network, line, mut reports) = network(Never::default());
    let (mut client, _) = RawClient::welcomed(&line).await;
    client.send(r#"["spawnHanging",{}]"#).await;
    settle().await;
    tokio::spawn(async move { while client.receive().await.is_ok() {} });
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_close_timeout_when_spawned_task_is_never_dropped() {
    let (network, line, mut reports) = network(Never::default());
    let (mut client, _) = RawClient::welcomed(&line).await;
    client.send(r#"["spawnOnUndrivenRuntime",{}]"#).await;
    settle().await;
    tokio::spawn(async move { while client.receive().await.is_ok() {} });
    assert_eq!(shut_down(&network).await, CLOSE);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_its_bound_when_disconnected_client_and_spawned_task_hang() {
    let (network, line, _reports) = network(Never { disconnected: true, ..Never::default() });
    let (mut unread, _) = RawClient::welcomed(&line).await;
    unread.send(r#"["spawnOnUndrivenRuntime",{}]"#).await;
    settle().await;
    assert_eq!(shut_down(&network).await, 2 * CLOSE);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_shutdown_timeout_when_handler_never_ends() {
    let (network, line, mut reports) = network(Never::default());
    connect_responsive(&line, true).await;
    assert_eq!(shut_down(&network).await, SHUTDOWN);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_30_s_by_default_when_handler_never_ends() {
    let (server, _reports) = stuck(Never::default());
    let network = crate::network(server);
    connect_responsive(&network.line(), true).await;
    assert_eq!(shut_down(&network).await, 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_close_timeout_when_disconnected_never_ends() {
    let (network, line, mut reports) = network(Never { disconnected: true, ..Never::default() });
    connect_responsive(&line, false).await;
    assert_eq!(shut_down(&network).await, CLOSE);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
    assert_eq!(reports.recv().await, Some(Report::Dropped));
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_close_timeout_when_client_does_not_read_close_frame() {
    // A buffer smaller than a close frame, and one that holds it.
    for buffer_size in [1, 1000] {
        let (network, line, _reports) = network(Never::default());
        let (_unread, _) = RawClient::welcomed(&line).await;
        line.buffer(buffer_size);
        assert_eq!(shut_down(&network).await, CLOSE);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_its_bound_when_handler_disconnected_and_client_hang() {
    let (network, line, _reports) = network(Never { disconnected: true, ..Never::default() });
    let (mut unread, _) = RawClient::welcomed(&line).await;
    unread.hang().await;
    assert_eq!(shut_down(&network).await, SHUTDOWN + 2 * CLOSE);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_handshake_hangs() {
    let (network, line, _reports) = network(Never::default());
    let mut end = line.dial().expect("a connection");
    end.write_all(b"GET /stuck HT").await.expect("written");
    settle().await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_factory_never_ends() {
    let (network, line, _reports) = network(Never { factory: true, ..Never::default() });
    let refused = tokio::spawn(async move {
        line.client::<crate::StuckClient>("/stuck").connect().await.is_err()
    });
    settle().await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert!(refused.await.expect("no panic"));
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_middleware_never_ends() {
    let (router, _reports) = router(Never::default());
    let network = Network::new(router.middleware(|_| std::future::pending()));
    let mut client = send_request(&network.line(), PARLOR).await;
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert_eq!(client.read(&mut [0]).await.expect("its end"), 0);
}

/// Writes a request and reads nothing.
async fn send_request(line: &Line, protocols: &str) -> parlor::test::End {
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
async fn shutdown_returns_after_shutdown_timeout_when_resume_request_waits_for_busy_handler() {
    let (network, line, mut reports) = network(Never::default());
    let (mut client, secret) = RawClient::welcomed(&line).await;
    client.hang().await;
    drop(client);
    let mut resumed = send_request(&line, &resume_protocols(&secret)).await;
    let start = Instant::now();
    let rejected = tokio::spawn(async move {
        assert_eq!(resumed.read(&mut [0]).await.expect("its end"), 0);
        start.elapsed()
    });
    assert_eq!(shut_down(&network).await, SHUTDOWN);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
    assert_eq!(rejected.await.expect("no panic"), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_shutdown_timeout_when_resumed_never_ends() {
    let (network, line, mut reports) = network(Never { resumed: true, ..Never::default() });
    let (client, secret) = RawClient::welcomed(&line).await;
    drop(client);
    let _resumed = send_request(&line, &resume_protocols(&secret)).await;
    assert_eq!(shut_down(&network).await, SHUTDOWN);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_at_once_when_session_is_detached() {
    let (network, line, mut reports) = network(Never::default());
    drop(RawClient::welcomed(&line).await);
    settle().await;
    assert_eq!((network.connections(), network.sessions()), (0, 1));
    assert_eq!(shut_down(&network).await, Duration::ZERO);
    assert_eq!(end(&mut reports).await, DisconnectReason::ShutDown);
}

#[tokio::test(start_paused = true)]
async fn shutdown_returns_after_its_bound_when_detached_session_hangs() {
    let (network, line, _reports) = network(Never { disconnected: true, ..Never::default() });
    let (mut client, _) = RawClient::welcomed(&line).await;
    client.hang().await;
    drop(client);
    settle().await;
    assert_eq!((network.connections(), network.sessions()), (0, 1));
    assert_eq!(shut_down(&network).await, SHUTDOWN + CLOSE);
}

/// Serves `router` with hyper and sends a request over the connection.
async fn send_request_to_hyper(router: &Router, buffer_size: usize) -> DuplexStream {
    let (mut ours, theirs) = duplex(buffer_size);
    let service = TowerToHyperService::new(router.clone());
    let serve = http1::Builder::new().serve_connection(TokioIo::new(theirs), service);
    tokio::spawn(async move { serve.with_upgrades().await.is_ok() });
    ours.write_all(request(PARLOR).as_bytes()).await.expect("written");
    settle().await;
    ours
}

#[tokio::test(start_paused = true)]
async fn shutdown_inside_another_server_returns_after_its_bound_when_factory_never_ends() {
    let (router, _reports) = router(Never { factory: true, ..Never::default() });
    let _client = send_request_to_hyper(&router, 1 << 10).await;
    let start = Instant::now();
    router.shutdown().await;
    assert_eq!(start.elapsed(), SHUTDOWN + 2 * CLOSE + SECOND);
}

#[tokio::test(start_paused = true)]
async fn upgrade_inside_another_server_is_abandoned_after_handshake_timeout() {
    let (router, mut reports) = router(Never::default());
    let router = router.handshakes(Handshakes { timeout: 2 * SECOND, ..Handshakes::default() });
    let start = Instant::now();
    // A buffer smaller than the response.
    let _client = send_request_to_hyper(&router, 1).await;
    assert!(matches!(end(&mut reports).await, DisconnectReason::ConnectionLost { .. }));
    assert_eq!(start.elapsed(), 2 * SECOND);
}
