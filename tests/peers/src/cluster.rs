//! Two nodes of one peer, and their Redis.

use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use crate::cpu;
use crate::peer::Peer;
use crate::process::{Process, free_addr};

pub struct Cluster {
    pub addrs: [SocketAddr; 2],
    a: Process,
    b: Process,
    redis: Process,
    redis_addr: SocketAddr,
}

impl Cluster {
    pub async fn start(peer: Peer) -> Result<Self, Box<dyn Error>> {
        let redis_addr = free_addr()?;
        let redis = redis(redis_addr).await?;
        let addrs = [free_addr()?, free_addr()?];
        let [a, b] = addrs.map(|addr| node(peer, addr, redis_addr));
        Ok(Self { addrs, a: a.await?, b: b.await?, redis, redis_addr })
    }

    /// The processor time that both nodes have used, if the system tells it.
    pub fn cpu(&self) -> Option<Duration> {
        Some(cpu::used(self.a.id())? + cpu::used(self.b.id())?)
    }

    /// How many lost events the program of node B was told of.
    pub fn reported(&self) -> u64 {
        self.b.reported()
    }

    pub fn kill_redis(&mut self) {
        self.redis.kill();
    }

    pub async fn restart_redis(&mut self) -> Result<(), Box<dyn Error>> {
        self.redis = redis(self.redis_addr).await?;
        Ok(())
    }

    pub fn stop_redis(&self) -> Result<(), Box<dyn Error>> {
        self.redis.signal("STOP")
    }

    pub fn continue_redis(&self) -> Result<(), Box<dyn Error>> {
        self.redis.signal("CONT")
    }
}

async fn node(peer: Peer, addr: SocketAddr, redis: SocketAddr) -> Result<Process, Box<dyn Error>> {
    let mut command = peer.node()?;
    command.env("PORT", addr.port().to_string()).env("REDIS_URL", format!("redis://{redis}"));
    Process::start(command, addr).await
}

/// Redis without persistence.
async fn redis(addr: SocketAddr) -> Result<Process, Box<dyn Error>> {
    let program = std::env::var("PARLOR_REDIS_SERVER");
    let mut command = Command::new(program.as_deref().unwrap_or("redis-server"));
    command
        .current_dir(std::env::temp_dir())
        .args(["--bind", "127.0.0.1", "--port", &addr.port().to_string()])
        .args(["--save", "", "--appendonly", "no"]);
    Process::start(command, addr).await
}
