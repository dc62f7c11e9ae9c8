//! `Io::watch`: the members of a room as they change.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use parlor::rooms::{RoomChange, RoomMember};
use parlor::test::{Network, settle};
use parlor::{Router, SocketId, Watch};
use parlor_tests::{
    ProbeClient, ProbeFixture, ProbeIo, ProbeSocket, RawClient, SeededRng, TestServer, Welcomed,
    advance_clock, probe_fixture, secret, serve_probe, wait_for_connections, within_timeout,
};
use serde::de::DeserializeOwned;
use serde_json::json;

const ROOM: &str = "a";
/// Members of the room with many of them.
const MEMBERS: u64 = 1000;

/// Connects a client that joins the room and has this presence, and returns its socket, too.
async fn enter(running: &TestServer, io: &ProbeIo, name: &str) -> (RawClient, ProbeSocket) {
    let before = io.members(ROOM).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.call("enter", json!({"room": ROOM}), 1).await;
    let members = io.members(ROOM).await;
    let id = members.into_iter().find(|id| !before.contains(id)).expect("a new member");
    let socket = io.local(id).expect("a session");
    socket.set_presence(name).expect("small");
    (client, socket)
}

async fn next<P: DeserializeOwned>(watch: &mut Watch<P>) -> RoomChange<P> {
    within_timeout("a change", watch.next()).await.expect("not drained")
}

/// The id, presence and `detached` of a member that has joined.
async fn joined(watch: &mut Watch<String>) -> (SocketId, String, bool) {
    match next(watch).await {
        RoomChange::Joined(RoomMember { id, presence, detached, .. }) => (id, presence, detached),
        other => panic!("expected a member that has joined: {other:?}"),
    }
}

/// The same of a member that has changed.
async fn changed(watch: &mut Watch<String>) -> (SocketId, String, bool) {
    match next(watch).await {
        RoomChange::Changed(RoomMember { id, presence, detached, .. }) => (id, presence, detached),
        other => panic!("expected a member that has changed: {other:?}"),
    }
}

#[tokio::test]
async fn members_join_change_leave_and_end() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let (_ada, ada) = enter(&running, &io, "ada").await;
    let mut watch = io.watch::<String>(ROOM);
    let RoomChange::Snapshot(members) = next(&mut watch).await else {
        panic!("expected the members")
    };
    assert_eq!(members, io.members_with::<String>(ROOM).await.expect("decoded"));
    assert_eq!((members.len(), members[0].id), (1, ada.id()));

    let (mut bob_client, bob) = enter(&running, &io, "bob").await;
    assert_eq!(joined(&mut watch).await, (bob.id(), "bob".to_owned(), false));
    ada.set_presence("eve").expect("small");
    assert_eq!(changed(&mut watch).await, (ada.id(), "eve".to_owned(), false));
    ada.leave(ROOM);
    assert_eq!(next(&mut watch).await, RoomChange::Left(ada.id()));
    ada.join(ROOM).expect("joined");
    assert_eq!(joined(&mut watch).await, (ada.id(), "eve".to_owned(), false));
    bob_client.close(1000).await;
    assert_eq!(next(&mut watch).await, RoomChange::Left(bob.id()));
}

#[tokio::test]
async fn member_is_detached_when_its_connection_is_lost_until_it_resumes() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let mut watch = io.watch::<String>(ROOM);
    assert_eq!(next(&mut watch).await, RoomChange::Snapshot(vec![]));
    let Welcomed { welcome, mut client } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.call("enter", json!({"room": ROOM}), 1).await;
    let id = io.members(ROOM).await[0];
    io.local(id).expect("a session").set_presence("ada").expect("small");
    assert_eq!(joined(&mut watch).await, (id, "ada".to_owned(), false));
    drop(client);
    assert_eq!(changed(&mut watch).await, (id, "ada".to_owned(), true));
    let Welcomed { welcome, client: resumed } =
        RawClient::resumed(running.addr, "/probe", secret(&welcome), 1).await;
    assert_eq!(welcome["recovered"], true);
    assert_eq!(changed(&mut watch).await, (id, "ada".to_owned(), false));
    drop(resumed);
    assert_eq!(changed(&mut watch).await, (id, "ada".to_owned(), true));
    io.disconnect(id).await;
    assert_eq!(next(&mut watch).await, RoomChange::Left(id));
}

#[tokio::test(start_paused = true)]
async fn detached_member_leaves_when_its_window_has_passed() {
    let ProbeFixture { server, ended: _ended, gate: _gate } = probe_fixture();
    let io: ProbeIo = server.io();
    let network = Network::new(Router::new().procedure("/probe", server));
    let line = network.line();
    let (client, _events) = line.client::<ProbeClient>("/probe").connect().await.expect("a client");
    client.enter(ROOM).await.expect("entered");
    let id = io.members(ROOM).await[0];
    io.local(id).expect("a session").set_presence("ada").expect("small");
    let mut watch = io.watch::<String>(ROOM);
    assert!(matches!(watch.next().await, Some(RoomChange::Snapshot(_))));
    line.refuse();
    line.cut();
    settle().await;
    assert_eq!(changed(&mut watch).await, (id, "ada".to_owned(), true));
    advance_clock(Duration::from_secs(31)).await;
    assert_eq!(watch.next().await, Some(RoomChange::Left(id)));
}

