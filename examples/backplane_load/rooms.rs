//! The time and the memory of many rooms.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;

use crate::client;
use crate::node::Node;

/// One client joins `count` rooms: first on a node without a backplane, then on one of two nodes.
pub async fn measure(url: &str, count: u32) -> Result<(), Box<dyn Error>> {
    println!(
        "{count} rooms\n\n{:<24}{:>10}{:>16}{:>18}",
        "", "ms", "bytes per room", "at the broker"
    );
    for (name, url) in [("without a backplane", None), ("with two nodes", Some(url))] {
        let (joined, mut reports) = unbounded_channel();
        let node = Node::serve(url, Some(joined)).await?;
        let other = Node::serve(url, None).await?;
        if url.is_some() {
            node.finds_other().await?;
            other.finds_other().await?;
        }
        let before = (memory(), broker_memory(url).await);
        client::join_rooms(node.addr, count).await?;
        let time = reports.recv().await.ok_or("the session has ended")?;
        let after = (memory(), broker_memory(url).await);
        let each = |before: Option<f64>, after: Option<f64>| {
            let each = before.zip(after).map(|(before, after)| (after - before) / f64::from(count));
            each.map_or("-".to_owned(), |each| format!("{each:.0}"))
        };
        let (here, there) = (each(before.0, after.0), each(before.1, after.1));
        println!("{name:<24}{:>10.0}{here:>16}{there:>18}", time.as_secs_f64() * 1e3);
        std::io::stdout().flush()?;
        // Memory that is free afterwards would serve the next one.
        std::mem::forget((node, other));
    }
    Ok(())
}

/// The anonymous memory of this process in bytes, where the system reports it.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}

/// The memory that the broker reports, in bytes.
async fn broker_memory(url: Option<&str>) -> Option<f64> {
    let url = url?;
    let (text, name) = if url.starts_with("nats") {
        (nats_status().await.ok()?, "\"mem\":")
    } else {
        let mut connection =
            redis::Client::open(url).ok()?.get_multiplexed_async_connection().await.ok()?;
        let info: String =
            redis::cmd("INFO").arg("memory").query_async(&mut connection).await.ok()?;
        (info, "used_memory:")
    };
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name))?;
    value.trim().trim_end_matches(',').parse().ok()
}

async fn nats_status() -> std::io::Result<String> {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], 8222))).await?;
    stream.write_all(b"GET /varz HTTP/1.0\r\n\r\n").await?;
    let mut status = String::new();
    tokio::time::timeout(Duration::from_secs(3), stream.read_to_string(&mut status)).await??;
    Ok(status)
}
