//! The address of a client behind proxies.

use parlor::{Reject, Router};
use parlor_tests::{Log, ProbeServer, ProbeSession, ProbeSocket, probe_fixture, within_timeout};
use tokio::net::TcpListener;

use super::{Served, assert_warned_once, send, with};

/// A router that rejects each connection with its client's and its peer's address.
pub(crate) fn reports_addresses() -> Router {
    let server: ProbeServer<ProbeSession> = ProbeServer::new(|socket: ProbeSocket| async move {
        let request = socket.request();
        let (client, peer) = (request.client_addr(), request.peer_addr());
        let (client, peer) = (client.expect("a client"), peer.expect("a peer").ip());
        Err(Reject::forbidden(format!("client {client}, peer {peer}")))
    });
    Router::new().procedure("/probe", server)
}

#[tokio::test]
async fn client_address_is_believed_from_trusted_proxy_only() {
    let trusting = Served::start(reports_addresses().trusted_proxies(["127.0.0.0/8"])).await;
    let other = Served::start(reports_addresses().trusted_proxies(["10.0.0.0/8"])).await;
    let none = Served::start(reports_addresses()).await;
    for (lines, client) in [
        (&["X-Forwarded-For: 6.6.6.6, 192.0.2.1"][..], "192.0.2.1"),
        (&["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 127.0.0.2"], "192.0.2.1"),
        (&["Forwarded: for=\"[2001:db8::1]\""], "2001:db8::1"),
        (&["X-Forwarded-For: garbage"], "127.0.0.1"),
        (&[], "127.0.0.1"),
    ] {
        let request = with(lines);
        let text = format!("client {client}, peer 127.0.0.1");
        trusting.assert_response(&request, 403, &text).await;
        for served in [&other, &none] {
            served.assert_response(&request, 403, "client 127.0.0.1, peer 127.0.0.1").await;
        }
    }
}

#[tokio::test]
async fn forwarded_headers_that_name_different_clients_are_400() {
    let trusting = Served::start(reports_addresses().trusted_proxies(["127.0.0.1"])).await;
    let lines = ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=6.6.6.6"];
    trusting.assert_response(&with(&lines), 400, "name different clients").await;
}

#[tokio::test]
async fn trusted_proxy_that_is_no_network_fails_to_serve() {
    for proxy in ["proxy.example", "10.0.0.0/40", "10.0.0.1/8"] {
        let router = reports_addresses().trusted_proxies([proxy]);
        let served = within_timeout("an error", router.serve("127.0.0.1:0").into_future()).await;
        let error = served.expect_err("a mistake").to_string();
        assert!(error.contains(&format!("`{proxy}`")), "{error}");
    }
}

#[tokio::test]
async fn trusted_proxies_without_connect_info_are_logged_once() {
    let (log, _guard) = Log::start();
    for (proxies, warned) in [(vec![], false), (vec!["127.0.0.1"], true)] {
        let router = Router::new().procedure("/probe", probe_fixture().server);
        let app = axum::Router::new().fallback_service(router.trusted_proxies(proxies));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        for _ in 0..3 {
            assert_eq!(send(addr, with(&[]).as_bytes()).await.status(), 101);
        }
        assert_eq!(log.text().contains("connect_info"), warned, "{}", log.text());
    }
    assert_warned_once(
        &log,
        "`Router::trusted_proxies` needs `into_make_service_with_connect_info`",
    );
}
