//! Random messages do not end a session.

use parlor::Router;
use parlor::server::Limits;
use parlor_tests::{RawClient, TestServer, probe_fixture};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Valid and invalid messages, built from fragments.
fn text() -> impl Strategy<Value = String> {
    let fragments = [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        " ",
        "\"",
        "\\",
        "\\u0000",
        "\u{0}",
        "é",
        "null",
        "true",
        "-1",
        "0",
        "7",
        "1e999",
        "9007199254740992",
        "\"add\"",
        "\"enter\"",
        "\"publish\"",
        "\"say\"",
        "\"a\"",
        "\"b\"",
        "\"room\"",
        "\"text\"",
        "\"authors\"",
        "\"ping\"",
        "\"$ok\"",
        "\"\"",
    ];
    let start = ["", "[\"add\",", "[\"publish\",{", "[\"say\",{\"room\":", "[\"enter\", "];
    let end = ["", "]", "}]", "}, 7]", ", 7]", " ]"];
    (select(start.to_vec()), vec(select(fragments.to_vec()), 0..12), select(end.to_vec()))
        .prop_map(|(start, rest, end)| format!("{start}{}{end}", rest.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn random_text_does_not_end_session(texts in vec(prop_oneof![text(), ".{0,60}"], 100)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let server = probe_fixture().server.limits(Limits { max_malformed: u32::MAX, ..Limits::default() });
            let running = TestServer::start(Router::new().procedure("/probe", server)).await;
            let mut client = RawClient::parlor(running.addr, "/probe").await;
            for text in &texts {
                client.send(text.clone()).await;
            }
            // The session still handles calls.
            client.send(r#"["add",{"a":40,"b":2},4242]"#).await;
            while client.receive().await != json!(["$ok", 42, 4242]) {}
        });
    }
}
