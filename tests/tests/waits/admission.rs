//! What comes before a session: the handshake, middleware, the factory, resume requests.

use std::future::pending;

use parlor::Router;
use parlor::server::{Handshakes, Timeouts};
use parlor::test::{Line, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, Instant};

use crate::{Never, PARLOR, RawClient, SECOND, network, resume, stuck};

#[tokio::test(start_paused = true)]
async fn handshake_is_closed_after_handshake_timeout_when_client_stalls() {
    let network = network(stuck(Never::default()).0);
    let mut end = network.line().dial().expect("a connection");
    let start = Instant::now();
    end.write_all(b"GET /stuck HT").await.expect("written");
    assert_eq!(end.read(&mut [0]).await.expect("its end"), 0);
    assert_eq!(start.elapsed(), 10 * SECOND);
}

/// Returns after which time a client is rejected with 4003.
async fn time_to_rejection(line: &Line) -> Duration {
    let start = Instant::now();
    let mut client = RawClient::open(line, "/stuck", Some(PARLOR)).await;
    assert_eq!(client.receive().await, Err(4003));
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn client_is_rejected_after_admission_timeout_when_factory_never_ends() {
    let network = network(stuck(Never { factory: true, ..Never::default() }).0);
    assert_eq!(time_to_rejection(&network.line()).await, 30 * SECOND);
    assert_eq!(network.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn client_is_rejected_after_admission_timeout_when_middleware_never_ends() {
    let handshakes = Handshakes { admission_timeout: 2 * SECOND, ..Handshakes::default() };
    let router = Router::new().middleware(|_| pending()).handshakes(handshakes.clone());
    let network = Network::new(router.procedure("/stuck", stuck(Never::default()).0));
    assert_eq!(time_to_rejection(&network.line()).await, 2 * SECOND);
    let server = stuck(Never::default()).0.middleware(|_| pending());
    let router = Router::new().procedure("/stuck", server).handshakes(handshakes);
    assert_eq!(time_to_rejection(&Network::new(router).line()).await, 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn resume_request_is_rejected_after_10_s_when_handler_never_ends() {
    let line = network(stuck(Never::default()).0).line();
    let (mut client, secret) = RawClient::welcomed(&line).await;
    client.hang().await;
    let start = Instant::now();
    let (rejected, code) = resume(&line, &secret).await.expect("no panic");
    assert_eq!((rejected - start, code), (10 * SECOND, 4003));
}

#[tokio::test(start_paused = true)]
async fn resume_request_is_rejected_after_10_s_when_resumed_never_ends() {
    let line = network(stuck(Never { resumed: true, ..Never::default() }).0).line();
    let (_wire, secret) = RawClient::welcomed(&line).await;
    let start = Instant::now();
    let (rejected, code) = resume(&line, &secret).await.expect("no panic");
    assert_eq!((rejected - start, code), (10 * SECOND, 4003));
}

#[tokio::test(start_paused = true)]
async fn resume_request_is_rejected_after_handler_timeout_when_resumed_never_ends() {
    let server = stuck(Never { resumed: true, ..Never::default() }).0;
    let timeouts = Timeouts { handler: Some(2 * SECOND), ..Timeouts::default() };
    let line = network(server.timeouts(timeouts)).line();
    let (_wire, secret) = RawClient::welcomed(&line).await;
    let start = Instant::now();
    let (rejected, code) = resume(&line, &secret).await.expect("no panic");
    assert_eq!((rejected - start, code), (2 * SECOND, 4003));
}
