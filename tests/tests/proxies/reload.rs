//! A proxy that reloads its configuration while clients are connected.

use parlor::client::ConnectionChange;
use parlor::wire::CloseCode;
use parlor_tests::{ProbeClient, ProbeEvent, ProbeEvents, serve_probe, within_timeout};
use serde_json::json;

use crate::proxy::{Proxy, RunningProxy, with_each_proxy};
use crate::tls::{self, client_config};

async fn connect(proxy: &RunningProxy) -> (ProbeClient, ProbeEvents) {
    let builder = ProbeClient::builder(proxy.url("/probe")).rustls_config(client_config());
    let (probe, events) = builder.connect().await.expect("connected");
    probe.enter("a").await.expect("entered");
    (probe, events)
}

async fn next(events: &mut ProbeEvents) -> ProbeEvent {
    within_timeout("an event", events.next()).await.expect("not closed")
}

async fn expect_said(events: &mut ProbeEvents, expected: &str) {
    match next(events).await {
        ProbeEvent::Said { text, .. } => assert_eq!(text, expected),
        event => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn reload_keeps_old_connections_and_accepts_new_ones() {
    with_each_proxy(async |kind| {
        let (server, _io, _reports) = serve_probe(|probe| probe).await;
        let mut proxy = kind.start(server.addr, &[]).await;
        let (ada, mut events) = connect(&proxy).await;
        proxy.reload().await;
        let mut new = tls::open(proxy.addr, "/probe", &[]).await.expect("accepted");
        new.emit("enter", json!({"room": "a"})).await;
        new.ping().await;
        ada.shout("a", "1").expect("sent");
        expect_said(&mut events, "1").await;
        assert_eq!(new.receive().await[1]["text"], "1", "{kind:?}");
    })
    .await;
}

#[tokio::test]
async fn connection_closed_by_reload_is_recovered_and_nothing_is_lost() {
    with_each_proxy(async |kind| {
        let limit = match kind {
            Proxy::Nginx => ("worker_shutdown_timeout 10m", "worker_shutdown_timeout 1s"),
            Proxy::Haproxy | Proxy::HaproxyTcp => ("hard-stop-after 10m", "hard-stop-after 1s"),
        };
        let (server, _io, _reports) = serve_probe(|probe| probe).await;
        let mut proxy = kind.start(server.addr, &[limit]).await;
        let (ada, mut ada_events) = connect(&proxy).await;
        let (_bob, mut bob_events) = connect(&proxy).await;
        proxy.reload().await;
        // Over the old worker.
        for text in ["1", "2"] {
            ada.shout("a", text).expect("sent");
        }
        let mut received = Vec::new();
        for events in [&mut ada_events, &mut bob_events] {
            let (mut texts, mut is_recovered) = (Vec::new(), false);
            while texts.len() < 3 || !is_recovered {
                match next(events).await {
                    ProbeEvent::Said { text, .. } => texts.push(text),
                    ProbeEvent::Connection(ConnectionChange::Lost { code, .. }) => {
                        assert_eq!(code, CloseCode::ABNORMAL, "{kind:?}");
                        // The first client sends it while it has no connection.
                        if received.is_empty() {
                            ada.shout("a", "3").expect("queued");
                        }
                    }
                    ProbeEvent::Connection(ConnectionChange::Restored { recovered, .. }) => {
                        assert!(recovered, "{kind:?}");
                        is_recovered = true;
                    }
                    event => panic!("{kind:?}: {event:?}"),
                }
            }
            received.push(texts);
        }
        assert_eq!(received, [["1", "2", "3"], ["1", "2", "3"]], "{kind:?}");
    })
    .await;
}
