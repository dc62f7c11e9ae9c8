//! Forms of paths, hosts and origins that mean the same: RFC 3986 §6.2.2.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::OriginalUri;
use parlor::Router;
use parlor_tests::{TestServer, probe_fixture, within_timeout};
use tokio::net::TcpListener;

use super::{HOST, LINES, Served, replacing, request, send, with};

async fn serve_error(router: Router) -> String {
    let served = within_timeout("an error", router.serve("127.0.0.1:0").into_future()).await;
    served.expect_err("a mistake").to_string()
}

#[tokio::test]
async fn equivalent_path_reaches_procedure() {
    let router = Router::new()
        .procedure("/probe", probe_fixture().server)
        .procedure("/a%2fb/%7euser", probe_fixture().server)
        .procedure("/чат room", probe_fixture().server);
    let served = Served::start(router).await;
    for path in [
        "/probe",
        "/%70robe",
        "/pr%6Fbe",
        "/pr%6fbe?a=b",
        "/./probe",
        "/x/../probe",
        "/%2e/x/%2E%2e/probe",
        "/../probe",
        "/a%2Fb/~user",
        "/a%2fb/%7Euser",
        "/%D1%87%D0%B0%D1%82%20room",
        "/%d1%87%d0%b0%d1%82%20room",
    ] {
        served.assert_response(&request(path, &LINES), 101, "").await;
    }
    for path in ["/Probe", "/a/b/~user", "//probe", "/probe/.", "/%zzprobe", "/probe%2F"] {
        served.assert_response(&request(path, &LINES), 404, "").await;
    }
}

