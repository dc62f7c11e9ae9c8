//! Thousands of connections that end in different ways leave nothing behind: no memory, no descriptors, no
//! entries in tables, no rate keys, no tasks, and no permits of handshakes.
//!
//! `PARLOR_TURNOVER_CONNECTIONS` sets how many there are.

#![cfg(target_os = "linux")]

use std::future::{IntoFuture, pending};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use allocation_counter::AllocationInfo;
use futures::StreamExt;
use futures::stream::iter;
use parlor::http::StatusCode;
use parlor::server::{Handshakes, RateLimit, Recovery};
use parlor::test::Network;
use parlor::wire::CloseCode;
use parlor::{Request, Router};
use parlor_tests::{
    ProbeServer, ProbeSocket, RawClient, TEST_TIMEOUT, Welcomed, probe_fixture, secret,
    within_timeout,
};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::yield_now;

const PATH: &str = "/probe";
/// How many clients are connected at once.
const CONCURRENT: usize = 32;
/// Connections before anything is counted.
const WARM_UP: usize = 500;
/// The most allocations that may remain. Each leak of a connection of one kind is at least one.
const MAX_ALLOCATIONS: i64 = 40;
/// The most bytes that may remain. For a client that returns late, a procedure keeps the secrets of the
/// last 4 096 sessions that ended.
const MAX_BYTES: i64 = 1 << 20;

/// How a connection ends.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Closed,
    /// Reset, then resumed and closed.
    Resumed,
    /// Reset, and the client does not return.
    Reset,
    /// The stream ends without a close frame.
    Lost,
    ClosedByServer,
    ResetInHandshake,
    LostInHandshake,
    /// Rejected with an HTTP status.
    Rejected,
    /// Closed because of a frame that violates the protocol.
    Violation,
    ResetInPlainMode,
}

const ENDINGS: [Ending; 10] = [
    Ending::Closed,
    Ending::Resumed,
    Ending::Reset,
    Ending::Lost,
    Ending::ClosedByServer,
    Ending::ResetInHandshake,
    Ending::LostInHandshake,
    Ending::Rejected,
    Ending::Violation,
    Ending::ResetInPlainMode,
];

#[test]
fn connections_that_end_in_any_way_leave_nothing_behind() {
    let count = std::env::var("PARLOR_TURNOVER_CONNECTIONS").ok();
    let count = count.map_or(5_000, |count| count.parse().expect("a number"));
    let (announce, announced) = mpsc::channel();
    let (warm, is_warm) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let server = thread::spawn(move || serve(&announce, is_warm, is_done));
    let (addr, router) = announced.recv().expect("the server starts");
    runtime().block_on(async {
        let network = Network::new(router);
        let idle = descriptors();
        run(addr, WARM_UP).await;
        wait_until_empty(&network, idle).await;
        warm.send(()).expect("the server waits");
        let before = resident();
        run(addr, count).await;
        wait_until_empty(&network, idle).await;
        done.send(()).expect("the server waits");
        println!("{count} connections: resident before {before}, after {}", resident());
    });
    let memory = server.join().expect("the server does not panic");
    let AllocationInfo { count_total, count_current, bytes_total, bytes_current, .. } = memory;
    println!("of {count_total} allocations {count_current} remain");
    println!("of {bytes_total} bytes {bytes_current} remain");
    assert!(count_current < MAX_ALLOCATIONS, "{count_current} allocations remain");
    assert!(bytes_current < MAX_BYTES, "{bytes_current} bytes remain");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Serves until `is_done`. Returns what this thread allocated between the two signals.
fn serve(
    announce: &mpsc::Sender<(SocketAddr, Router)>,
    is_warm: oneshot::Receiver<()>,
    is_done: oneshot::Receiver<()>,
) -> AllocationInfo {
    let recovery = Recovery {
        window: Duration::from_secs(1),
        max_detached_sessions: CONCURRENT,
        ..Recovery::default()
    };
    // Each connection that keeps its permit leaves fewer for others.
    let handshakes = Handshakes { max_concurrent: 4 * CONCURRENT, ..Handshakes::default() };
    // One key for each connection.
    let rate = RateLimit { events_per_second: 1000.0, burst: 50 };
    let fixture = probe_fixture();
    let probe = ProbeServer::new(move |socket: ProbeSocket| {
        socket.spawn(pending());
        let session = fixture.session(socket);
        async { Ok(session) }
    })
    .recovery(recovery)
    .rate_limit_by(Request::peer_addr, rate);
    let router = Router::new().procedure(PATH, probe).handshakes(handshakes);
    let runtime = runtime();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        tokio::spawn(router.clone().serve(listener).into_future());
        announce.send((addr, router.clone())).expect("the test waits");
    });
    runtime.block_on(is_warm).expect("the test runs");
    let memory = allocation_counter::measure(|| {
        runtime.block_on(is_done).expect("the test runs");
    });
    // No handshake and no session is counted as running.
    runtime.block_on(within_timeout("the shutdown", router.shutdown()));
    memory
}

