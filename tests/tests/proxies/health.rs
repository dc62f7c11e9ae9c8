//! `HAProxy` asks the program of `docs/deploy.md` for its health.

use parlor::Router;
use parlor::http::StatusCode;
use parlor::wire::CloseCode;
use parlor_tests::{ProbeFixture, probe_fixture, within_timeout};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::proxy::{Proxy, with_proxy};
use crate::tls;

#[allow(unreachable_pub, reason = "as in a program of its own")]
#[path = "../deployed_app/app.rs"]
mod app;

/// A Parlor client. The server rejects it with 101 and a close code, `HAProxy` with 503.
const PARLOR: [(&str, &str); 1] = [("sec-websocket-protocol", "parlor.v1.json")];

#[tokio::test]
async fn haproxy_sends_no_new_clients_to_server_that_shuts_down() {
    with_proxy(Proxy::Haproxy, async |kind| {
        let ProbeFixture { server, gate, .. } = probe_fixture();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let procedures = Router::new().procedure("/probe", server);
        let served = tokio::spawn(app::serve(listener, procedures, async { drop(stopped.await) }));
        let check = ("\nbackend chat\n", "\nbackend chat\n    option httpchk GET /health\n");
        let proxy = kind.start(addr, &[check]).await;
        let client = tls::open(proxy.addr, "/api/probe", &PARLOR).await.expect("accepted");
        let mut client = client.take_welcome().await.client;
        client.send(r#"["wait",{},1]"#).await;
        client.assert_nothing_received().await;
        stop.send(()).expect("it serves");
        let refused = async {
            while tls::open(proxy.addr, "/api/probe", &PARLOR).await.err()
                != Some(StatusCode::SERVICE_UNAVAILABLE)
            {}
        };
        within_timeout("the health check", refused).await;
        gate.add_permits(1);
        assert_eq!(client.receive().await[0], "$ok");
        assert_eq!(client.closed().await.code, CloseCode::RESTART.0);
        drop(client);
        within_timeout("the end", served).await.expect("no panic").expect("served");
    })
    .await;
}
