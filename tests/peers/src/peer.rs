//! Who is compared, and the programs of their nodes.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::client::Dialect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Parlor,
    Socketioxide,
    RedisAdapter,
    RedisStreamsAdapter,
}

impl Peer {
    const ALL: [Self; 4] =
        [Self::Parlor, Self::Socketioxide, Self::RedisAdapter, Self::RedisStreamsAdapter];

    /// The peer with this name on the command line.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "parlor" => Self::Parlor,
            "socketioxide" => Self::Socketioxide,
            "redis-adapter" => Self::RedisAdapter,
            "redis-streams-adapter" => Self::RedisStreamsAdapter,
            _ => return None,
        })
    }

    /// Its name in the tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Parlor => "Parlor",
            Self::Socketioxide => "socketioxide",
            Self::RedisAdapter => "Socket.IO, redis-adapter",
            Self::RedisStreamsAdapter => "Socket.IO, redis-streams-adapter",
        }
    }

    pub fn dialect(self) -> Dialect {
        if self == Self::Parlor { Dialect::Plain } else { Dialect::SocketIo }
    }

    /// Whether the number of lost events is told to the program.
    pub fn reports_losses(self) -> bool {
        self == Self::Parlor
    }

    /// The program of a node. It reads `PORT` and `REDIS_URL` from its environment.
    pub fn node(self) -> Result<Command, Box<dyn Error>> {
        let adapter = match self {
            Self::Parlor => return binary("parlor_node"),
            Self::Socketioxide => return binary("socketioxide_node"),
            Self::RedisAdapter => "redis",
            Self::RedisStreamsAdapter => "redis-streams",
        };
        let mut command = Command::new("node");
        command.arg(socket_io().join("server.mjs")).env("ADAPTER", adapter);
        Ok(command)
    }

    fn needs_node_js(self) -> bool {
        matches!(self, Self::RedisAdapter | Self::RedisStreamsAdapter)
    }
}

/// Builds and installs the programs of the nodes. Returns who can run here.
pub fn prepare(only: Option<Peer>) -> Result<Vec<Peer>, Box<dyn Error>> {
    let mut peers = Peer::ALL.to_vec();
    peers.retain(|peer| only.is_none_or(|only| only == *peer));
    if peers.iter().any(|peer| !peer.needs_node_js()) {
        build()?;
    }
    if peers.iter().any(|peer| peer.needs_node_js()) {
        if is_installed("node") && is_installed("npm") {
            install()?;
        } else {
            eprintln!("node or npm is not installed: Socket.IO is left out");
            peers.retain(|peer| !peer.needs_node_js());
        }
    }
    if peers.is_empty() { Err("there is nothing to measure".into()) } else { Ok(peers) }
}

/// `cargo run` builds this program only, so the nodes are built here.
fn build() -> Result<(), Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--bins", "--manifest-path"]).arg(folder().join("Cargo.toml"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    succeed(command, "cargo build")
}

fn install() -> Result<(), Box<dyn Error>> {
    if socket_io().join("node_modules").exists() {
        return Ok(());
    }
    let mut command = Command::new("npm");
    command
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(socket_io());
    // What is printed to stdout are the tables.
    command.stdout(Stdio::null());
    succeed(command, "npm ci")
}

fn succeed(mut command: Command, name: &str) -> Result<(), Box<dyn Error>> {
    let status = command.status().map_err(|error| format!("{name}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed: {status}").into()) }
}

fn is_installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// A program beside this one.
fn binary(name: &str) -> Result<Command, Box<dyn Error>> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(Command::new(std::env::current_exe()?.with_file_name(file)))
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn socket_io() -> PathBuf {
    folder().join("socket-io")
}
