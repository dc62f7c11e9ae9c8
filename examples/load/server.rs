//! A server process, which runs this program again.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use parlor::Router;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::{handwritten_server, parlor_server};

/// The first argument of the server process.
pub const SERVE: &str = "serve";

/// Whether the system reports CPU time and memory of a process, which needs `/proc`.
pub const CAN_ATTRIBUTE: bool = cfg!(target_os = "linux");

#[derive(Clone, Copy)]
pub enum Kind {
    Parlor,
    Handwritten,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Parlor => "parlor",
            Self::Handwritten => "handwritten",
        }
    }
}

impl FromStr for Kind {
    type Err = Box<dyn Error>;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut kinds = [Self::Parlor, Self::Handwritten].into_iter();
        kinds
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("unknown server: {name}").into())
    }
}

/// Serves while standard input is open, so the server ends with its parent process.
#[tokio::main]
pub async fn serve(kind: Kind) -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let router = Router::new().procedure("/chat", parlor_server::chat());
    let served = async {
        match kind {
            Kind::Parlor => Ok(router.serve(listener).await?),
            Kind::Handwritten => Ok(handwritten_server::serve(listener).await?),
        }
    };
    let mut input = tokio::io::stdin();
    tokio::select! {
        served = served => served,
        _ = input.read_u8() => Ok(()),
    }
}

pub struct Server {
    process: Child,
    pub addr: SocketAddr,
}

impl Server {
    pub fn start(kind: Kind) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([SERVE, kind.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let addr = line.trim().parse().map_err(|_| "the server did not start")?;
        Ok(Self { process, addr })
    }

    /// Returns the CPU time of all its threads, with nanosecond resolution.
    pub fn cpu_time(&self) -> Option<Duration> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).ok()?;
        let nanos = tasks.map(|task| {
            let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        });
        nanos.sum::<Option<u64>>().map(Duration::from_nanos)
    }

    /// Returns its anonymous memory in KiB. Mapped program code does not count, because it is
    /// loaded on demand.
    pub fn memory(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process has exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
