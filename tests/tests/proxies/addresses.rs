//! What a server learns of its clients behind a proxy, and which names it must allow.

use std::sync::{Arc, Mutex};

use parlor::Router;
use parlor::http::StatusCode;
use parlor_tests::{TestServer, probe_fixture};

use crate::proxy::with_each_proxy;
use crate::tls;

#[tokio::test]
async fn proxy_replaces_forged_address_of_client() {
    with_each_proxy(async |kind| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let router = Router::new().procedure("/probe", probe_fixture().server).middleware({
            let seen = Arc::clone(&seen);
            move |request| {
                let values = request.headers().get_all("x-forwarded-for").iter();
                seen.lock().expect("no panic").extend(values.cloned());
                async { Ok(request) }
            }
        });
        let server = TestServer::start(router).await;
        let proxy = kind.start(server.addr, &[]).await;
        let forged = [("x-forwarded-for", "203.0.113.7")];
        tls::open(proxy.addr, "/probe", &forged).await.expect("accepted");
        assert_eq!(*seen.lock().expect("no panic"), ["127.0.0.1"], "{kind:?}");
    })
    .await;
}

#[tokio::test]
async fn public_name_needs_allow_hosts_when_server_listens_on_loopback() {
    with_each_proxy(async |kind| {
        let public = [("host", "chat.example.com"), ("origin", "https://chat.example.com")];
        let probe = || Router::new().procedure("/probe", probe_fixture().server);
        for (router, expected) in [
            (probe(), Some(StatusCode::FORBIDDEN)),
            (probe().allow_hosts(["chat.example.com"]), None),
        ] {
            let server = TestServer::start(router).await;
            let proxy = kind.start(server.addr, &[]).await;
            let answer = tls::open(proxy.addr, "/probe", &public).await;
            assert_eq!(answer.err(), expected, "{kind:?}");
        }
    })
    .await;
}
