//! Clients in Node that use the TypeScript client.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use parlor::Router;
use parlor_tests::skip_without;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::rust_clients::{Phase, Report, SEND_INTERVAL};

/// The longest wait for a line from Node, long enough for a busy machine.
const LINE_TIMEOUT: Duration = Duration::from_secs(120);

/// A Node process with `count` clients.
pub(crate) struct NodeClients {
    count: usize,
    /// The process is killed when this is dropped.
    _child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl NodeClients {
    /// Starts `count` clients with numbers from `first` on and waits until they have joined their
    /// rooms. Returns none without Node.
    pub(crate) async fn enter(
        router: &Router,
        url: &str,
        first: usize,
        count: usize,
    ) -> Option<Self> {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        if !web.join("node_modules/ws").exists()
            && skip_without("`npm install --prefix tests/web` gets what the Node clients need")
        {
            return None;
        }
        let api = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chaos/api");
        router.typescript().write(&api).expect("written");
        let mut child = Command::new("node")
            .arg(web.join("chaos.mjs"))
            .arg(api)
            .arg(url)
            .args([first, count].map(|number| number.to_string()))
            .arg(SEND_INTERVAL.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let input = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut clients = Self { count, _child: child, input, lines };
        clients.expect_from_all("entered").await;
        Some(clients)
    }

    pub(crate) async fn set_phase(&mut self, phase: Phase) {
        self.input.write_all(format!("{phase:?}\n").as_bytes()).await.expect("written");
    }

    /// Waits until all have stopped sending and were answered.
    pub(crate) async fn idle(&mut self) {
        self.expect_from_all("idle").await;
    }

    /// Returns their reports after the last event.
    pub(crate) async fn reports(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        while reports.len() < self.count {
            reports.push(serde_json::from_value(self.line().await).expect("a report"));
        }
        reports
    }

    async fn expect_from_all(&mut self, what: &str) {
        for _ in 0..self.count {
            assert_eq!(self.line().await, what);
        }
    }

    async fn line(&mut self) -> Value {
        let line = timeout(LINE_TIMEOUT, self.lines.next_line()).await.expect("Node writes a line");
        let line = line.expect("readable").expect("Node has not exited");
        serde_json::from_str(&line).expect("JSON")
    }
}
