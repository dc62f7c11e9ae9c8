//! A WebSocket client. Its frames are written and split by hand, because a slow client would measure itself.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tokio::time::timeout;

use self::frames::{PING, PONG, TEXT, push_frame, split_frame};

#[path = "../../../examples/load/client.rs"]
#[allow(dead_code)]
mod frames;

pub const ROOM: &str = "general";
const JOINS_WITHIN: Duration = Duration::from_secs(10);
const READ_BUFFER: usize = 256 << 10;

/// How an event is written in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `["event",data]`
    Plain,
    /// Version 5 of the protocol of Socket.IO, on version 4 of that of Engine.IO.
    SocketIo,
}

impl Dialect {
    fn path(self) -> &'static str {
        match self {
            Self::Plain => "/chat",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        }
    }

    /// What is before `["event",data]`.
    fn prefix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::SocketIo => "42",
        }
    }
}

/// The frames that are not written yet.
#[derive(Default)]
pub struct Outbox {
    frames: RefCell<Vec<u8>>,
    pushed: Notify,
}

impl Outbox {
    pub fn push(&self, head: u8, payload: &[u8]) {
        push_frame(&mut self.frames.borrow_mut(), head, payload);
        self.pushed.notify_one();
    }

    /// `event` is `["event",data]`.
    pub fn push_event(&self, dialect: Dialect, event: &str) {
        self.push(TEXT, format!("{}{event}", dialect.prefix()).as_bytes());
    }

    async fn write(&self, stream: &mut OwnedWriteHalf) -> io::Result<()> {
        let frames = self.frames.take();
        stream.write_all(&frames).await
    }

    async fn write_all(&self, mut stream: OwnedWriteHalf) -> io::Result<()> {
        loop {
            self.write(&mut stream).await?;
            self.pushed.notified().await;
        }
    }
}

/// A member of [`ROOM`].
pub struct Client {
    reader: Reader,
    writer: OwnedWriteHalf,
}

struct Reader {
    stream: OwnedReadHalf,
    unread: Vec<u8>,
    outbox: Rc<Outbox>,
    dialect: Dialect,
}

impl Client {
    /// Connects and joins [`ROOM`]. Returns when the server has handled the join.
    pub async fn join(addr: SocketAddr, dialect: Dialect) -> io::Result<Self> {
        timeout(JOINS_WITHIN, Self::join_in_any_time(addr, dialect)).await?
    }

    async fn join_in_any_time(addr: SocketAddr, dialect: Dialect) -> io::Result<Self> {
        let (stream, unread) = connect(addr, dialect.path()).await?;
        let (stream, writer) = stream.into_split();
        let outbox = Rc::<Outbox>::default();
        let mut client = Self { reader: Reader { stream, unread, outbox, dialect }, writer };
        if dialect == Dialect::SocketIo {
            client.reader.receive("0").await?;
            client.outbox().push(TEXT, b"40");
            client.outbox().write(&mut client.writer).await?;
            client.reader.receive("40").await?;
        }
        let outbox = client.outbox();
        outbox.push_event(dialect, &format!(r#"["joinRoom",{{"room":"{ROOM}"}}]"#));
        // The server handles events in order, so the answer to the echo shows that the join is done.
        outbox.push_event(dialect, r#"["echo",{"text":"joined"}]"#);
        outbox.write(&mut client.writer).await?;
        client.reader.receive(&format!(r#"{}["echoed""#, dialect.prefix())).await?;
        Ok(client)
    }

    pub fn outbox(&self) -> Rc<Outbox> {
        Rc::clone(&self.reader.outbox)
    }

    /// Writes what the outbox gets, and calls `each` for each text that arrives, and `batch` after those of one
    /// read. Returns when the connection fails or is closed.
    pub async fn run(
        self,
        mut each: impl FnMut(&[u8], Instant),
        mut batch: impl FnMut(),
    ) -> io::Error {
        let outbox = self.outbox();
        let Self { mut reader, writer } = self;
        let reads = async {
            loop {
                reader.read(&mut each).await?;
                batch();
            }
        };
        let done: io::Result<()> = tokio::select! {
            done = reads => done,
            done = outbox.write_all(writer) => done,
        };
        done.err().unwrap_or_else(closed)
    }
}

impl Reader {
    /// Reads once. Answers pings, and calls `each` for each text.
    async fn read(&mut self, each: &mut impl FnMut(&[u8], Instant)) -> io::Result<()> {
        if self.stream.read_buf(&mut self.unread).await? == 0 {
            return Err(closed());
        }
        self.split(each)
    }

    fn split(&mut self, each: &mut impl FnMut(&[u8], Instant)) -> io::Result<()> {
        let (mut bytes, now) = (self.unread.as_slice(), Instant::now());
        while let Some((head, payload, rest)) = split_frame(bytes) {
            bytes = rest;
            match head {
                TEXT if self.dialect == Dialect::SocketIo && payload == b"2" => {
                    self.outbox.push(TEXT, b"3");
                }
                TEXT => each(payload, now),
                PING => self.outbox.push(PONG, payload),
                _ => return Err(io::Error::other(format!("a frame {head:#x}"))),
            }
        }
        let parsed = self.unread.len() - bytes.len();
        self.unread.drain(..parsed);
        Ok(())
    }

    /// Waits for a text that starts with `start`.
    async fn receive(&mut self, start: &str) -> io::Result<()> {
        let received = Cell::new(false);
        let mut each = |text: &[u8], _: Instant| {
            received.set(received.get() || text.starts_with(start.as_bytes()));
        };
        // The first frame may have arrived with the response.
        self.split(&mut each)?;
        while !received.get() {
            self.read(&mut each).await?;
        }
        Ok(())
    }
}

/// Opens a WebSocket. Returns what arrived after the response, too.
async fn connect(addr: SocketAddr, path: &str) -> io::Result<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut unread = Vec::with_capacity(READ_BUFFER);
    loop {
        if let Some(end) = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let response: Vec<u8> = unread.drain(..end + 4).collect();
            if response.starts_with(b"HTTP/1.1 101 ") {
                return Ok((stream, unread));
            }
            return Err(io::Error::other(String::from_utf8_lossy(&response).into_owned()));
        }
        if stream.read_buf(&mut unread).await? == 0 {
            return Err(closed());
        }
    }
}

fn closed() -> io::Error {
    io::Error::other("the server has closed the connection")
}