#[tokio::test]
async fn member_whose_presence_does_not_decode_does_not_count() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let (_ada, ada) = enter(&running, &io, "ada").await;
    let (_bob, bob) = enter(&running, &io, "bob").await;
    bob.set_presence(&7).expect("small");
    let mut watch = io.watch::<String>(ROOM);
    let RoomChange::Snapshot(members) = next(&mut watch).await else {
        panic!("expected the members")
    };
    assert_eq!((members.len(), members[0].id), (1, ada.id()));
    let undecodable = async |watch: &mut Watch<String>| match next(watch).await {
        RoomChange::Undecodable(error) => error.id,
        other => panic!("expected an error: {other:?}"),
    };
    assert_eq!(undecodable(&mut watch).await, bob.id());
    bob.set_presence(&8).expect("small");
    assert_eq!(undecodable(&mut watch).await, bob.id());
    bob.set_presence("bob").expect("small");
    assert_eq!(joined(&mut watch).await, (bob.id(), "bob".to_owned(), false));
    ada.set_presence(&7).expect("small");
    assert_eq!(next(&mut watch).await, RoomChange::Left(ada.id()));
    assert_eq!(undecodable(&mut watch).await, ada.id());
    // It has left already.
    ada.leave(ROOM);
    bob.leave(ROOM);
    assert_eq!(next(&mut watch).await, RoomChange::Left(bob.id()));
}

#[tokio::test]
async fn watch_ends_after_the_procedure_is_drained() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let (client, ada) = enter(&running, &io, "ada").await;
    let mut watch = io.watch::<String>(ROOM);
    let mut empty = io.watch::<String>("empty");
    assert!(matches!(next(&mut watch).await, RoomChange::Snapshot(_)));
    let waiting = tokio::spawn(async move {
        let first = empty.next().await;
        (first, empty.next().await, empty.next().await)
    });
    io.drain();
    assert_eq!(next(&mut watch).await, RoomChange::Left(ada.id()));
    assert_eq!(within_timeout("the end", watch.next()).await, None);
    let all = within_timeout("the end", waiting).await.expect("no panic");
    assert_eq!(all, (Some(RoomChange::Snapshot(vec![])), None, None));
    drop(client);
}

#[tokio::test]
async fn dropped_future_of_next_loses_no_change() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let mut watch = io.watch::<String>(ROOM);
    assert!(matches!(next(&mut watch).await, RoomChange::Snapshot(_)));
    let waited = tokio::time::timeout(Duration::ZERO, watch.next()).await;
    assert!(waited.is_err(), "nothing has changed");
    let (_ada, ada) = enter(&running, &io, "ada").await;
    assert_eq!(joined(&mut watch).await.0, ada.id());
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("a small number")
}

fn apply(members: &mut HashMap<SocketId, (u64, bool)>, change: RoomChange<u64>) {
    match change {
        RoomChange::Snapshot(all) => {
            assert!(members.is_empty());
            members.extend(all.into_iter().map(|it| (it.id, (it.presence, it.detached))));
        }
        RoomChange::Joined(it) => {
            let before = members.insert(it.id, (it.presence, it.detached));
            assert_eq!(before, None, "it has joined twice");
        }
        RoomChange::Changed(it) => {
            let before = members.insert(it.id, (it.presence, it.detached));
            assert!(before.is_some(), "it has not joined");
        }
        RoomChange::Left(id) => assert!(members.remove(&id).is_some(), "it has not joined"),
        other => panic!("unexpected: {other:?}"),
    }
}

/// 1 000 members join, leave and change at random, some lose their connections, and a watcher takes one change
/// per hundred of theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_watcher_of_a_large_room_ends_with_its_members() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let mut watch = io.watch::<u64>(ROOM);
    let mut clients = Vec::new();
    for _ in 0..MEMBERS {
        let mut client = RawClient::parlor(running.addr, "/probe").await;
        client.call("enter", json!({"room": ROOM}), 1).await;
        clients.push(client);
    }
    let sockets: Vec<_> =
        io.members(ROOM).await.into_iter().map(|id| io.local(id).expect("a session")).collect();
    let mut members = HashMap::new();
    apply(&mut members, next(&mut watch).await);

    let tasks = [1, 2].map(|seed| {
        let sockets = sockets.clone();
        tokio::spawn(async move {
            let mut rng = SeededRng::new(seed);
            for value in 0..20_000 {
                let socket = &sockets[index(rng.below(MEMBERS))];
                match rng.below(4) {
                    0 => drop(socket.leave(ROOM)),
                    1 => drop(socket.join(ROOM).expect("joined")),
                    _ => socket.set_presence(&value).expect("small"),
                }
                if value % 100 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
        if let Ok(Some(change)) = tokio::time::timeout(Duration::ZERO, watch.next()).await {
            apply(&mut members, change);
        }
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    clients.truncate(900);
    wait_for_connections(&io, 900).await;

    let all = io.members_with::<u64>(ROOM).await.expect("decoded");
    let expected: HashMap<_, _> =
        all.into_iter().map(|it| (it.id, (it.presence, it.detached))).collect();
    assert!(!expected.is_empty());
    within_timeout("the last changes", async {
        while members != expected {
            apply(&mut members, watch.next().await.expect("not drained"));
        }
    })
    .await;
}

#[tokio::test]
async fn watch_is_a_stream() {
    let (running, io, _reports) = serve_probe(|server| server).await;
    let watch = io.watch::<String>(ROOM);
    let names = tokio::spawn(async move {
        let names = watch.filter_map(async |change| match change {
            RoomChange::Joined(member) => Some(member.presence),
            _ => None,
        });
        names.take(2).collect::<Vec<_>>().await
    });
    let (_ada, _) = enter(&running, &io, "ada").await;
    let (_bob, _) = enter(&running, &io, "bob").await;
    let mut names = within_timeout("two members", names).await.expect("no panic");
    names.sort();
    assert_eq!(names, ["ada", "bob"]);
}
