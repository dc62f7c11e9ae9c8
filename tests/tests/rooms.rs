//! Rooms: who is in them and who hears what.

use std::borrow::Cow;

use parlor::{CloseCode, Room, Router, rooms};
use parlor_tests::{ProbeIo, Probing, Running, Wire, probing, soon};
use serde_json::{Value, json};

async fn server() -> (Running, ProbeIo, Probing) {
    let Probing { server, ended, gate } = probing();
    let io = server.io();
    let other = probing();
    let router = Router::new().procedure("/probe", server).procedure("/other", other.server);
    (Running::start(router).await, io, Probing { server: probing().server, ended, gate })
}

/// A client in these rooms.
async fn client(running: &Running, path: &str, rooms: &[&str]) -> Wire {
    let mut wire = Wire::parlor(running.addr, path).await;
    for room in rooms {
        let answer = wire.call("enter", json!({"room": room}), 1).await;
        assert_eq!(answer[0], "$ok", "{answer}");
    }
    wire
}

fn text(message: &Value) -> &str {
    message[1]["text"].as_str().expect("a text")
}

#[tokio::test]
async fn socket_to_leaves_the_sender_out_and_io_to_does_not() {
    let (running, _io, _probing) = server().await;
    let mut ada = client(&running, "/probe", &["a"]).await;
    let mut bob = client(&running, "/probe", &["a"]).await;
    let mut eve = client(&running, "/probe", &["b"]).await;
    let mut far = client(&running, "/other", &["a"]).await;

    ada.emit("say", json!({"room": "a", "text": "others"})).await;
    ada.emit("shout", json!({"room": "a", "text": "all"})).await;
    assert_eq!(text(&bob.receive().await), "others");
    assert_eq!(text(&bob.receive().await), "all");
    assert_eq!(text(&ada.receive().await), "all");
    eve.nothing_came().await;
    // A room of another procedure is another room.
    far.nothing_came().await;
}

#[tokio::test]
async fn join_broadcast_and_leave_are_seen_in_their_order() {
    let (running, io, _probing) = server().await;
    let mut ada = Wire::parlor(running.addr, "/probe").await;
    ada.emit("shout", json!({"room": "a", "text": "before"})).await;
    ada.emit("enter", json!({"room": "a"})).await;
    ada.emit("enter", json!({"room": "a"})).await;
    ada.emit("shout", json!({"room": "a", "text": "inside"})).await;
    ada.emit("leave", json!({"room": "a"})).await;
    ada.emit("shout", json!({"room": "a", "text": "after"})).await;
    assert_eq!(text(&ada.receive().await), "inside");
    ada.nothing_came().await;
    assert_eq!(io.members("a").await.len(), 0);
}

struct Table(u32);

impl Room for Table {
    fn name(&self) -> Cow<'_, str> {
        format!("table:{}", self.0).into()
    }
}

#[tokio::test]
async fn targets_name_rooms_sockets_and_exceptions() {
    let (running, io, _probing) = server().await;
    let mut ada = client(&running, "/probe", &["a", "b"]).await;
    let mut bob = client(&running, "/probe", &["b", "muted"]).await;
    let mut eve = client(&running, "/probe", &["table:7"]).await;

    io.to(["a", "b"]).said("", "both", "");
    assert_eq!(text(&ada.receive().await), "both");
    assert_eq!(text(&bob.receive().await), "both");
    ada.nothing_came().await;

    io.to(rooms(["a", "b"]).except("muted")).said("", "unmuted", "");
    assert_eq!(text(&ada.receive().await), "unmuted");
    bob.nothing_came().await;

    let [ada_id] = io.members("a").await[..] else { panic!("one member") };
    io.to(io.members("a").await).said("", "those there", "");
    assert_eq!(text(&ada.receive().await), "those there");
    io.to(rooms(["a", "b"]).except(["a", "muted"])).said("", "nobody", "");
    bob.nothing_came().await;

    io.to(rooms("b").except(ada_id)).said("", "not ada", "");
    assert_eq!(text(&bob.receive().await), "not ada");
    ada.nothing_came().await;

    io.socket(ada_id).said("", "ada", "");
    assert_eq!(text(&ada.receive().await), "ada");
    io.to(Table(7)).said("", "own type", "");
    assert_eq!(text(&eve.receive().await), "own type");

    io.broadcast().said("", "everyone", "");
    for wire in [&mut ada, &mut bob, &mut eve] {
        assert_eq!(text(&wire.receive().await), "everyone");
    }
}

#[tokio::test]
async fn io_finds_and_disconnects() {
    let (running, io, mut probing) = server().await;
    let mut ada = client(&running, "/probe", &["a"]).await;
    let mut bob = client(&running, "/probe", &["a"]).await;
    let mut eve = client(&running, "/probe", &["b"]).await;
    let members = io.members("a").await;
    assert_eq!((members.len(), io.connections()), (2, 3));
    let socket = io.local(members[0]).expect("connected here");
    assert_eq!((socket.id(), socket.rooms()), (members[0], vec!["a".to_owned()]));

    assert_eq!(io.disconnect("a").await, 2);
    assert_eq!(ada.closed().await.code, 4500);
    assert_eq!(bob.closed().await.code, 4500);
    for _ in 0..2 {
        let reason = soon("an end", probing.ended.recv()).await;
        assert_eq!(reason, Some(parlor::DisconnectReason::Disconnected));
    }
    assert_eq!(eve.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn all_are_closed_with_a_code_and_may_come_back() {
    let (first, second) = (probing(), probing());
    let io = first.server.io();
    let router =
        Router::new().procedure("/first", first.server).procedure("/second", second.server);
    let running = Running::start(router.clone()).await;
    let mut closed =
        [Wire::parlor(running.addr, "/first").await, Wire::parlor(running.addr, "/first").await];
    let mut other = Wire::parlor(running.addr, "/second").await;
    assert_eq!(router.connections(), 3);
    assert_eq!(io.close_all(CloseCode::TRY_AGAIN), 2);
    for wire in &mut closed {
        assert_eq!(wire.closed().await.code, 1013);
    }
    other.nothing_came().await;
    let mut back = Wire::parlor(running.addr, "/first").await;
    back.nothing_came().await;
    assert_eq!(io.connections(), 1);
    assert_eq!(router.connections(), 2);
}

#[tokio::test]
async fn rooms_are_left_after_disconnected_has_returned() {
    let (running, io, mut probing) = server().await;
    let mut ada = client(&running, "/probe", &["a"]).await;
    let mut bob = client(&running, "/probe", &["a"]).await;
    bob.close(1000).await;
    // `disconnected` still knew its rooms.
    assert_eq!(text(&ada.receive().await), "bye");
    soon("the end", probing.ended.recv()).await;
    ada.close(1000).await;
    soon("the end", probing.ended.recv()).await;
    soon("empty rooms", async {
        while !io.members("a").await.is_empty() || io.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn rooms_and_their_names_are_bounded() {
    let server = probing().server.max_rooms_per_socket(2).max_room_name(4);
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut ada = client(&running, "/probe", &["a", "b"]).await;
    for (room, what) in [("c", "max_rooms_per_socket"), ("abcde", "max_room_name")] {
        let answer = ada.call("enter", json!({"room": room}), 1).await;
        assert_eq!(answer[1]["code"], "refused");
        let message = answer[1]["details"]["Other"].as_str().expect("a message");
        assert!(message.contains(what), "{message}");
    }
    ada.emit("leave", json!({"room": "a"})).await;
    assert_eq!(ada.call("enter", json!({"room": "c"}), 1).await[0], "$ok");
}
