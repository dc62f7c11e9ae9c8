//! Membership in rooms, and targets of emits.

use std::borrow::Cow;

use parlor::rooms::{Audience, Room, Target, rooms};
use parlor::server::Limits;
use parlor::wire::CloseCode;
use parlor::{Router, SocketId};
use parlor_tests::{ProbeFixture, ProbeIo, RawClient, TestServer, probe_fixture, within_timeout};
use serde_json::{Value, json};

async fn server() -> (TestServer, ProbeIo, ProbeFixture) {
    let ProbeFixture { server, ended, gate } = probe_fixture();
    let io = server.io();
    let other = probe_fixture();
    let router = Router::new().procedure("/probe", server).procedure("/other", other.server);
    (
        TestServer::start(router).await,
        io,
        ProbeFixture { server: probe_fixture().server, ended, gate },
    )
}

/// Connects a client that joins `rooms`.
async fn client(running: &TestServer, path: &str, rooms: &[&str]) -> RawClient {
    let mut client = RawClient::parlor(running.addr, path).await;
    for room in rooms {
        let answer = client.call("enter", json!({"room": room}), 1).await;
        assert_eq!(answer[0], "$ok", "{answer}");
    }
    client
}

fn text(message: &Value) -> &str {
    message[1]["text"].as_str().expect("a text")
}

#[tokio::test]
async fn socket_to_excludes_sender_and_io_to_includes_it() {
    let (running, _io, _fixture) = server().await;
    let mut ada = client(&running, "/probe", &["a"]).await;
    let mut bob = client(&running, "/probe", &["a"]).await;
    let mut eve = client(&running, "/probe", &["b"]).await;
    let mut far = client(&running, "/other", &["a"]).await;

    ada.emit("say", json!({"room": "a", "text": "others"})).await;
    ada.emit("shout", json!({"room": "a", "text": "all"})).await;
    assert_eq!(text(&bob.receive().await), "others");
    assert_eq!(text(&bob.receive().await), "all");
    assert_eq!(text(&ada.receive().await), "all");
    eve.assert_nothing_received().await;
    // A room of the same name in another procedure is a different room.
    far.assert_nothing_received().await;
}

#[tokio::test]
async fn join_broadcast_and_leave_take_effect_in_order() {
    let (running, io, _fixture) = server().await;
    let mut ada = RawClient::parlor(running.addr, "/probe").await;
    ada.emit("shout", json!({"room": "a", "text": "before"})).await;
    ada.emit("enter", json!({"room": "a"})).await;
    ada.emit("enter", json!({"room": "a"})).await;
    ada.emit("shout", json!({"room": "a", "text": "inside"})).await;
    ada.emit("leave", json!({"room": "a"})).await;
    ada.emit("shout", json!({"room": "a", "text": "after"})).await;
    assert_eq!(text(&ada.receive().await), "inside");
    ada.assert_nothing_received().await;
    assert_eq!(io.members("a").await.len(), 0);
}

struct Table(u32);

impl Room for Table {
    fn name(&self) -> Cow<'_, str> {
        format!("table:{}", self.0).into()
    }
}

#[tokio::test]
async fn target_selects_rooms_sockets_and_exceptions() {
    let (running, io, _fixture) = server().await;
    let mut ada = client(&running, "/probe", &["a", "b"]).await;
    let mut bob = client(&running, "/probe", &["b", "muted"]).await;
    let mut eve = client(&running, "/probe", &["table:7"]).await;

    io.to(["a", "b"]).said("", "both", "");
    assert_eq!(text(&ada.receive().await), "both");
    assert_eq!(text(&bob.receive().await), "both");
    ada.assert_nothing_received().await;

    io.to(rooms(["a", "b"]).except("muted")).said("", "unmuted", "");
    assert_eq!(text(&ada.receive().await), "unmuted");
    bob.assert_nothing_received().await;

    let [ada_id] = io.members("a").await[..] else { panic!("expected one member") };
    io.to(io.members("a").await).said("", "those there", "");
    assert_eq!(text(&ada.receive().await), "those there");
    io.to(rooms(["a", "b"]).except(["a", "muted"])).said("", "none", "");
    bob.assert_nothing_received().await;

    io.to(rooms("b").except(ada_id)).said("", "not ada", "");
    assert_eq!(text(&bob.receive().await), "not ada");
    ada.assert_nothing_received().await;

    io.socket(ada_id).said("", "ada", "");
    assert_eq!(text(&ada.receive().await), "ada");
    io.to(Table(7)).said("", "own type", "");
    assert_eq!(text(&eve.receive().await), "own type");

    io.broadcast().said("", "everyone", "");
    for client in [&mut ada, &mut bob, &mut eve] {
        assert_eq!(text(&client.receive().await), "everyone");
    }
}

