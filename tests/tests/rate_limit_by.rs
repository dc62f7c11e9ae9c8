//! One rate limit for all sessions with the same key.

use std::net::IpAddr;
use std::time::Duration;

use parlor::client::CallError;
use parlor::server::{Limits, RateLimit};
use parlor::test::{Network, settle};
use parlor::{Request, Router};
use parlor_tests::{
    ProbeClient, ProbeEvents, ProbeServer, ProbeSession, RawClient, Welcomed, advance_clock,
    probe_fixture, secret, serve_probe,
};
use serde_json::{Value, json};

/// Three events at once, then one per second.
const RATE: RateLimit = RateLimit { events_per_second: 1.0, burst: 3 };
/// Three events, then one in 1 000 s.
const THREE: RateLimit = RateLimit { events_per_second: 0.001, burst: 3 };

fn query(request: &Request) -> Option<String> {
    request.query().map(str::to_owned)
}

fn network(change: impl FnOnce(ProbeServer<ProbeSession>) -> ProbeServer<ProbeSession>) -> Network {
    Network::new(Router::new().procedure("/probe", change(probe_fixture().server)))
}

async fn connect(network: &Network, user: &str) -> (ProbeClient, ProbeEvents) {
    let path = format!("/probe?{user}");
    network.line().client::<ProbeClient>(&path).connect().await.expect("connected")
}

