//! Clients of a server that shuts down do not reconnect all at once.

use std::net::SocketAddr;
use std::time::Duration;

use parlor::Router;
use parlor::client::ConnectionChange;
use parlor_tests::within_timeout;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::recording_server::{Recorder, RelayClient, RelayEvent};

const CLIENTS: u32 = 500;
const WINDOW: Duration = Duration::from_secs(4);

/// Listens with `SO_REUSEPORT`, so that two servers can share an address.
fn listen(addr: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("SO_REUSEPORT is set");
    socket.bind(addr).expect("the address is free");
    socket.listen(1024).expect("listening")
}

/// Returns how long the client was disconnected after the shutdown.
async fn time_disconnected(url: String, connected: oneshot::Sender<()>) -> Duration {
    let (_client, mut events) = RelayClient::connect(&url).await.expect("connected");
    connected.send(()).expect("the test waits");
    let mut lost = None;
    loop {
        match events.next().await {
            Some(RelayEvent::Connection(ConnectionChange::Lost { .. })) => {
                lost = Some(Instant::now());
            }
            Some(RelayEvent::Connection(ConnectionChange::Restored { .. })) => {
                return lost.expect("lost before").elapsed();
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_reconnect_spread_over_retry_window() {
    let serve = |addr| {
        let listener = listen(addr);
        let addr = listener.local_addr().expect("a bound listener has an address");
        let server = Recorder::new().server().retry_window(WINDOW);
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = Router::new()
            .procedure("/api/relay", server)
            .serve(listener)
            .with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
        (addr, stop, tokio::spawn(serve.into_future()))
    };
    let (addr, stop, stopped) = serve(([127, 0, 0, 1], 0).into());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (sender, connected) = oneshot::channel();
        clients.spawn(time_disconnected(format!("ws://{addr}/api/relay"), sender));
        within_timeout("a connection", connected).await.expect("connected");
    }
    stop.send(()).expect("it runs");
    // The second server accepts while the first one closes its connections.
    let (_, _stop, _) = serve(addr);
    within_timeout("the shutdown", stopped).await.expect("no panic").expect("served");

    let (mut tenths, mut thirds) = ([0; 11], [0; 4]);
    while let Some(disconnected) = within_timeout("all to reconnect", clients.join_next()).await {
        let disconnected = disconnected.expect("no panic").as_millis();
        for slices in [&mut tenths[..], &mut thirds] {
            // The last slice includes connections that took longer.
            let last = slices.len() - 1;
            let slice = usize::try_from(disconnected * last as u128 / WINDOW.as_millis());
            slices[slice.map_or(last, |slice| slice.min(last))] += 1;
        }
    }
    println!("reconnected in tenths of the window: {tenths:?}");
    let most = CLIENTS / 4;
    assert!(tenths.iter().all(|slice| *slice <= most), "{tenths:?}");
    let least = CLIENTS * 15 / 100;
    assert!(thirds[..3].iter().all(|slice| *slice >= least), "{thirds:?}");
}
