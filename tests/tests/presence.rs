//! The values that sessions show to others, and `members_with`.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;

use parlor::rooms::{MAX_PRESENCE_SIZE, RoomMember, SetPresenceError};
use parlor::test::{Network, settle};
use parlor::{Router, SocketId};
use parlor_tests::{
    ProbeClient, ProbeEmitter, ProbeFixture, ProbeIo, ProbeServer, ProbeSocket, RawClient, Reports,
    TestServer, advance_clock, probe_fixture, serve_probe, within_timeout,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Person {
    name: String,
    color: u32,
}

fn person(name: &str, color: u32) -> Person {
    Person { name: name.to_owned(), color }
}

async fn server() -> (TestServer, ProbeIo, Reports) {
    serve_probe(|server| server).await
}

/// Connects a client that joins `room`, and returns its socket, too.
async fn enter(running: &TestServer, io: &ProbeIo, room: &str) -> (RawClient, ProbeSocket) {
    let before = io.members(room).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.call("enter", json!({"room": room}), 1).await;
    let mut members = io.members(room).await;
    members.retain(|id| !before.contains(id));
    (client, io.local(members[0]).expect("a session"))
}

/// The presences in a room, in order.
async fn presences(io: &ProbeIo, room: &str) -> Vec<Person> {
    let members = io.members_with::<Person>(room).await.expect("decoded");
    let mut presences: Vec<_> = members.into_iter().map(|member| member.presence).collect();
    presences.sort();
    presences
}

#[tokio::test]
async fn members_with_returns_presence_of_each_member_that_has_set_one() {
    let (running, io, _reports) = server().await;
    let (_ada, ada) = enter(&running, &io, "a").await;
    let (_bob, bob) = enter(&running, &io, "a").await;
    let (_eve, eve) = enter(&running, &io, "b").await;
    let (_anonymous, _) = enter(&running, &io, "a").await;
    assert_eq!(presences(&io, "a").await, []);

    ada.set_presence(&person("ada", 1)).expect("small");
    bob.set_presence(&person("bob", 2)).expect("small");
    eve.set_presence(&person("eve", 3)).expect("small");
    assert_eq!(presences(&io, "a").await, [person("ada", 1), person("bob", 2)]);
    assert_eq!(presences(&io, "b").await, [person("eve", 3)]);
    assert_eq!(io.members("a").await.len(), 3);
    assert_eq!(presences(&io, "empty").await, []);
    let [RoomMember { id, detached: false, .. }] =
        io.members_with::<Person>("b").await.expect("decoded")[..]
    else {
        panic!("expected one attached member")
    };
    assert_eq!(id, eve.id());

    ada.set_presence(&person("ada", 9)).expect("small");
    assert_eq!(presences(&io, "a").await, [person("ada", 9), person("bob", 2)]);
    ada.leave("a");
    assert_eq!(presences(&io, "a").await, [person("bob", 2)]);
    ada.join("b").expect("joined");
    assert_eq!(presences(&io, "b").await, [person("ada", 9), person("eve", 3)]);
}

#[tokio::test]
async fn factory_sets_presence_before_it_joins_and_plain_mode_has_presence() {
    let fixture = probe_fixture();
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let session = fixture.session(socket.clone());
        async move {
            let name = socket.request().query().unwrap_or_default();
            socket.set_presence(&person(name, 0))?;
            socket.join("a")?;
            Ok(session)
        }
    });
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let _ada = RawClient::plain(running.addr, "/probe?ada").await;
    let _bob = RawClient::parlor(running.addr, "/probe?bob").await;
    assert_eq!(presences(&io, "a").await, [person("ada", 0), person("bob", 0)]);

    let long = format!("/probe?{}", "x".repeat(MAX_PRESENCE_SIZE));
    let rejected = RawClient::open(running.addr, &long, &[]).await.err();
    assert_eq!(rejected.map(|status| status.as_u16()), Some(500), "it is the server's value");
    assert_eq!(presences(&io, "a").await.len(), 2);
}

#[tokio::test]
async fn presence_over_1024_bytes_is_rejected_and_the_previous_one_stays() {
    let (running, io, _reports) = server().await;
    let (_ada, ada) = enter(&running, &io, "a").await;
    // A string has two quotes, and a quote in it takes two bytes.
    ada.set_presence(&"x".repeat(1022)).expect("1024 bytes");
    let too_large = |size| Err(SetPresenceError::TooLarge { size, max: 1024 });
    assert_eq!(ada.set_presence(&"x".repeat(1023)), too_large(1025));
    assert_eq!(ada.set_presence(&"\"".repeat(512)), too_large(1026));
    assert_eq!(ada.set_presence(&vec![1; 512]), too_large(1025));
    assert_eq!(ada.set_presence(&person(&"x".repeat(1004), 1)), too_large(1025));
    let members = io.members_with::<String>("a").await.expect("decoded");
    assert_eq!(members[0].presence, "x".repeat(1022));
    ada.set_presence(&person(&"x".repeat(1003), 1)).expect("1024 bytes");
    assert_eq!(presences(&io, "a").await, [person(&"x".repeat(1003), 1)]);
}

