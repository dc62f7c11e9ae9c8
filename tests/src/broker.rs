//! Redis and NATS as child processes.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::{reusable_addr, skip_without, within_timeout};

/// How many ports are tried, if other programs take them.
const ATTEMPTS: usize = 10;
/// What is kept of the output of one process, in bytes.
const MAX_LOG: usize = 1 << 20;

/// A broker on 127.0.0.1, without persistence. It is killed when this is dropped. If the test fails, its output is
/// printed.
pub struct Broker {
    kind: Kind,
    addr: SocketAddr,
    folder: Folder,
    /// None after [`Broker::kill`].
    process: Option<Process>,
    /// The output of the processes before this one.
    earlier_log: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Redis,
    Nats,
}

/// A running process. It is killed when this is dropped.
struct Process {
    child: Child,
    /// Its output. The sender is dropped at its end.
    log: watch::Receiver<String>,
}

/// A temporary folder. It is removed when this is dropped.
struct Folder(PathBuf);

impl Broker {
    /// Starts Redis, or the program that `PARLOR_REDIS_SERVER` names. `options` are lines of its configuration, such
    /// as `maxmemory 10mb`. Returns `None` if it is not installed: the test is skipped.
    pub async fn redis(options: &[&str]) -> Option<Self> {
        Self::start(Kind::Redis, options).await
    }

    /// Starts NATS, or the program that `PARLOR_NATS_SERVER` names. `options` are lines of its configuration, such
    /// as `max_pending: 1MB`. Returns `None` if it is not installed: the test is skipped.
    pub async fn nats(options: &[&str]) -> Option<Self> {
        Self::start(Kind::Nats, options).await
    }

    /// The program of Redis: `redis-server`, or the one that `PARLOR_REDIS_SERVER` names.
    pub fn redis_program() -> String {
        Kind::Redis.program()
    }

    /// The program of NATS: `nats-server`, or the one that `PARLOR_NATS_SERVER` names.
    pub fn nats_program() -> String {
        Kind::Nats.program()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its URL, such as `redis://127.0.0.1:16379`.
    pub fn url(&self) -> String {
        self.url_at(self.addr)
    }

    /// Its URL with another address, such as that of a [`BrokerProxy`](super::BrokerProxy).
    pub fn url_at(&self, addr: SocketAddr) -> String {
        format!("{}://{addr}", self.kind.scheme())
    }

    /// Its URL with credentials, such as `:password` or `user:password`.
    pub fn url_with(&self, credentials: &str) -> String {
        format!("{}://{credentials}@{}", self.kind.scheme(), self.addr)
    }

    /// Kills the process with SIGKILL, and waits for its end.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
            self.earlier_log.push_str(&process.log.borrow());
        }
    }

    /// Kills the process if it runs, and starts another one on the same port. Ready when that accepts connections.
    pub async fn restart(&mut self) {
        self.kill();
        let mut process = Process::spawn(self.kind, &self.folder);
        let is_ready = process.is_ready(self.kind, self.addr).await;
        self.process = Some(process);
        assert!(is_ready, "it did not start again");
    }

    /// Stops the process with SIGSTOP. Its connections stay open, and it does nothing until [`Broker::cont`].
    pub fn stop(&self) {
        let process = self.process.as_ref().expect("it runs");
        process.signal("STOP");
        process.wait_until_stopped();
    }

    /// Continues a stopped process with SIGCONT.
    pub fn cont(&self) {
        self.process.as_ref().expect("it runs").signal("CONT");
    }

    /// Lets the process have no more memory than it has. Its end follows when it needs more.
    pub fn limit_memory(&self) {
        let pid = self.process.as_ref().expect("it runs").child.id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.strip_suffix("kB"));
        let size: u64 = size.expect("its size").trim().parse().expect("a number");
        let limit = format!("--as={}", size * 1024);
        let status = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
        assert!(status.expect("prlimit runs").success());
    }

    /// Waits until the process has ended by itself.
    pub async fn wait_for_end(&mut self) {
        let process = self.process.as_mut().expect("it runs");
        let closed = process.log.wait_for(|_| false);
        assert!(within_timeout("the end of the broker", closed).await.is_err());
        self.kill();
    }

    /// The output of its processes.
    pub fn log(&self) -> String {
        let mut log = self.earlier_log.clone();
        if let Some(process) = &self.process {
            log.push_str(&process.log.borrow());
        }
        log
    }

    async fn start(kind: Kind, options: &[&str]) -> Option<Self> {
        let program = kind.program();
        let version = Command::new(&program).arg("--version").stdout(Stdio::null()).status();
        if version.is_err() && skip_without(&format!("{program} is not installed")) {
            return None;
        }
        let folder = Folder::new(&format!("{kind:?}"));
        for _ in 0..ATTEMPTS {
            let addr = reusable_addr();
            std::fs::write(folder.configuration(), kind.configuration(addr, options, &folder))
                .expect("written");
            let mut process = Process::spawn(kind, &folder);
            if process.is_ready(kind, addr).await {
                let (process, earlier_log) = (Some(process), String::new());
                return Some(Self { kind, addr, folder, process, earlier_log });
            }
            let log = process.log.borrow();
            assert!(log.contains("ddress already in use"), "{program} does not start:\n{}", *log);
        }
        panic!("other programs took {ATTEMPTS} ports")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the output of {}:\n{}", self.kind.program(), self.log());
        }
    }
}