/// Opens `count` connections and ends them.
async fn run(addr: SocketAddr, count: usize) {
    let endings = ENDINGS.into_iter().cycle().take(count).enumerate();
    iter(endings)
        .for_each_concurrent(CONCURRENT, |(number, ending)| {
            Box::pin(connect_and_end(addr, number, ending))
        })
        .await;
}

async fn connect_and_end(addr: SocketAddr, number: usize, ending: Ending) {
    let room = format!("room {}", number % 100);
    let reset = |client: RawClient| {
        client.0.get_ref().set_zero_linger().expect("no linger");
        drop(client);
    };
    match ending {
        Ending::ResetInHandshake | Ending::LostInHandshake => {
            let mut stream = TcpStream::connect(addr).await.expect("connected");
            if matches!(ending, Ending::ResetInHandshake) {
                stream.write_all(b"GET /probe HTTP/1.1\r\nHost: ").await.expect("sent");
                stream.set_zero_linger().expect("no linger");
            }
        }
        Ending::Rejected => {
            let foreign = [("origin", "https://foreign.example")];
            let refused = RawClient::open(addr, PATH, &foreign).await;
            assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN));
        }
        Ending::ResetInPlainMode => {
            let mut client = RawClient::plain(addr, PATH).await;
            client.emit("enter", json!({"room": room})).await;
            client.ping().await;
            reset(client);
        }
        _ => {
            let Welcomed { mut client, welcome } = RawClient::welcomed(addr, PATH, &[]).await;
            assert_eq!(client.call("enter", json!({"room": room}), 1).await[0], "$ok");
            client.emit("shout", json!({"room": room, "text": "hi"})).await;
            match ending {
                Ending::Closed => client.close(1000).await,
                Ending::Resumed => {
                    reset(client);
                    let mut resumed = RawClient::resumed(addr, PATH, secret(&welcome), 1).await;
                    assert_eq!(resumed.welcome["recovered"], true);
                    resumed.client.close(1000).await;
                }
                Ending::Reset => reset(client),
                Ending::ClosedByServer => {
                    client.emit("quit", json!({"code": 4321})).await;
                    assert_eq!(client.closed().await.code, 4321);
                }
                Ending::Violation => {
                    // A reserved opcode.
                    let frame = [0x83, 0x80, 0, 0, 0, 0];
                    client.0.get_mut().write_all(&frame).await.expect("sent");
                    assert_eq!(client.closed().await.code, CloseCode::PROTOCOL.0);
                }
                _ => drop(client),
            }
        }
    }
}

/// Waits until no session is left, and no descriptor besides the `idle` ones.
async fn wait_until_empty(network: &Network, idle: usize) {
    let empty = async {
        while (network.connections(), network.entries(), descriptors()) != (0, 0, idle) {
            yield_now().await;
        }
    };
    let waited = tokio::time::timeout(TEST_TIMEOUT, empty).await;
    let left = (network.connections(), network.entries(), descriptors());
    assert!(waited.is_ok(), "connections, entries, descriptors: {left:?}, not (0, 0, {idle})");
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("the descriptors").count()
}

/// Returns the resident memory of this process, clients included.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.expect("a line").trim().to_owned()
}
