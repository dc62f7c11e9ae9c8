//! The same chat written directly with tokio-tungstenite. A message is encoded once and shared,
//! each member has a bounded queue, and queued messages are written with one flush.
//!
//! It has no limits, heartbeats, error replies, graceful shutdown or session recovery.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

use crate::parlor_server::now;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Socket = WebSocketStream<TcpStream>;
type Stream = SplitStream<Socket>;
type Sink = Arc<AsyncMutex<SplitSink<Socket, Message>>>;

/// The longest queue. A member that exceeds it is closed.
const QUEUE: usize = 256;
/// The size that tungstenite recommends for many connections; its default is 128 KiB.
const READ_BUFFER: usize = 4 << 10;

/// `["event", {..}]`, which serde decodes as tag and content.
#[derive(Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "camelCase")]
enum Incoming<'a> {
    JoinRoom {
        room: String,
    },
    SendMessage {
        #[serde(borrow)]
        room: Cow<'a, str>,
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    Echo {
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMessage<'a> {
    room: &'a str,
    text: &'a str,
    user_id: &'a str,
    timestamp: u64,
}

#[derive(Serialize)]
struct Echoed<'a> {
    text: &'a str,
}

/// The members of each room, by id.
#[derive(Default)]
struct Rooms(Mutex<HashMap<String, HashMap<u64, Member>>>);

#[derive(Clone)]
struct Member {
    queue: mpsc::Sender<Message>,
    writer: AbortHandle,
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, HashMap<u64, Member>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, room: &str, message: &Message) {
        for member in self.lock().get(room).into_iter().flat_map(HashMap::values) {
            if member.queue.try_send(message.clone()).is_err() {
                member.writer.abort();
            }
        }
    }
}

/// One client; dropped when its connection ends.
struct Guest {
    id: u64,
    user_id: String,
    member: Member,
    rooms: Arc<Rooms>,
    joined: Vec<String>,
}

impl Guest {
    async fn read(mut self, mut stream: Stream, sink: Sink) -> Result<(), Error> {
        let mut unflushed = false;
        loop {
            tokio::select! {
                biased;
                message = stream.next() => {
                    let Some(message) = message else { return Ok(()) };
                    if let Message::Text(text) = message?
                        && let Some(answer) = self.handle(serde_json::from_str(&text)?)?
                    {
                        sink.lock().await.feed(answer).await?;
                        unflushed = true;
                    }
                }
                // Flushes only when nothing is left to read, so one flush writes many answers.
                mut sink = sink.lock(), if unflushed => {
                    sink.flush().await?;
                    unflushed = false;
                }
            }
        }
    }

    /// Handles an event and returns the answer, if there is one.
    fn handle(&mut self, event: Incoming<'_>) -> Result<Option<Message>, serde_json::Error> {
        match event {
            Incoming::JoinRoom { room } => {
                let mut rooms = self.rooms.lock();
                rooms.entry(room.clone()).or_default().insert(self.id, self.member.clone());
                self.joined.push(room);
                Ok(None)
            }
            Incoming::SendMessage { room, text } => {
                let user_id = &self.user_id;
                let payload = NewMessage { room: &room, text: &text, user_id, timestamp: now() };
                self.rooms.send(&room, &encode("newMessage", payload)?);
                Ok(None)
            }
            Incoming::Echo { text } => encode("echoed", Echoed { text: &text }).map(Some),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.member.writer.abort();
        let mut rooms = self.rooms.lock();
        for room in &self.joined {
            if let Some(members) = rooms.get_mut(room) {
                members.remove(&self.id);
                if members.is_empty() {
                    rooms.remove(room);
                }
            }
        }
    }
}

fn encode(event: &str, payload: impl Serialize) -> Result<Message, serde_json::Error> {
    serde_json::to_string(&(event, payload)).map(Message::text)
}

/// Writes all queued messages with one flush.
async fn write(sink: Sink, mut queue: mpsc::Receiver<Message>) -> Result<(), Error> {
    let mut messages = Vec::new();
    while queue.recv_many(&mut messages, QUEUE).await > 0 {
        let mut sink = sink.lock().await;
        for message in messages.drain(..) {
            sink.feed(message).await?;
        }
        sink.flush().await?;
    }
    Ok(())
}

pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let rooms = Arc::new(Rooms::default());
    let mut id = 0;
    loop {
        let (stream, _) = listener.accept().await?;
        id += 1;
        // Errors of a connection are ignored.
        tokio::spawn(serve_connection(id, stream, rooms.clone()));
    }
}

async fn serve_connection(id: u64, stream: TcpStream, rooms: Arc<Rooms>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let (sink, stream) = accept_async_with_config(stream, Some(config)).await?.split();
    let sink = Arc::new(AsyncMutex::new(sink));
    let (sender, queue) = mpsc::channel(QUEUE);
    let writer = tokio::spawn(write(sink.clone(), queue));
    let member = Member { queue: sender, writer: writer.abort_handle() };
    // As long as a socket id of Parlor.
    let user_id = format!("guest-{id:016}");
    let guest = Guest { id, user_id, member, rooms, joined: Vec::new() };
    tokio::select! {
        read = guest.read(stream, sink) => read,
        written = writer => written?,
    }
}
