//! Requests that say one thing twice: 400, because a proxy may have read the other value.

use super::{HOST, LINES, PARLOR, Served, replacing, request, send, with};

#[tokio::test]
async fn header_field_that_may_occur_once_is_400_when_repeated() {
    let served = Served::probe().await;
    for (name, lines) in [
        ("host", &["Host: rebound.example"][..]),
        ("host", &["Host: localhost"]),
        ("sec-websocket-key", &["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]),
        ("sec-websocket-version", &["Sec-WebSocket-Version: 8"]),
        ("origin", &["Origin: http://localhost", "Origin: https://evil.example"]),
        ("authorization", &["Authorization: Bearer ada", "Authorization: Bearer eve"]),
        ("authorization", &["Authorization: Basic YTpi", "Authorization: Bearer eve"]),
    ] {
        for more in [&[][..], &[PARLOR]] {
            served.assert_response(&with(&[lines, more].concat()), 400, name).await;
        }
    }
}

#[tokio::test]
async fn credentials_that_contradict_are_400() {
    let served = Served::probe().await;
    let secret = "parlor.resume.AAAAAAAAAAAAAAAAAAAAAA.1";
    for (what, lines) in [
        (
            "parlor.resume.",
            &[format!("Sec-WebSocket-Protocol: parlor.v1.json, {secret}, {secret}")][..],
        ),
        (
            "parlor.resume.",
            &[
                format!("Sec-WebSocket-Protocol: parlor.v1.json, {secret}"),
                "Sec-WebSocket-Protocol: parlor.resume.BBBBBBBBBBBBBBBBBBBBBA.2".to_owned(),
            ],
        ),
        (
            "parlor.bearer.",
            &["Sec-WebSocket-Protocol: parlor.v1.json, parlor.bearer.YWRh, parlor.bearer.ZXZl"
                .to_owned()],
        ),
        (
            "parlor.bearer.",
            &[
                "Sec-WebSocket-Protocol: parlor.bearer.YWRh".to_owned(),
                "Authorization: Bearer eve".to_owned(),
            ],
        ),
        (
            "parlor.bearer.",
            &[
                "Sec-WebSocket-Protocol: parlor.bearer.!!".to_owned(),
                "Authorization: Bearer eve".to_owned(),
            ],
        ),
        ("authorization", &["Authorization: Bearer ada, Bearer eve".to_owned()]),
        // Values that are not text.
        ("parlor.resume.", &[format!("Sec-WebSocket-Protocol: {secret}, parlor.resume.\u{e4}")]),
        (
            "parlor.bearer.",
            &[
                "Sec-WebSocket-Protocol: parlor.bearer.ZXZl".to_owned(),
                "Authorization: Bearer \u{e4}".to_owned(),
            ],
        ),
        (
            "parlor.bearer.",
            &[
                "Sec-WebSocket-Protocol: parlor.bearer.ZXZl".to_owned(),
                "Authorization: Bearer\tada".to_owned(),
            ],
        ),
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        served.assert_response(&with(&lines), 400, what).await;
    }
    // The same token twice is no contradiction.
    let same = ["Sec-WebSocket-Protocol: parlor.bearer.YWRh", "Authorization: bearer  ada"];
    served.assert_response(&with(&same), 101, "").await;
}

#[tokio::test]
async fn request_without_one_valid_host_is_400() {
    let served = Served::probe().await;
    for lines in [
        &[][..],
        &["Host:"],
        &["Host: localhost, rebound.example"],
        &["Host: rebound.example@localhost"],
        &["Host: localhost:port"],
        &["Host: localhost:80:80"],
        &["Host: [::1"],
        &["Host: http://localhost"],
    ] {
        served.assert_response(&replacing(HOST, lines), 400, "Host").await;
        served.assert_response(&replacing(HOST, &[lines, &[PARLOR]].concat()), 400, "Host").await;
    }
}

#[tokio::test]
async fn request_target_that_contradicts_host_is_400() {
    let served = Served::probe().await;
    let lines = LINES;
    for target in
        ["http://rebound.example/probe", "http://localhost:81/probe", "http://a@localhost/probe"]
    {
        served.assert_response(&request(target, &lines), 400, "Host").await;
    }
    for target in ["http://localhost/probe", "http://LOCALHOST:80/probe", "http://localhost./probe"]
    {
        served.assert_response(&request(target, &lines), 101, "").await;
    }
    assert_eq!(
        send(served.plain.addr, request("localhost", &lines).as_bytes()).await.status(),
        400
    );
}

/// The bytes of a body would be read as frames.
#[tokio::test]
async fn request_with_body_is_400() {
    let served = Served::probe().await;
    served.assert_response(&with(&["Content-Length: 5"]), 400, "body").await;
    served.assert_response(&with(&["Transfer-Encoding: chunked"]), 400, "body").await;
    served.assert_response(&with(&["Content-Length: 0"]), 101, "").await;
    // hyper removes such lines.
    let lengths = ["Content-Length: 0", "Content-Length: 0"];
    let both = ["Content-Length: 0", "Transfer-Encoding: chunked"];
    for lines in [lengths, both] {
        let response = send(served.plain.addr, with(&lines).as_bytes()).await;
        assert_eq!(response.status(), 400, "{lines:?}");
    }
}
