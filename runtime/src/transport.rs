//! What carries the bytes of a WebSocket, on either side of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) enum Transport {
    /// A TCP connection of our own, or one that could be taken out of its HTTP server.
    Tcp(TcpStream),
    /// Anything else: TLS or a Unix socket of an HTTP server's, a pipe in memory, what a client's
    /// connector makes.
    Other(Box<dyn Stream>),
}

/// After so long without a word the system asks whether the other end is there, and then every
/// [`PROBES`]. Heartbeats judge a session; this lets go of what has none, such as a handshake.
const IDLE: Duration = Duration::from_secs(60);
const PROBES: Duration = Duration::from_secs(15);
/// How long what was sent may go without an answer from the other end's system (RFC 5482), else some
/// 15 minutes on Linux.
#[cfg(target_os = "linux")]
const UNANSWERED: Duration = Duration::from_secs(60);

impl From<TcpStream> for Transport {
    fn from(stream: TcpStream) -> Self {
        if let Err(error) = set_options(&stream) {
            tracing::debug!(%error, "a TCP option cannot be set");
        }
        Self::Tcp(stream)
    }
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    // Small frames go at once: events are made to arrive, not to fill packets.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(IDLE).with_interval(PROBES))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNANSWERED))?;
    Ok(())
}

/// Calls the same method of whatever stream it is.
macro_rules! delegate {
    ($transport:expr, $method:ident($($argument:expr),*)) => {
        match $transport.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Transport::Other(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_system_looks_whether_the_other_end_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stream, _) = tokio::join!(TcpStream::connect(address), listener.accept());
        let Transport::Tcp(stream) = Transport::from(stream.expect("connected")) else {
            panic!("a TCP connection")
        };
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().expect("an option"));
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().expect("an option"), Some(UNANSWERED));
    }
}
