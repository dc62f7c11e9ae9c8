//! Clients that are not ours, against the chat example.

use std::process::Stdio;

use parlor_tests::{Example, skip_without, soon};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// The client of jstack-shared, which speaks plain frames, joins, hears, speaks and pings.
#[tokio::test]
async fn a_client_of_plain_frames_chats() {
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
    while let Some(line) = soon("a line", lines.next_line()).await.expect("readable") {
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