impl Kind {
    fn program(self) -> String {
        let (variable, default) = match self {
            Self::Redis => ("PARLOR_REDIS_SERVER", "redis-server"),
            Self::Nats => ("PARLOR_NATS_SERVER", "nats-server"),
        };
        std::env::var(variable).unwrap_or_else(|_| default.to_owned())
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Nats => "nats",
        }
    }

    fn configuration(self, addr: SocketAddr, options: &[&str], folder: &Folder) -> String {
        let mut text = match self {
            Self::Redis => format!(
                "bind {}\nport {}\ndir {}\nsave \"\"\nappendonly no\n",
                addr.ip(),
                addr.port(),
                folder.0.display()
            ),
            Self::Nats => format!("listen: \"{addr}\"\n"),
        };
        for option in options {
            writeln!(text, "{option}").expect("written");
        }
        text
    }

    /// What it prints when it accepts connections.
    fn line_after_start(self) -> &'static str {
        match self {
            Self::Redis => "Ready to accept connections",
            Self::Nats => "Server is ready",
        }
    }
}

impl Process {
    fn spawn(kind: Kind, folder: &Folder) -> Self {
        let mut command = Command::new(kind.program());
        match kind {
            Kind::Redis => command.arg(folder.configuration()),
            Kind::Nats => command.arg("--config").arg(folder.configuration()),
        };
        let mut child = command
            .current_dir(&folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the broker starts");
        let (sender, log) = watch::channel(String::new());
        // Threads, because a broker whose pipe is full does nothing, and a test may block its runtime.
        collect(child.stdout.take().expect("piped"), sender.clone());
        collect(child.stderr.take().expect("piped"), sender);
        Self { child, log }
    }

    /// Returns whether it accepts connections. It has ended if not.
    async fn is_ready(&mut self, kind: Kind, addr: SocketAddr) -> bool {
        let line = self.log.wait_for(|log| log.contains(kind.line_after_start()));
        let is_ready = within_timeout("the start of a broker", line).await.is_ok();
        if is_ready {
            TcpStream::connect(addr).await.expect("it accepts connections");
        }
        is_ready
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits until none of its threads runs. SIGSTOP takes some time to reach all of them.
    fn wait_until_stopped(&self) {
        if cfg!(target_os = "linux") {
            let tasks = format!("/proc/{}/task", self.child.id());
            let is_stopped = |task: std::io::Result<std::fs::DirEntry>| {
                let stat = std::fs::read_to_string(task.expect("a thread").path().join("stat"));
                let stat = stat.expect("its state");
                // The state is after the name, which is in parentheses.
                stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
            };
            while !std::fs::read_dir(&tasks).expect("its threads").all(is_stopped) {
                std::thread::yield_now();
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Appends what a process prints to its log.
fn collect(output: impl Read + Send + 'static, log: watch::Sender<String>) {
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            log.send_modify(|log| {
                if log.len() + line.len() <= MAX_LOG {
                    log.push_str(&String::from_utf8_lossy(&line));
                }
            });
            line.clear();
        }
    });
}

impl Folder {
    fn new(what: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("parlor-{what}-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn configuration(&self) -> PathBuf {
        self.0.join("broker.conf")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
