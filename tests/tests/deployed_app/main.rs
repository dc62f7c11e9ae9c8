//! The program of `docs/deploy.md`.

#[allow(unreachable_pub, reason = "as in a program of its own")]
mod app;

use std::net::SocketAddr;

use parlor::Router;
use parlor::http::StatusCode;
use parlor::wire::CloseCode;
use parlor_tests::{ProbeFixture, RawClient, probe_fixture, within_timeout, workspace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

async fn health(addr: SocketAddr) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    let request = format!("GET /health HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut response = String::new();
    within_timeout("the response", stream.read_to_string(&mut response)).await.expect("read");
    response.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn health_is_503_while_sessions_end() {
    let ProbeFixture { server, gate, .. } = probe_fixture();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let procedures = Router::new().procedure("/probe", server);
    let served = tokio::spawn(app::serve(listener, procedures, async { drop(stopped.await) }));
    assert_eq!(health(addr).await, "HTTP/1.1 200 OK");

    let mut client = RawClient::parlor(addr, "/api/probe").await;
    client.send(r#"["wait",{},1]"#).await;
    client.assert_nothing_received().await;
    stop.send(()).expect("it serves");
    // The handler still runs.
    let refused = async {
        while RawClient::open(addr, "/api/probe", &[]).await.err()
            != Some(StatusCode::SERVICE_UNAVAILABLE)
        {}
    };
    within_timeout("the shutdown", refused).await;
    assert_eq!(health(addr).await, "HTTP/1.1 503 Service Unavailable");
    gate.add_permits(1);
    assert_eq!(client.receive().await[0], "$ok");
    assert_eq!(client.closed().await.code, CloseCode::RESTART.0);
    drop(client);
    within_timeout("the end", served).await.expect("no panic").expect("served");
}

#[test]
fn program_is_that_of_docs() {
    let docs = std::fs::read_to_string(workspace().join("docs/deploy.md")).expect("the docs");
    let program = include_str!("app.rs");
    assert!(docs.contains(program), "docs/deploy.md should have\n{program}");
}
