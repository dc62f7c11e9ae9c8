//! A node of socketioxide with its adapter for Redis, on the WebSocket transport.
//!
//! It has one thread: socketioxide spawns a task for each event, so more threads reorder the events of one client.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};
use socketioxide::adapter::Adapter;
use socketioxide::extract::{Data, SocketRef};
use socketioxide::{SocketIo, TransportType};
use socketioxide_redis::{RedisAdapter, RedisAdapterCtr};
use tokio::net::TcpListener;

/// Longer than a run, so that none is measured.
const PING: Duration = Duration::from_secs(60);
/// Packets that wait for one socket. The default of 128 is less than what the load has in flight.
const QUEUE: usize = 1024;

#[derive(Deserialize, Serialize)]
struct Echo {
    text: String,
}

#[derive(Deserialize)]
struct JoinRoom {
    room: String,
}

#[derive(Deserialize)]
struct SendMessage {
    room: String,
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMessage {
    room: String,
    text: String,
    user_id: String,
    timestamp: u64,
}

async fn connected<A: Adapter>(socket: SocketRef<A>) {
    socket.on("joinRoom", async |socket: SocketRef<A>, Data::<JoinRoom>(join)| {
        socket.join(join.room);
    });
    socket.on("echo", async |socket: SocketRef<A>, Data::<Echo>(echo)| {
        if let Err(error) = socket.emit("echoed", &echo) {
            eprintln!("echoed: {error}");
        }
    });
    socket.on("sendMessage", async |socket: SocketRef<A>, Data::<SendMessage>(sent)| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let message = NewMessage {
            room: sent.room.clone(),
            text: sent.text,
            user_id: socket.id.to_string(),
            timestamp: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        };
        // It fails while Redis is away, which the load measures.
        let _ = socket.within(sent.room).emit("newMessage", &message).await;
    });
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = redis::Client::open(format!("{}/?protocol=resp3", std::env::var("REDIS_URL")?))?;
    let adapter = RedisAdapterCtr::new_with_redis(&redis).await?;
    let (layer, io) = SocketIo::builder()
        .transports([TransportType::Websocket])
        .ping_interval(PING)
        .ping_timeout(PING)
        .max_buffer_size(QUEUE)
        .with_adapter::<RedisAdapter<_>>(adapter)
        .build_layer();
    io.ns("/", connected).await?;
    let listener = TcpListener::bind(format!("127.0.0.1:{}", std::env::var("PORT")?)).await?;
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    Ok(axum::serve(listener, axum::Router::new().layer(layer)).await?)
}
