//! nginx and `HAProxy` as child processes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parlor_tests::{free_addr, skip_without, within_timeout};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};
use tokio::time::timeout;

use crate::config::{Changes, configuration};

/// The configuration, in the folder of the proxy.
const FILE: &str = "proxy.conf";

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Haproxy,
    /// In TCP mode.
    HaproxyTcp,
}

/// A running proxy. It is terminated when this is dropped.
pub(crate) struct RunningProxy {
    pub(crate) addr: SocketAddr,
    kind: Proxy,
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    folder: PathBuf,
}

impl Proxy {
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy | Self::HaproxyTcp => "haproxy",
        }
    }

    /// Starts the configuration of `docs/deploy.md` with `changes`, in front of `server`.
    pub(crate) async fn start(self, server: SocketAddr, changes: Changes<'_>) -> RunningProxy {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("parlor-{}-{}-{number}", self.program(), std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let addr = free_addr();
        let text = configuration(self, addr, server, &folder, changes);
        std::fs::write(folder.join(FILE), text).expect("written");
        let mut child = tokio::process::Command::new(self.program())
            .args(self.args())
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the proxy starts");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut running = RunningProxy { addr, kind: self, child, lines, folder };
        running.wait_for_line(self.line_after_start()).await;
        running
    }

    /// The status of its response when no server listens.
    pub(crate) fn status_without_server(self) -> u16 {
        match self {
            Self::Nginx => 502,
            Self::Haproxy | Self::HaproxyTcp => 503,
        }
    }

    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["-e", "stderr", "-p", ".", "-c", FILE],
            Self::Haproxy | Self::HaproxyTcp => &["-W", "-f", FILE],
        }
    }

    /// What it logs when it listens.
    fn line_after_start(self) -> &'static str {
        match self {
            Self::Nginx => "start worker process ",
            Self::Haproxy | Self::HaproxyTcp => "Loading success",
        }
    }

    /// What it logs when its old workers accept no more connections.
    fn line_after_reload(self) -> &'static str {
        match self {
            Self::Nginx => "gracefully shutting down",
            Self::Haproxy | Self::HaproxyTcp => "Loading success",
        }
    }
}

impl RunningProxy {
    /// Reloads the configuration.
    pub(crate) async fn reload(&mut self) {
        let (signal, logged) = match self.kind {
            Proxy::Nginx => ("HUP", "reconfiguring"),
            Proxy::Haproxy | Proxy::HaproxyTcp => ("USR2", "Reloading"),
        };
        // A master process of HAProxy that has just started its worker ignores signals.
        let repeat = async {
            loop {
                self.signal(signal);
                let line = self.wait_for_line(logged);
                if timeout(Duration::from_millis(500), line).await.is_ok() {
                    return;
                }
            }
        };
        within_timeout(logged, repeat).await;
        self.wait_for_line(self.kind.line_after_reload()).await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("wss://localhost:{}{path}", self.addr.port())
    }

    async fn wait_for_line(&mut self, what: &str) {
        let mut log = Vec::new();
        loop {
            let line = within_timeout(what, self.lines.next_line()).await.expect("readable");
            let Some(line) = line else { panic!("it ended:\n{}", log.join("\n")) };
            if line.contains(what) {
                return;
            }
            log.push(line);
        }
    }

    fn signal(&self, signal: &str) {
        let Some(pid) = self.child.id() else { return };
        let _ = Command::new("kill").args(["-s", signal, &pid.to_string()]).status();
    }
}

impl Drop for RunningProxy {
    fn drop(&mut self) {
        // Not SIGKILL: the workers of nginx would stay.
        self.signal("TERM");
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Runs `test` with nginx and with `HAProxy`, both at once. A proxy that is not installed is skipped.
pub(crate) async fn with_each_proxy(test: impl AsyncFn(Proxy)) {
    tokio::join!(with_proxy(Proxy::Nginx, &test), with_proxy(Proxy::Haproxy, &test));
}

/// Runs `test` with `proxy`. It is skipped if that is not installed.
pub(crate) async fn with_proxy(proxy: Proxy, test: impl AsyncFn(Proxy)) {
    let program = proxy.program();
    let version =
        Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_ok() || !skip_without(&format!("{program} is not installed")) {
        Box::pin(test(proxy)).await;
    }
}
