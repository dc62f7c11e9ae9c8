//! Connections on which neither side has anything to send.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use parlor::client::ConnectionChange;
use parlor::server::Heartbeat;
use parlor_tests::{Closed, ProbeClient, ProbeEvent, serve_probe, within_timeout};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::proxy::{Proxy, RunningProxy, with_each_proxy};
use crate::tls::{self, client_config};

/// Starts `proxy` with the timeouts of `docs/deploy.md`, shortened from 60 s.
async fn start(proxy: Proxy, server: SocketAddr, seconds: u32) -> RunningProxy {
    let options: &[&str] = match proxy {
        Proxy::Nginx => &["proxy_read_timeout"],
        Proxy::Haproxy | Proxy::HaproxyTcp => {
            &["timeout client", "timeout server", "timeout tunnel"]
        }
    };
    let changes = options
        .iter()
        .map(|option| (format!("{option} 60s"), format!("{option} {seconds}s")))
        .collect::<Vec<_>>();
    let changes: Vec<_> =
        changes.iter().map(|(before, after)| (before.as_str(), after.as_str())).collect();
    proxy.start(server, &changes).await
}

#[tokio::test]
async fn heartbeat_shorter_than_proxy_timeout_keeps_idle_connection_open() {
    with_each_proxy(async |kind| {
        let heartbeat = Heartbeat { interval: Duration::from_secs(2), ..Heartbeat::default() };
        let (server, _io, _reports) = serve_probe(|probe| probe.heartbeat(heartbeat)).await;
        let proxy = start(kind, server.addr, 10).await;
        let headers = [("sec-websocket-protocol", "parlor.v1.json")];
        let raw = tls::open(proxy.addr, "/probe", &headers).await.expect("accepted");
        let mut raw = raw.take_welcome().await.client;
        // The pings are 2 s apart: the last is after the timeout.
        for _ in 0..6 {
            let frame = within_timeout("a ping", raw.0.next()).await.expect("open").expect("open");
            assert!(matches!(frame, Message::Ping(_)), "{kind:?}: {frame}");
        }
        assert_eq!(raw.call("add", json!({"a": 1, "b": 2}), 1).await, json!(["$ok", 3, 1]));
    })
    .await;
}

#[tokio::test]
async fn heartbeat_longer_than_proxy_timeout_loses_idle_connection_and_recovers_session() {
    with_each_proxy(async |kind| {
        let (server, _io, _reports) = serve_probe(|probe| probe).await;
        let proxy = start(kind, server.addr, 2).await;
        let mut raw = tls::open(proxy.addr, "/probe", &[]).await.expect("accepted");
        let (probe, mut events) = ProbeClient::builder(proxy.url("/probe"))
            .rustls_config(client_config())
            .connect()
            .await
            .expect("connected");
        assert_eq!(probe.enter("a").await.expect("entered"), 1);
        // Without a close frame.
        assert_eq!(raw.closed().await, Closed { code: 1006, reason: String::new() }, "{kind:?}");
        let lost = within_timeout("the loss", events.next()).await;
        assert!(
            matches!(lost, Some(ProbeEvent::Connection(ConnectionChange::Lost { .. }))),
            "{kind:?}: {lost:?}"
        );
        let restored = within_timeout("the session", events.next()).await;
        assert!(
            matches!(
                restored,
                Some(ProbeEvent::Connection(ConnectionChange::Restored { recovered: true, .. }))
            ),
            "{kind:?}: {restored:?}"
        );
    })
    .await;
}