/// Calls until the rate limit is exceeded. Returns the number of answers.
async fn allowed((client, _): &(ProbeClient, ProbeEvents)) -> usize {
    for calls in 0.. {
        match client.add(1, 2).await {
            Ok(sum) => assert_eq!(sum, 3),
            Err(CallError::Limited(_)) => return calls,
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!()
}

async fn close((client, _events): (ProbeClient, ProbeEvents)) {
    client.close();
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn sessions_with_one_key_share_a_rate_and_other_keys_have_their_own() {
    let network = network(|server| server.rate_limit_by(query, RATE));
    let (phone, laptop) = (connect(&network, "ada").await, connect(&network, "ada").await);
    let bob = connect(&network, "bob").await;
    phone.0.add(1, 2).await.expect("allowed");
    assert_eq!(allowed(&laptop).await, 2);
    assert_eq!(allowed(&phone).await, 0);
    assert_eq!(allowed(&bob).await, 3);
    advance_clock(Duration::from_secs(2)).await;
    assert_eq!((allowed(&phone).await, allowed(&laptop).await), (2, 0));
    // While one session is connected, the key is in use.
    close(laptop).await;
    advance_clock(Duration::from_secs(1)).await;
    let tablet = connect(&network, "ada").await;
    assert_eq!((allowed(&tablet).await, allowed(&phone).await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn reconnect_refills_nothing_until_time_has_passed() {
    let network = network(|server| server.rate_limit_by(query, RATE));
    let ada = connect(&network, "ada").await;
    assert_eq!(allowed(&ada).await, 3);
    for seconds in [0, 1, 2, 3] {
        advance_clock(Duration::from_secs(seconds)).await;
        let ada = connect(&network, "ada").await;
        assert_eq!(allowed(&ada).await, usize::try_from(seconds).expect("small"));
        close(ada).await;
    }
    close(ada).await;
    for seconds in [0, 1, 2, 3, 60] {
        advance_clock(Duration::from_secs(seconds)).await;
        let ada = connect(&network, "ada").await;
        assert_eq!(allowed(&ada).await, usize::try_from(seconds.min(3)).expect("small"));
        close(ada).await;
    }
}

#[tokio::test(start_paused = true)]
async fn idle_key_nearest_to_full_is_forgotten_over_max_idle_rate_keys() {
    let limits = Limits { max_idle_rate_keys: 2, ..Limits::default() };
    let network = network(|server| server.rate_limit_by(query, THREE).limits(limits));
    for (user, calls) in [("ada", 3), ("bob", 1), ("eve", 3)] {
        let client = connect(&network, user).await;
        for _ in 0..calls {
            client.0.add(1, 2).await.expect("allowed");
        }
        close(client).await;
    }
    for (user, calls) in [("ada", 0), ("bob", 3), ("eve", 0)] {
        assert_eq!(allowed(&connect(&network, user).await).await, calls, "{user}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_in_use_are_not_forgotten() {
    let limits = Limits { max_idle_rate_keys: 0, ..Limits::default() };
    let network = network(|server| server.limits(limits).rate_limit_by(query, THREE));
    let mut clients = Vec::new();
    for user in ["ada", "bob", "eve"] {
        clients.push(connect(&network, user).await);
        assert_eq!(allowed(&clients[clients.len() - 1]).await, 3);
    }
    for user in ["ada", "bob", "eve"] {
        assert_eq!(allowed(&connect(&network, user).await).await, 0);
    }
    // No key is remembered without a session.
    close(clients.remove(0)).await;
    assert_eq!(allowed(&connect(&network, "ada").await).await, 3);
}

#[tokio::test(start_paused = true)]
async fn key_is_released_when_its_session_ends_although_its_socket_is_kept() {
    let limits = Limits { max_idle_rate_keys: 0, ..Limits::default() };
    let server = probe_fixture().server.limits(limits).rate_limit_by(query, THREE);
    let io = server.io();
    let network = Network::new(Router::new().procedure("/probe", server));
    let ada = connect(&network, "ada").await;
    ada.0.enter("a").await.expect("answered");
    let socket = io.local(io.members("a").await[0]).expect("a session");
    assert_eq!(allowed(&ada).await, 2);
    close(ada).await;
    assert_eq!(allowed(&connect(&network, "ada").await).await, 3);
    drop(socket);
}

#[tokio::test(start_paused = true)]
async fn limit_of_session_and_of_key_both_apply() {
    let limits = Limits { rate: Some(RateLimit { burst: 2, ..THREE }), ..Limits::default() };
    let network = network(|server| server.limits(limits).rate_limit_by(query, THREE));
    let (phone, laptop) = (connect(&network, "ada").await, connect(&network, "ada").await);
    assert_eq!((allowed(&phone).await, allowed(&laptop).await), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn none_is_a_key_like_any_other() {
    let network = network(|server| server.rate_limit_by(|_| None::<u64>, THREE));
    let (ada, bob) = (connect(&network, "ada").await, connect(&network, "bob").await);
    assert_eq!((allowed(&ada).await, allowed(&bob).await), (3, 0));
}

fn user(request: &Request) -> Option<String> {
    request.headers().get("x-user").map(|user| format!("{user:?}"))
}

fn address(request: &Request) -> Option<IpAddr> {
    request.client_addr()
}

async fn answers(client: &mut RawClient, calls: u64) -> Vec<Value> {
    let mut answers = Vec::new();
    for id in 0..calls {
        let answer = client.call("add", json!({"a": 1, "b": 2}), id).await;
        answers.push(answer[1]["code"].clone());
    }
    answers
}

#[tokio::test]
async fn resumed_session_keeps_its_key() {
    let (running, _io, _reports) = serve_probe(|server| server.rate_limit_by(user, THREE)).await;
    let ada = [("x-user", "ada")];
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &ada).await;
    let limited = json!("limited");
    assert_eq!(answers(&mut client, 4).await[2..], [Value::Null, limited.clone()]);
    let protocols = format!("parlor.v1.json, parlor.resume.{}.4", secret(&welcome));
    let eve = [("sec-websocket-protocol", protocols.as_str()), ("x-user", "eve")];
    let resumed = RawClient::open(running.addr, "/probe", &eve).await.expect("accepted");
    let Welcomed { client: mut resumed, welcome } = resumed.take_welcome().await;
    assert_eq!(welcome["recovered"], true);
    assert_eq!(answers(&mut resumed, 1).await, [limited]);
    let mut other = RawClient::welcomed(running.addr, "/probe", &eve[1..]).await.client;
    assert_eq!(answers(&mut other, 1).await, [Value::Null]);
}

#[tokio::test]
async fn sessions_from_one_address_share_a_rate_in_parlor_mode_and_in_plain_mode() {
    let (running, io, _reports) = serve_probe(|server| server.rate_limit_by(address, THREE)).await;
    let mut parlor = RawClient::parlor(running.addr, "/probe").await;
    let mut plain = RawClient::plain(running.addr, "/probe").await;
    plain.emit("enter", json!({"room": "a"})).await;
    plain.emit("shout", json!({"room": "a", "text": "second"})).await;
    assert_eq!(plain.receive().await[1]["text"], "second");
    assert_eq!(answers(&mut parlor, 2).await, [Value::Null, json!("limited")]);
    // A client of plain mode gets no error.
    plain.emit("shout", json!({"room": "a", "text": "fourth"})).await;
    plain.assert_nothing_received().await;
    assert_eq!(io.connections(), 2);
}