#[tokio::test]
async fn value_that_json_cannot_have_is_rejected_and_the_previous_one_stays() {
    let (running, io, _reports) = server().await;
    let (_ada, ada) = enter(&running, &io, "a").await;
    ada.set_presence(&person("ada", 1)).expect("small");
    let is_rejected = |result| matches!(result, Err(SetPresenceError::Encode(_)));
    assert!(is_rejected(ada.set_presence(&HashMap::from([((1, 2), 3)]))));
    assert!(is_rejected(ada.set_presence(&HashMap::from([(vec![1], 3)]))));
    assert!(is_rejected(ada.set_presence(&(1, HashMap::from([(Some(()), 3)])))));
    assert!(is_rejected(ada.set_presence(&f64::NAN)));
    assert!(is_rejected(ada.set_presence(&(1, [f32::INFINITY]))));
    assert!(is_rejected(ada.set_presence(&HashMap::from([("x", f64::NEG_INFINITY)]))));
    assert_eq!(presences(&io, "a").await, [person("ada", 1)]);
}

#[tokio::test]
async fn presence_of_another_type_is_an_error_that_names_socket_and_type() {
    let (running, io, _reports) = server().await;
    let (_ada, ada) = enter(&running, &io, "a").await;
    let (_bob, bob) = enter(&running, &io, "a").await;
    ada.set_presence(&person("ada", 1)).expect("small");
    bob.set_presence(&7).expect("small");
    let error = io.members_with::<Person>("a").await.expect_err("a number");
    assert_eq!(error.id, bob.id());
    assert!(error.expected.ends_with("Person"), "{error}");
    let error = io.members_with::<u8>("a").await.expect_err("a struct");
    assert_eq!((error.id, error.expected), (ada.id(), "u8"));
    assert!(error.to_string().contains(&ada.id().to_string()), "{error}");
}

#[tokio::test]
async fn presence_of_ended_session_is_gone() {
    let (running, io, mut reports) = server().await;
    let (mut client, ada) = enter(&running, &io, "a").await;
    let (_bob, bob) = enter(&running, &io, "a").await;
    ada.set_presence(&person("ada", 1)).expect("small");
    bob.set_presence(&person("bob", 2)).expect("small");
    client.close(1000).await;
    reports.end().await;
    within_timeout("the end of the session", async {
        while presences(&io, "a").await != [person("bob", 2)] {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(ada.set_presence(&person("ada", 1)), Err(SetPresenceError::Ended));
}

/// Counts how often it is encoded.
#[derive(Default)]
struct Counted(Cell<u32>);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.set(self.0.get() + 1);
        serializer.serialize_u32(self.0.get())
    }
}

#[tokio::test]
async fn presence_is_encoded_once_for_any_number_of_reads() {
    let (running, io, _reports) = server().await;
    let (_ada, ada) = enter(&running, &io, "a").await;
    let counted = Counted::default();
    ada.set_presence(&counted).expect("small");
    for _ in 0..3 {
        assert_eq!(io.members_with::<u32>("a").await.expect("decoded")[0].presence, 1);
    }
    assert_eq!(counted.0.get(), 1);
}

/// Whether each member of the room is detached, by its presence.
async fn detached(io: &ProbeIo) -> Vec<(String, bool)> {
    let members = io.members_with::<String>("a").await.expect("decoded");
    let mut members: Vec<_> = members.into_iter().map(|it| (it.presence, it.detached)).collect();
    members.sort();
    members
}

#[tokio::test(start_paused = true)]
async fn member_is_detached_from_loss_of_its_connection_until_resume() {
    let ProbeFixture { server, ended: _ended, gate: _gate } = probe_fixture();
    let io: parlor::Io<ProbeEmitter> = server.io();
    let network = Network::new(Router::new().procedure("/probe", server));
    let (line, other_line) = (network.line(), network.line());
    let mut clients = Vec::new();
    for (line, name) in [(&line, "ada"), (&other_line, "bob")] {
        let before: Vec<SocketId> = io.members("a").await;
        let connected = line.client::<ProbeClient>("/probe").connect().await.expect("connected");
        connected.0.enter("a").await.expect("entered");
        let members = io.members("a").await;
        let id = members.into_iter().find(|id| !before.contains(id)).expect("a new member");
        io.local(id).expect("a session").set_presence(name).expect("small");
        clients.push(connected);
    }
    let bob = ("bob".to_owned(), false);
    assert_eq!(detached(&io).await, [("ada".to_owned(), false), bob.clone()]);
    for _ in 0..2 {
        line.refuse();
        line.cut();
        settle().await;
        assert_eq!(detached(&io).await, [("ada".to_owned(), true), bob.clone()]);
        line.accept();
        advance_clock(Duration::from_secs(5)).await;
        assert_eq!(detached(&io).await, [("ada".to_owned(), false), bob.clone()]);
    }
    line.refuse();
    line.cut();
    advance_clock(Duration::from_secs(31)).await;
    assert_eq!(detached(&io).await, [bob]);
}
