//! A server with threads of its own: clients are spread over them.

use std::collections::HashSet;
use std::thread;

use parlor::prelude::*;
use parlor_tests::{RawClient, TestServer, Welcomed, secret, within_timeout};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[procedure]
trait Hall {
    /// Joins the room "all" and returns the id of its thread.
    #[incoming]
    async fn enter(&mut self) -> String;
    /// Emits a number to all.
    #[incoming]
    async fn count(&mut self, number: u64);

    #[outgoing]
    fn counted(by: String, number: u64);
}

struct Guest {
    socket: HallSocket,
}

impl Hall for Guest {
    async fn enter(&mut self) -> String {
        self.socket.join("all").expect("one room");
        // A spawned task runs on the thread of the session.
        let spawned = tokio::spawn(async { thread::current().id() }).await;
        assert_eq!(spawned.ok(), Some(thread::current().id()));
        format!("{:?}", thread::current().id())
    }

    async fn count(&mut self, number: u64) {
        self.socket.io().to("all").counted(self.socket.id(), number);
    }
}

async fn hall() -> TestServer {
    let hall = HallServer::new(|socket: HallSocket| async move { Ok(Guest { socket }) });
    TestServer::start_on(2, Router::new().procedure("/hall", hall)).await
}

async fn enter(client: &mut RawClient) -> Value {
    client.call("enter", json!({}), 1).await[1].clone()
}

#[tokio::test]
async fn clients_are_spread_over_threads_and_share_rooms() {
    const CLIENTS: usize = 6;
    const NUMBERS: u64 = 200;
    let running = hall().await;
    let mut threads = HashSet::new();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let Welcomed { mut client, .. } = RawClient::welcomed(running.addr, "/hall", &[]).await;
        threads.insert(enter(&mut client).await.to_string());
        clients.push(client);
    }
    assert_eq!(threads.len(), 2, "{threads:?}");
    let here = format!("{:?}", thread::current().id());
    assert!(!threads.contains(&json!(here).to_string()));
    let exchanges = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            for number in 0..NUMBERS {
                client.emit("count", json!({ "number": number })).await;
            }
            let mut next = std::collections::HashMap::<String, u64>::new();
            let mut missing = CLIENTS as u64 * NUMBERS;
            while missing > 0 {
                let frame = client.receive().await;
                if frame[0] != "counted" {
                    continue;
                }
                missing -= 1;
                let next = next.entry(frame[1]["by"].to_string()).or_default();
                assert_eq!(frame[1]["number"], *next);
                *next += 1;
            }
        })
    });
    for exchange in exchanges.collect::<Vec<_>>() {
        within_timeout("all numbers", exchange).await.expect("in order for each sender");
    }
    running.stop().await;
}

#[tokio::test]
async fn resumed_session_stays_on_its_thread() {
    let running = hall().await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/hall", &[]).await;
    let before = enter(&mut client).await;
    drop(client);
    let Welcomed { mut client, welcome } =
        RawClient::resumed(running.addr, "/hall", secret(&welcome), 1).await;
    assert_eq!(welcome["recovered"], true);
    client.emit("count", json!({ "number": 7 })).await;
    assert_eq!(client.receive().await[1]["number"], 7, "the session is still in its room");
    assert_eq!(enter(&mut client).await, before, "the session has stayed on its thread");
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn zero_threads_means_one_per_core() {
    let hall = HallServer::new(|socket: HallSocket| async move { Ok(Guest { socket }) });
    let running = TestServer::start_on(0, Router::new().procedure("/hall", hall)).await;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut threads = HashSet::new();
    for _ in 0..3 * cores {
        let mut client = RawClient::parlor(running.addr, "/hall").await;
        threads.insert(enter(&mut client).await.to_string());
    }
    assert_eq!(threads.len(), cores);
    running.stop().await;
}

#[tokio::test]
async fn aborting_serve_stops_threads() {
    let hall = HallServer::new(|socket: HallSocket| async move { Ok(Guest { socket }) });
    let io = hall.io();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("a bound listener has an address");
    let router = Router::new().procedure("/hall", hall);
    let serving = tokio::spawn(router.serve(listener).with_threads(1).into_future());
    let mut client = RawClient::parlor(addr, "/hall").await;
    enter(&mut client).await;
    assert_eq!(io.connections(), 1);
    serving.abort();
    assert!(within_timeout("the end", serving).await.is_err(), "it was aborted");
    // No task is left to send a close frame.
    assert_eq!(client.closed().await.code, 1006);
    // The session is dropped on the other thread, in an unspecified order.
    let session_is_gone = async {
        while io.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    within_timeout("the session to be dropped", session_is_gone).await;
}

#[tokio::test]
async fn shutdown_closes_connections_of_all_threads_with_1012() {
    let running = hall().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(RawClient::welcomed(running.addr, "/hall", &[]).await.client);
    }
    let stop = tokio::spawn(running.stop());
    for mut client in clients {
        assert_eq!(client.closed().await.code, 1012);
    }
    within_timeout("the shutdown", stop).await.expect("no panic");
}
