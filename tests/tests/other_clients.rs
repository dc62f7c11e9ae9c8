//! Clients of other projects against the chat example.

use std::process::Stdio;

use parlor_tests::{Example, skip_without, within_timeout};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// The client of jstack-shared uses plain mode: it joins, receives, sends and pings.
#[tokio::test]
async fn jstack_client_chats_in_plain_mode() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/other-clients");
    let installed = std::path::Path::new(folder).join("node_modules/jstack-shared").exists();
    if !installed
        && skip_without("`npm install --prefix tests/other-clients` gets the client that it needs")
    {
        return;
    }
    let chat = Example::serve("chat").await;
    let mut client = Command::new("node")
        .args([&format!("{folder}/chat.mjs"), &chat.url])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node is installed");
    let mut lines = BufReader::new(client.stdout.take().expect("piped")).lines();
    let mut seen = Vec::new();
    while let Some(line) = within_timeout("a line", lines.next_line()).await.expect("readable") {
        let done = line == r#"["done"]"#;
        seen.push(line);
        if done {
            break;
        }
    }
    let seen = seen.join("\n");
    for expected in [
        r#"["bob","userJoined",{"room":"general","userId":"bob"}]"#,
        r#"["bob","newMessage",{"room":"general","text":"Hello!","userId":"ada","timestamp":"#,
        r#"["ada","newMessage",{"room":"general","text":"Hello!","userId":"ada","timestamp":"#,
        r#"["pong",null]"#,
        r#"["bob","userLeft",{"room":"general","userId":"ada"}]"#,
        r#"["done"]"#,
    ] {
        assert!(seen.contains(expected), "{expected} is not in\n{seen}");
    }
}
