//! A server on threads of its own: clients are spread over them, and nobody notices.

use std::collections::HashSet;
use std::thread;

use parlor::prelude::*;
use parlor_tests::{Running, Welcomed, Wire, secret, soon};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[procedure]
trait Hall {
    /// Enters the room of all; says which thread this is.
    #[incoming]
    async fn enter(&mut self) -> String;
    /// Says a number to all.
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
        // What is spawned runs beside the session.
        let spawned = tokio::spawn(async { thread::current().id() }).await;
        assert_eq!(spawned.ok(), Some(thread::current().id()));
        format!("{:?}", thread::current().id())
    }

    async fn count(&mut self, number: u64) {
        self.socket.io().to("all").counted(self.socket.id(), number);
    }
}

async fn hall() -> Running {
    let hall = HallServer::new(|socket: HallSocket| async move { Ok(Guest { socket }) });
    Running::start_on(2, Router::new().procedure("/hall", hall)).await
}

async fn enter(wire: &mut Wire) -> Value {
    wire.call("enter", json!({}), 1).await[1].clone()
}

#[tokio::test]
async fn clients_are_spread_over_the_threads_and_rooms_reach_across() {
    const CLIENTS: usize = 6;
    const NUMBERS: u64 = 200;
    let running = hall().await;
    let mut threads = HashSet::new();
    let mut wires = Vec::new();
    for _ in 0..CLIENTS {
        let Welcomed { mut wire, .. } = Wire::welcomed(running.addr, "/hall", &[]).await;
        threads.insert(enter(&mut wire).await.to_string());
        wires.push(wire);
    }
    assert_eq!(threads.len(), 2, "{threads:?}");
    let here = format!("{:?}", thread::current().id());
    assert!(!threads.contains(&json!(here).to_string()));
    let talks = wires.into_iter().map(|mut wire| {
        tokio::spawn(async move {
            for number in 0..NUMBERS {
                wire.emit("count", json!({ "number": number })).await;
            }
            let mut next = std::collections::HashMap::<String, u64>::new();
            let mut left = CLIENTS as u64 * NUMBERS;
            while left > 0 {
                let frame = wire.receive().await;
                if frame[0] != "counted" {
                    continue;
                }
                left -= 1;
                let next = next.entry(frame[1]["by"].to_string()).or_default();
                assert_eq!(frame[1]["number"], *next);
                *next += 1;
            }
        })
    });
    for talk in talks.collect::<Vec<_>>() {
        soon("all numbers", talk).await.expect("each in its order");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_session_goes_on_with_a_client_that_comes_back_on_another_thread() {
    let running = hall().await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/hall", &[]).await;
    let before = enter(&mut wire).await;
    drop(wire);
    let Welcomed { mut wire, welcome } =
        Wire::resumed(running.addr, "/hall", secret(&welcome), 1).await;
    assert_eq!(welcome["recovered"], true);
    wire.emit("count", json!({ "number": 7 })).await;
    assert_eq!(wire.receive().await[1]["number"], 7, "it is still in its room");
    assert_eq!(enter(&mut wire).await, before, "the session has stayed where it was");
    drop(wire);
    running.stop().await;
}

#[tokio::test]
async fn zero_threads_are_one_per_core() {
    let hall = HallServer::new(|socket: HallSocket| async move { Ok(Guest { socket }) });
    let running = Running::start_on(0, Router::new().procedure("/hall", hall)).await;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut threads = HashSet::new();
    for _ in 0..3 * cores {
        let mut wire = Wire::parlor(running.addr, "/hall").await;
        threads.insert(enter(&mut wire).await.to_string());
    }
    assert_eq!(threads.len(), cores);
    running.stop().await;
}

#[tokio::test]
async fn who_stops_to_serve_stops_the_threads() {
    let hall = HallServer::new(|socket: HallSocket| async move { Ok(Guest { socket }) });
    let io = hall.io();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("a bound listener has an address");
    let router = Router::new().procedure("/hall", hall);
    let serving = tokio::spawn(router.serve(listener).with_threads(1).into_future());
    let mut wire = Wire::parlor(addr, "/hall").await;
    enter(&mut wire).await;
    assert_eq!(io.connections(), 1);
    serving.abort();
    assert!(soon("the end", serving).await.is_err(), "it was aborted");
    // Nobody is left to say goodbye.
    assert_eq!(wire.closed().await.code, 1006);
    // What its session held is dropped on the other thread, in no order that was promised.
    let left = async {
        while io.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    soon("the session to have left", left).await;
}

#[tokio::test]
async fn a_shutdown_says_goodbye_on_all_threads() {
    let running = hall().await;
    let mut wires = Vec::new();
    for _ in 0..4 {
        wires.push(Wire::welcomed(running.addr, "/hall", &[]).await.wire);
    }
    let stop = tokio::spawn(running.stop());
    for mut wire in wires {
        assert_eq!(wire.closed().await.code, 1012);
    }
    soon("the shutdown", stop).await.expect("no panic");
}
