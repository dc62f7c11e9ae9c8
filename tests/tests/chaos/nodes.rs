//! Clients that run in Node, with the client that is written for TypeScript.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use parlor::Router;
use parlor_tests::skip_without;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::fans::{PACE, Phase, Report};

/// How long Node may take for anything, which is much on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Node process with so many clients.
pub(crate) struct Nodes {
    count: usize,
    /// Killed when this is dropped.
    _child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Nodes {
    /// Starts `count` clients with the numbers from `first` on, which have entered their rooms; none
    /// without Node.
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
            .arg(PACE.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let input = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut nodes = Self { count, _child: child, input, lines };
        nodes.all_say("entered").await;
        Some(nodes)
    }

    pub(crate) async fn tell(&mut self, phase: Phase) {
        self.input.write_all(format!("{phase:?}\n").as_bytes()).await.expect("told");
    }

    /// Waits until all have shouted, and were answered.
    pub(crate) async fn idle(&mut self) {
        self.all_say("idle").await;
    }

    /// What they saw, when it is over.
    pub(crate) async fn reports(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        while reports.len() < self.count {
            reports.push(serde_json::from_value(self.line().await).expect("a report"));
        }
        reports
    }

    async fn all_say(&mut self, what: &str) {
        for _ in 0..self.count {
            assert_eq!(self.line().await, what);
        }
    }

    async fn line(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("Node says something");
        let line = line.expect("readable").expect("Node goes on");
        serde_json::from_str(&line).expect("JSON")
    }
}
