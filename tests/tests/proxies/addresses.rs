//! What a server learns of its clients behind a proxy, and which names it must allow.

use std::net::{IpAddr, Ipv4Addr};

use parlor::Router;
use parlor::http::StatusCode;
use parlor_tests::{TestServer, probe_fixture};
use tokio::sync::mpsc;

use crate::proxy::{Proxy, with_each_proxy, with_proxy};
use crate::tls::{self, CLIENT};

/// Serves a router that reports the address of the connection and that of the client.
async fn serve(
    change: impl FnOnce(Router) -> Router,
) -> (TestServer, mpsc::UnboundedReceiver<[IpAddr; 2]>) {
    let (seen, receiver) = mpsc::unbounded_channel();
    let router =
        Router::new().procedure("/probe", probe_fixture().server).middleware(move |request| {
            let peer = request.peer_addr().expect("a TCP connection").ip();
            seen.send([peer, request.client_addr().expect("an address")]).expect("the test waits");
            async { Ok(request) }
        });
    (TestServer::start(change(router)).await, receiver)
}

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn client_cannot_forge_its_address() {
    with_each_proxy(async |kind| {
        let (server, mut seen) = serve(|router| router.trusted_proxies(["127.0.0.1"])).await;
        let proxy = kind.start(server.addr, &[]).await;
        for forged in [
            &[][..],
            &[("x-forwarded-for", "203.0.113.7")],
            &[("forwarded", "for=203.0.113.7")],
            &[("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.8")],
        ] {
            tls::open(proxy.addr, "/probe", forged).await.expect("accepted");
            assert_eq!(seen.recv().await, Some([LOCALHOST, CLIENT]), "{kind:?} {forged:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn proxy_that_is_not_trusted_is_the_client() {
    with_each_proxy(async |kind| {
        let (server, mut seen) = serve(|router| router).await;
        let proxy = kind.start(server.addr, &[]).await;
        tls::open(proxy.addr, "/probe", &[]).await.expect("accepted");
        assert_eq!(seen.recv().await, Some([LOCALHOST, LOCALHOST]), "{kind:?}");
    })
    .await;
}

#[tokio::test]
async fn client_address_is_read_from_proxy_protocol() {
    with_proxy(Proxy::HaproxyTcp, async |kind| {
        let change = |router: Router| router.trusted_proxies(["127.0.0.1"]).proxy_protocol();
        let (server, mut seen) = serve(change).await;
        let proxy = kind.start(server.addr, &[]).await;
        let forged = [("x-forwarded-for", "203.0.113.7")];
        tls::open(proxy.addr, "/probe", &forged).await.expect("accepted");
        assert_eq!(seen.recv().await, Some([LOCALHOST, CLIENT]));
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
