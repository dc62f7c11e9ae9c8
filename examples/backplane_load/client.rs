//! A member of a room on a node: a plain WebSocket client.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::frames::{PING, PONG, TEXT, push_frame, split_frame};
use crate::received::Received;

#[path = "../load/client.rs"]
#[allow(dead_code)]
mod frames;

/// Connects, joins `room`, and counts what it receives.
pub async fn join(
    addr: SocketAddr,
    room: &'static str,
    received: Arc<Received>,
) -> Result<(), Box<dyn Error>> {
    let joined = tokio::task::spawn_blocking(move || frames::join(addr, room)).await??;
    let stream = TcpStream::from_std(joined)?;
    tokio::spawn(async move {
        if let Err(error) = receive(stream, &received).await {
            eprintln!("a client: {error}");
        }
    });
    Ok(())
}

async fn receive(mut stream: TcpStream, received: &Received) -> std::io::Result<()> {
    let mut unread = Vec::with_capacity(256 << 10);
    loop {
        if stream.read_buf(&mut unread).await? == 0 {
            return Err(std::io::Error::other("the server has closed the connection"));
        }
        let (mut bytes, mut pongs) = (unread.as_slice(), Vec::new());
        while let Some((head, payload, rest)) = split_frame(bytes) {
            bytes = rest;
            match head {
                TEXT => received.record(payload),
                PING => push_frame(&mut pongs, PONG, payload),
                _ => return Err(std::io::Error::other(format!("a frame {head:#x}"))),
            }
        }
        let parsed = unread.len() - bytes.len();
        unread.drain(..parsed);
        received.wake();
        stream.write_all(&pongs).await?;
    }
}

/// Connects, and asks for this number of rooms.
pub async fn join_rooms(addr: SocketAddr, count: u32) -> Result<(), Box<dyn Error>> {
    let joined = tokio::task::spawn_blocking(move || frames::join(addr, "first")).await??;
    let mut stream = TcpStream::from_std(joined)?;
    let mut frame = Vec::new();
    push_frame(&mut frame, TEXT, format!(r#"["joinRooms",{{"count":{count}}}]"#).as_bytes());
    stream.write_all(&frame).await?;
    // It stays open.
    tokio::spawn(async move { receive(stream, &Received::default()).await });
    Ok(())
}
