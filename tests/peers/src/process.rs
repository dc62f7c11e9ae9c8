//! Child processes, and ports for them.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

/// Below the ports that systems give to outgoing connections: a client that dials such a port while its server is
/// away may get it for its own end, and is then connected to itself.
const PORTS: std::ops::Range<u16> = 12_000..30_000;
const STARTS_WITHIN: Duration = Duration::from_secs(15);

/// A server as a child process. It is killed when this is dropped.
pub struct Process {
    child: Child,
    /// The `N` of the last line `reported N` that it printed.
    reported: Arc<AtomicU64>,
}

impl Process {
    /// Starts `command`, which listens on `addr`. Ready when it accepts connections.
    pub async fn start(mut command: Command, addr: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let reported = Arc::<AtomicU64>::default();
        let stdout = child.stdout.take().ok_or("stdout is piped")?;
        let latest = Arc::clone(&reported);
        // A thread, because a process whose pipe is full does nothing.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(number) = line.strip_prefix("reported ").and_then(|it| it.parse().ok())
                {
                    latest.store(number, Ordering::Relaxed);
                }
            }
        });
        let mut process = Self { child, reported };
        let start = Instant::now();
        while TcpStream::connect(addr).await.is_err() {
            if let Some(status) = process.child.try_wait()? {
                return Err(format!("{name} has ended: {status}").into());
            }
            if start.elapsed() > STARTS_WITHIN {
                return Err(format!("{name} does not listen on {addr}").into());
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(process)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How many lost events the program was told of.
    pub fn reported(&self) -> u64 {
        self.reported.load(Ordering::Relaxed)
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        // It fails only if the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, signal: &str) -> Result<(), Box<dyn Error>> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &id]).status()?;
        if status.success() { Ok(()) } else { Err(format!("kill -s {signal}: {status}").into()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free address of 127.0.0.1, below the ports of outgoing connections. Each call returns another one.
pub fn free_addr() -> Result<SocketAddr, Box<dyn Error>> {
    static TRIED: AtomicU64 = AtomicU64::new(0);
    let count = u64::from(PORTS.end - PORTS.start);
    // Two runs at the same time begin at different ports.
    let first = u64::from(std::process::id()) * 97;
    for _ in 0..count {
        let offset = (first + TRIED.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(offset)?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
    Err("no port is free".into())
}
