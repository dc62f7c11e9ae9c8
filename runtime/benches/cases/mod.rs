//! Cases that `events` times and `instructions` counts.

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use parlor::__bench::{Clients, EncodedEvent, decode, encode};
use parlor::prelude::*;
use parlor::test::{End, Network};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// Operations per round: one is too short to be timed.
const ROUND: u32 = 64;
/// Clients in the bytes.
const MEMBERS: usize = 1000;
const ROOM: &str = "general";

/// An operation that is timed or counted.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Operations per round.
    pub(crate) operations: u32,
    pub(crate) make: fn() -> Box<dyn Round>,
}

/// A sequence of operations, and their preparation.
pub(crate) trait Round {
    /// Prepares a round; neither timed nor counted.
    fn prepare(&mut self) {}
    fn run(&mut self);
}

pub(crate) const CASES: [Case; 5] = [
    Case { name: "decode", operations: ROUND, make: || Box::new(Decode) },
    Case { name: "dispatch", operations: ROUND, make: || Box::new(Dispatch::new()) },
    Case { name: "encode", operations: ROUND, make: || Box::new(Encode(message())) },
    Case { name: "outbox", operations: ROUND, make: || Box::new(Outbox::new()) },
    Case { name: "room_walk", operations: 1, make: || Box::new(RoomWalk::new()) },
];

#[procedure]
trait Chat {
    #[incoming]
    async fn send_message(&mut self, room: String, text: String, number: u32);
    #[outgoing]
    fn new_message(#[payload] message: Message);
}

#[payload]
struct Message {
    room: String,
    text: String,
    user_id: String,
    timestamp: u64,
}

const INCOMING: &str =
    r#"["sendMessage",{"room":"general","text":"Hello, how are you?","number":7}]"#;

fn message() -> Message {
    Message {
        room: ROOM.to_owned(),
        text: "Hello, how are you?".to_owned(),
        user_id: "2f1c7a9e".to_owned(),
        timestamp: 1_767_225_600_000,
    }
}

/// Decodes the text of an event to typed fields.
struct Decode;

impl Round for Decode {
    fn run(&mut self) {
        for _ in 0..ROUND {
            let event = decode::<ChatEmitter>(black_box(INCOMING));
            assert!(black_box(event).is_some(), "it is an event");
        }
    }
}

/// Passes bytes of a client to its handler, through a whole session.
struct Dispatch {
    runtime: Runtime,
    client: End,
    frames: Vec<u8>,
    handled: Arc<Notify>,
    _network: Network,
}

struct Session {
    messages: u32,
    handled: Arc<Notify>,
}

impl Chat for Session {
    async fn send_message(&mut self, room: String, text: String, number: u32) {
        black_box((room, text, number));
        self.messages += 1;
        if self.messages.is_multiple_of(ROUND) {
            self.handled.notify_one();
        }
    }
}

impl Dispatch {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        let handled = Arc::new(Notify::new());
        let server_handled = Arc::clone(&handled);
        let chat = ChatServer::new(move |_| {
            let session = Session { messages: 0, handled: Arc::clone(&server_handled) };
            async { Ok(session) }
        });
        let network = Network::new(Router::new().procedure("/chat", chat));
        let client = runtime.block_on(connect(&network));
        let frames = frame(INCOMING).repeat(usize::try_from(ROUND).expect("fits"));
        Self { runtime, client, frames, handled, _network: network }
    }
}

impl Round for Dispatch {
    /// Reads what the server sends on its own.
    fn prepare(&mut self) {
        self.runtime.block_on(poll_fn(|cx| {
            let mut bytes = [0; 1024];
            let mut buffer = ReadBuf::new(&mut bytes);
            while Pin::new(&mut self.client).poll_read(cx, &mut buffer).is_ready() {
                assert!(!buffer.filled().is_empty(), "the server has not closed");
                buffer.clear();
            }
            Poll::Ready(())
        }));
    }

    fn run(&mut self) {
        self.runtime.block_on(async {
            self.client.write_all(&self.frames).await.expect("the server reads");
            self.handled.notified().await;
        });
    }
}

/// Connects in Parlor mode.
async fn connect(network: &Network) -> End {
    let mut client = network.line().dial().expect("served");
    let request = "GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Protocol: parlor.v1.json\r\n\r\n";
    client.write_all(request.as_bytes()).await.expect("the server reads");
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.push(client.read_u8().await.expect("a response"));
    }
    assert!(response.starts_with(b"HTTP/1.1 101 "), "a handshake");
    client
}

/// Returns a masked text frame with a short text.
fn frame(text: &str) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("short");
    let mut frame = vec![0x81, 0x80 | length];
    frame.extend_from_slice(&mask);
    frame.extend(text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Encodes an event as a frame.
struct Encode(Message);

impl Round for Encode {
    fn run(&mut self) {
        for _ in 0..ROUND {
            let frame = encode("newMessage", black_box(&self.0));
            assert!(black_box(frame).is_some(), "it is encoded");
        }
    }
}

/// Queues a frame for a client, passes it to the transport and confirms it.
struct Outbox {
    client: Clients,
    frame: EncodedEvent,
}

impl Outbox {
    fn new() -> Self {
        let client = Clients::new::<ChatEmitter>(1, ROOM).expect("a client");
        Self { client, frame: encode("newMessage", &message()).expect("encoded") }
    }
}

impl Round for Outbox {
    fn run(&mut self) {
        for _ in 0..ROUND {
            assert_eq!(self.client.push(black_box(&self.frame)), 1);
        }
        assert!(black_box(self.client.take(ROUND.into())) > 0);
    }
}

/// Queues an event in the outboxes of all members of a room.
struct RoomWalk {
    clients: Clients,
    message: Message,
    is_queued: bool,
}

impl RoomWalk {
    fn new() -> Self {
        let clients = Clients::new::<ChatEmitter>(MEMBERS, ROOM).expect("clients");
        Self { clients, message: message(), is_queued: false }
    }
}

impl Round for RoomWalk {
    fn prepare(&mut self) {
        if std::mem::take(&mut self.is_queued) {
            assert!(self.clients.take(1) > 0, "it has arrived");
        }
    }

    fn run(&mut self) {
        self.clients.io::<ChatEmitter>().to(ROOM).new_message(black_box(&self.message));
        self.is_queued = true;
    }
}