/// What a middleware reads: the path of the request, and the original one of axum.
type Paths = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Serves the probe procedure at `/probe` on its own listener, and under `/api` inside axum.
async fn recording_paths() -> (TestServer, SocketAddr, Paths) {
    let seen = Paths::default();
    let record = Arc::clone(&seen);
    let router = Router::new().procedure("/probe", probe_fixture().server).middleware(
        move |request: parlor::Request| {
            let original = request.get::<OriginalUri>().map(|uri| uri.path().to_owned());
            record.lock().expect("not poisoned").push((request.uri().path().to_owned(), original));
            async { Ok(request) }
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let axum = listener.local_addr().expect("an address");
    let app = axum::Router::new()
        .nest_service("/api", router.clone())
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (TestServer::start(router).await, axum, seen)
}

/// A middleware that guards a path by its text must see the path that the router looks up.
#[tokio::test]
async fn middleware_gets_path_in_normal_form() {
    let (plain, axum, seen) = recording_paths().await;
    for path in ["/probe", "/%70robe?a=%62", "/x/../probe", "/./probe", "/x/%2E%2e/pr%6fbe"] {
        assert_eq!(send(plain.addr, request(path, &LINES).as_bytes()).await.status(), 101);
        let nested = request(&format!("/api{path}"), &LINES);
        assert_eq!(send(axum, nested.as_bytes()).await.status(), 101);
        let seen = std::mem::take(&mut *seen.lock().expect("not poisoned"));
        let expected =
            [("/probe".to_owned(), None), ("/probe".to_owned(), Some("/api/probe".to_owned()))];
        assert_eq!(seen, expected, "{path}");
    }
    // The host of a target in absolute form stays, and so does the query.
    let absolute = request("http://localhost/%70robe?a=%62", &LINES);
    assert_eq!(send(plain.addr, absolute.as_bytes()).await.status(), 101);
    assert_eq!(seen.lock().expect("not poisoned").remove(0).0, "/probe");
}

/// Its normal form would be longer than a path can be.
#[tokio::test]
async fn path_that_is_too_long_in_normal_form_is_414() {
    let handshakes = parlor::server::Handshakes { max_request_size: 60_000, ..Default::default() };
    let router = Router::new().procedure("/probe", probe_fixture().server).handshakes(handshakes);
    let server = TestServer::start(router).await;
    let path = format!("/{}", "%zz".repeat(15_000));
    let response = send(server.addr, request(&path, &LINES).as_bytes()).await;
    assert_eq!(response.status(), 414, "{}", response.head);
}

#[tokio::test]
async fn path_that_differs_in_trailing_slash_is_404_and_message_says_so() {
    let router = Router::new()
        .procedure("/probe", probe_fixture().server)
        .procedure("/room/", probe_fixture().server);
    let served = Served::start(router).await;
    for (path, text) in [
        ("/probe/", "/probe, without the trailing slash"),
        ("/%70robe/", "/probe, without the trailing slash"),
        ("/room", "/room/, with a trailing slash"),
    ] {
        served.assert_response(&request(path, &LINES), 404, text).await;
    }
}

#[tokio::test]
async fn path_mounted_twice_in_equivalent_forms_fails_to_serve() {
    for path in ["/%70robe", "/x/../probe", "/./probe"] {
        let router = Router::new()
            .procedure("/probe", probe_fixture().server)
            .procedure(path, probe_fixture().server);
        let error = serve_error(router).await;
        assert!(error.contains("`/probe`"), "{error}");
    }
}

#[tokio::test]
async fn path_with_parameter_fails_to_serve() {
    for path in ["/b/{id}", "/c/:id", "/*"] {
        let error = serve_error(Router::new().procedure(path, probe_fixture().server)).await;
        assert!(error.contains(path), "{error}");
        assert!(error.contains("paths have no parameters: use the query"), "{error}");
    }
}

#[tokio::test]
async fn path_that_no_request_can_have_fails_to_serve() {
    for path in ["/probe?room=a", "/probe#a", "/100%", "/%4"] {
        let router = Router::new().procedure(path, probe_fixture().server);
        let error = serve_error(router).await;
        assert!(error.contains(path), "{error}");
    }
}

#[tokio::test]
async fn equivalent_host_is_allowed() {
    let allowed = ["Chat.Example.", "[0:0:0:0:0:0:0:1]", "two.example:443", "three.example:8080"];
    let router = Router::new().procedure("/probe", probe_fixture().server).allow_hosts(allowed);
    let served = Served::start(router).await;
    for host in [
        "chat.example",
        "CHAT.example.:80",
        "chat.example:3000",
        "[::1]",
        "[::0001]:99",
        "two.example",
        "two.example.:443",
        "three.example:8080",
    ] {
        served.assert_response(&replacing(HOST, &[&format!("Host: {host}")]), 101, "").await;
    }
    for host in ["chat.example..", "two.example:444", "three.example", "localhost", "[::2]"] {
        let request = replacing(HOST, &[&format!("Host: {host}")]);
        for (server, response) in served.send(&request).await {
            assert!(matches!(response.status(), 400 | 403), "{server}: {host}");
        }
    }
}

#[tokio::test]
async fn equivalent_origin_is_allowed() {
    let allowed = ["HTTPS://App.Example:443", "http://[::1]:8080", "capacitor://localhost"];
    let router = Router::new().procedure("/probe", probe_fixture().server).allow_origins(allowed);
    let served = Served::start(router).await;
    for origin in [
        "https://app.example",
        "https://app.example.",
        "https://APP.example:443",
        "http://[0:0:0:0:0:0:0:1]:8080",
        "capacitor://localhost",
        "http://localhost",
        "http://localhost.:80",
        "http://LOCALHOST",
    ] {
        served.assert_response(&with(&[&format!("Origin: {origin}")]), 101, "").await;
    }
    for origin in ["http://app.example", "https://app.example:444", "http://[::1]", "null"] {
        served.assert_response(&with(&[&format!("Origin: {origin}")]), 403, "").await;
    }
}

#[tokio::test]
async fn loopback_host_in_any_form_is_allowed_on_loopback_address() {
    let served = Served::probe().await;
    for host in
        ["localhost.", "LocalHost:80", "app.localhost.", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"]
    {
        served.assert_response(&replacing(HOST, &[&format!("Host: {host}")]), 101, "").await;
    }
    for host in ["localhost.example", "xlocalhost", "[::2]"] {
        served.assert_response(&replacing(HOST, &[&format!("Host: {host}")]), 403, "").await;
    }
}

#[tokio::test]
async fn origin_or_host_that_can_never_match_fails_to_serve() {
    let router = || Router::new().procedure("/probe", probe_fixture().server);
    for origin in [
        "app.example",
        "https://app.example/",
        "https://app.example/chat",
        "https://user@app.example",
        "https://*.example",
        "*",
        "https://bücher.example",
        "https://",
        "",
    ] {
        let error = serve_error(router().allow_origins([origin])).await;
        assert!(error.contains(&format!("`{origin}`")), "{error}");
    }
    for host in
        ["https://app.example", "app.example/chat", "*.example", "bücher.example", "::1", ""]
    {
        let error = serve_error(router().allow_hosts([host])).await;
        assert!(error.contains(&format!("`{host}`")), "{error}");
    }
}
