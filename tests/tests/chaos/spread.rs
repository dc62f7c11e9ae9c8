//! Many clients whose server goes do not come back all at once.

use std::net::SocketAddr;
use std::time::Duration;

use parlor::{ConnectionChange, Router};
use parlor_tests::soon;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::arena::{ArenaClient, ArenaEvent, Ring};

const CLIENTS: u32 = 500;
const WINDOW: Duration = Duration::from_secs(4);

/// Several of these may listen at the same address.
fn listen(addr: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("a port for several");
    socket.bind(addr).expect("the address is free");
    socket.listen(1024).expect("listening")
}

/// How long the client was away when its server went.
async fn absence(url: String, connected: oneshot::Sender<()>) -> Duration {
    let (_arena, mut events) = ArenaClient::connect(&url).await.expect("connected");
    connected.send(()).expect("somebody waits");
    let mut lost = None;
    loop {
        match events.next().await {
            Some(ArenaEvent::Connection(ConnectionChange::Lost { .. })) => {
                lost = Some(Instant::now());
            }
            Some(ArenaEvent::Connection(ConnectionChange::Restored { .. })) => {
                return lost.expect("lost before").elapsed();
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_come_back_spread_over_the_window() {
    let serve = |addr| {
        let listener = listen(addr);
        let addr = listener.local_addr().expect("a bound listener has an address");
        let server = Ring::new().server().retry_window(WINDOW);
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = Router::new()
            .procedure("/api/arena", server)
            .serve(listener)
            .with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
        (addr, stop, tokio::spawn(serve.into_future()))
    };
    let (addr, stop, stopped) = serve(([127, 0, 0, 1], 0).into());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (sender, connected) = oneshot::channel();
        clients.spawn(absence(format!("ws://{addr}/api/arena"), sender));
        soon("a connection", connected).await.expect("connected");
    }
    stop.send(()).expect("it runs");
    // It takes the place while the first one says goodbye.
    let (_, _stop, _) = serve(addr);
    soon("the shutdown", stopped).await.expect("no panic").expect("served");

    let (mut tenths, mut thirds) = ([0; 11], [0; 4]);
    while let Some(away) = soon("all to be back", clients.join_next()).await {
        let away = away.expect("no panic").as_millis();
        for slices in [&mut tenths[..], &mut thirds] {
            // The last one has those whose connection took its time.
            let last = slices.len() - 1;
            let slice = usize::try_from(away * last as u128 / WINDOW.as_millis());
            slices[slice.map_or(last, |slice| slice.min(last))] += 1;
        }
    }
    println!("came back in tenths of the window: {tenths:?}");
    let most = CLIENTS / 4;
    assert!(tenths.iter().all(|slice| *slice <= most), "{tenths:?}");
    let least = CLIENTS * 15 / 100;
    assert!(thirds[..3].iter().all(|slice| *slice >= least), "{thirds:?}");
}