#[tokio::test]
async fn io_lists_members_and_disconnects_room() {
    let (running, io, mut fixture) = server().await;
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
        let reason = within_timeout("an end", fixture.ended.recv()).await;
        assert_eq!(reason, Some(parlor::DisconnectReason::Disconnected));
    }
    assert_eq!(eve.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn close_all_closes_every_client_with_code_and_admits_new_ones() {
    let (first, second) = (probe_fixture(), probe_fixture());
    let io = first.server.io();
    let router =
        Router::new().procedure("/first", first.server).procedure("/second", second.server);
    let running = TestServer::start(router.clone()).await;
    let mut closed = [
        RawClient::parlor(running.addr, "/first").await,
        RawClient::parlor(running.addr, "/first").await,
    ];
    let mut other = RawClient::parlor(running.addr, "/second").await;
    assert_eq!(router.connections(), 3);
    assert_eq!(io.close_all(CloseCode::TRY_AGAIN), 2);
    for client in &mut closed {
        assert_eq!(client.closed().await.code, 1013);
    }
    other.assert_nothing_received().await;
    let mut back = RawClient::parlor(running.addr, "/first").await;
    back.assert_nothing_received().await;
    assert_eq!(io.connections(), 1);
    assert_eq!(router.connections(), 2);
}

#[tokio::test]
async fn rooms_are_left_after_disconnected_returns() {
    let (running, io, mut fixture) = server().await;
    let mut ada = client(&running, "/probe", &["a"]).await;
    let mut bob = client(&running, "/probe", &["a"]).await;
    bob.close(1000).await;
    // `disconnected` still sees its rooms.
    assert_eq!(text(&ada.receive().await), "bye");
    within_timeout("the end", fixture.ended.recv()).await;
    ada.close(1000).await;
    within_timeout("the end", fixture.ended.recv()).await;
    within_timeout("empty rooms", async {
        while !io.members("a").await.is_empty() || io.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn join_over_room_limit_or_name_length_fails() {
    let limits = Limits { max_rooms_per_socket: 2, max_room_name: 4, ..Limits::default() };
    let server = probe_fixture().server.limits(limits);
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
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

/// A target of its own: a room without one of its sockets.
struct Without(&'static str, SocketId);

impl Target for Without {
    fn add_to(&self, audience: &mut Audience) {
        rooms(self.0).except(self.1).add_to(audience);
    }
}

#[tokio::test]
async fn exception_applies_only_to_the_target_it_was_given_for() {
    let (running, io, _fixture) = server().await;
    let mut ada = client(&running, "/probe", &["a", "b"]).await;
    let mut bob = client(&running, "/probe", &["a", "muted"]).await;
    let (ada_id, bob_id) = (io.members("b").await[0], io.members("muted").await[0]);

    io.to([rooms("a").except(ada_id), rooms("b")]).said("", "array", "");
    io.to(vec![rooms("b"), rooms("a").except(ada_id)]).said("", "vec", "");
    io.to(&[rooms("a").except(ada_id), rooms(ada_id)][..]).said("", "socket", "");
    io.to([Without("a", ada_id), Without("b", bob_id)]).said("", "own", "");
    io.to([[rooms("a").except("b")], [rooms("b")]]).said("", "nested", "");
    io.to([rooms("a").except("muted"), rooms(bob_id)]).said("", "room", "");
    // An exception from the whole.
    io.to(rooms([rooms("a").except(ada_id), rooms("b")]).except("muted")).said("", "ada", "");
    io.to(rooms([rooms("a").except(bob_id), rooms("b")]).except(ada_id)).said("", "none", "");
    for expected in ["array", "vec", "socket", "own", "nested", "room"] {
        assert_eq!(text(&ada.receive().await), expected);
        assert_eq!(text(&bob.receive().await), expected);
    }
    assert_eq!(text(&ada.receive().await), "ada");
    ada.assert_nothing_received().await;
    bob.assert_nothing_received().await;

    // `socket.to` excepts its own client from the whole.
    let socket = io.local(ada_id).expect("a session");
    socket.to([rooms("a").except(bob_id), rooms(bob_id)]).said("", "others", "");
    assert_eq!(text(&bob.receive().await), "others");
    ada.assert_nothing_received().await;

    assert_eq!(io.disconnect([rooms("a").except(ada_id), rooms("b")]).await, 2);
    assert_eq!(ada.closed().await.code, 4500);
    assert_eq!(bob.closed().await.code, 4500);
}
