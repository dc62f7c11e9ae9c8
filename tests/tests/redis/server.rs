//! A real Redis.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parlor_tests::{free_addr, skip_without};

const WAIT: Duration = Duration::from_secs(30);

/// A running Redis without persistence. It ends when this is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// Its working directory.
    pub(crate) folder: PathBuf,
    arguments: Vec<String>,
    process: Child,
}

impl Server {
    /// Starts Redis with further arguments. `None` if it is not installed, which skips the test.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let port = free_addr().port();
        let port_argument = port.to_string();
        let mut all = vec!["--port", &port_argument];
        all.extend(arguments);
        Self::start_at(port, &all)
    }

    /// As `start`, with a port that the arguments set.
    pub(crate) fn start_at(port: u16, arguments: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let installed = Command::new("redis-server").arg("--version").output().is_ok();
        if !installed && skip_without("redis-server is not installed") {
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("redis-{}-{count}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let process = spawn(&folder, &arguments);
        Some(Self { port, folder, arguments, process })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The answer to a command, as bytes of the protocol, from a connection of its own.
    pub(crate) fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(WAIT)).expect("a timeout");
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).expect("a command");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// The number of connections besides the one that asks.
    pub(crate) fn connections(&self) -> usize {
        self.ask("CLIENT LIST").lines().filter(|line| line.starts_with("id=")).count() - 1
    }

    /// Sends a signal, such as `KILL` or `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(status.expect("`kill` runs").success(), "a signal");
    }

    /// Kills the process and starts it again, at the same port.
    pub(crate) fn restart(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.process = spawn(&self.folder, &self.arguments);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Starts the process and waits until it listens.
fn spawn(folder: &PathBuf, arguments: &[String]) -> Child {
    let mut process = Command::new("redis-server")
        .args(arguments)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-server starts");
    let mut log = BufReader::new(process.stdout.take().expect("its output"));
    let mut text = String::new();
    while !text.contains("eady to accept connections") && !text.contains("Sentinel ID is") {
        let read = log.read_line(&mut text).expect("a line");
        assert!(read > 0, "redis-server ended: {text}");
    }
    // It writes more lines, and would wait if nothing read them.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    process
}
