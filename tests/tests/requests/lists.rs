//! Header fields that are lists: RFC 9110 §5.3 and §5.6.1.

use super::{CONNECTION, Served, UPGRADE, replacing, with};

#[tokio::test]
async fn connection_field_is_one_list_on_any_number_of_lines() {
    let served = Served::probe().await;
    for lines in [
        &["Connection: keep-alive", "Connection: Upgrade"][..],
        &["Connection: Upgrade", "Connection: keep-alive"],
        &["Connection: keep-alive,\tUpgrade"],
        &["Connection: keep-alive\t , \tUPGRADE\t"],
        &["Connection: ,, ,upgrade,"],
        &["Connection:", "Connection: upgrade"],
    ] {
        served.assert_response(&replacing(CONNECTION, lines), 101, "").await;
    }
}

#[tokio::test]
async fn upgrade_field_is_one_list_compared_without_case() {
    let served = Served::probe().await;
    for lines in [
        &["Upgrade: WebSocket"][..],
        &["Upgrade: foo, websocket"],
        &["Upgrade: foo/1.0,\tWEBSOCKET"],
        &["Upgrade: h2c", "Upgrade: websocket"],
        &["Upgrade: , websocket ,"],
    ] {
        served.assert_response(&replacing(UPGRADE, lines), 101, "").await;
    }
}

#[tokio::test]
async fn list_without_upgrade_to_websocket_is_426() {
    let served = Served::probe().await;
    for (line, lines) in [
        (CONNECTION, "Connection: keep-alive"),
        (CONNECTION, "Connection: upgrade-insecure, no upgrade"),
        (UPGRADE, "Upgrade: websockets, h2c"),
        (UPGRADE, "Upgrade: foo websocket"),
    ] {
        served.assert_response(&replacing(line, &[lines]), 426, "").await;
    }
}

#[tokio::test]
async fn subprotocols_are_one_list_compared_with_case() {
    let served = Served::probe().await;
    for (lines, chosen) in [
        (&["Sec-WebSocket-Protocol: other", "Sec-WebSocket-Protocol: parlor.v1.json"][..], true),
        (&["Sec-WebSocket-Protocol: other\t,\tparlor.v1.json\t,"], true),
        (&["Sec-WebSocket-Protocol: ,,parlor.v1.json"], true),
        // RFC 6455 §4.1: the names of subprotocols differ in case.
        (&["Sec-WebSocket-Protocol: Parlor.V1.JSON"], false),
        (&["Sec-WebSocket-Protocol: parlor.v1.json parlor.v1.json"], false),
    ] {
        for (server, response) in served.send(&with(lines)).await {
            assert_eq!(response.status(), 101, "{server}: {lines:?}");
            let protocol = response.header("sec-websocket-protocol");
            assert_eq!(protocol, chosen.then_some("parlor.v1.json"), "{server}: {lines:?}");
        }
    }
}

#[tokio::test]
async fn extensions_on_several_lines_are_not_accepted() {
    let served = Served::probe().await;
    let offer = "Sec-WebSocket-Extensions: permessage-deflate;\tclient_max_window_bits, x";
    for (server, response) in served.send(&with(&[offer, offer])).await {
        assert_eq!(response.status(), 101, "{server}");
        assert_eq!(response.header("sec-websocket-extensions"), None, "{server}");
    }
}
