//! Whatever a client sends, its session lives on or ends in order, and the others do not notice.

use parlor::Router;
use parlor_tests::{Running, Wire, probing};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Bits of which messages are made, right ones and wrong ones.
fn text() -> impl Strategy<Value = String> {
    let bits = [
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
    (select(start.to_vec()), vec(select(bits.to_vec()), 0..12), select(end.to_vec()))
        .prop_map(|(start, rest, end)| format!("{start}{}{end}", rest.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_text_ends_a_session(texts in vec(prop_oneof![text(), ".{0,60}"], 100)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let server = probing().server.max_malformed(u32::MAX);
            let running = Running::start(Router::new().procedure("/probe", server)).await;
            let mut wire = Wire::parlor(running.addr, "/probe").await;
            for text in &texts {
                wire.send(text.clone()).await;
            }
            // Whatever was answered, the session still is there and in order.
            wire.send(r#"["add",{"a":40,"b":2},4242]"#).await;
            while wire.receive().await != json!(["$ok", 42, 4242]) {}
        });
    }
}
