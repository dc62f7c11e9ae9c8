//! A server in a process of its own, which is this program again.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use parlor::Router;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::{parlor_server, twin};

/// The first argument of the process that serves.
pub const SERVE: &str = "serve";

/// Whether this system tells what a process takes of CPU and memory; only where there is `/proc`.
pub const CAN_ATTRIBUTE: bool = cfg!(target_os = "linux");

#[derive(Clone, Copy)]
pub enum Kind {
    Parlor,
    Twin,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Parlor => "parlor",
            Self::Twin => "twin",
        }
    }
}

impl FromStr for Kind {
    type Err = Box<dyn Error>;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut kinds = [Self::Parlor, Self::Twin].into_iter();
        kinds.find(|kind| kind.name() == name).ok_or_else(|| format!("what is {name}?").into())
    }
}

/// Serves for as long as the standard input is open, and so no longer than who started it lives.
#[tokio::main]
pub async fn serve(kind: Kind) -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let router = Router::new().procedure("/chat", parlor_server::chat());
    let served = async {
        match kind {
            Kind::Parlor => Ok(router.serve(listener).await?),
            Kind::Twin => Ok(twin::serve(listener).await?),
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

    /// What all its threads have had of the CPU, to the nanosecond.
    pub fn cpu_time(&self) -> Option<Duration> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).ok()?;
        let nanos = tasks.map(|task| {
            let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        });
        nanos.sum::<Option<u64>>().map(Duration::from_nanos)
    }

    /// The memory that it has filled, in KiB; its program, which is loaded bit by bit, does not count.
    pub fn memory(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
