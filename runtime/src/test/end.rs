use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Side;
use super::connection::{Connection, ReadState};

/// One end of an in-memory connection, for any WebSocket library. [`Line::dial`](super::Line::dial)
/// returns it.
///
/// When it is dropped, the other end reads the bytes in flight, then the end of file.
pub struct End {
    connection: Arc<Connection>,
    side: Side,
    read_timer: Option<Pin<Box<Sleep>>>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl End {
    pub(super) fn new(connection: &Arc<Connection>, side: Side) -> Self {
        Self { connection: Arc::clone(connection), side, read_timer: None, write_timer: None }
    }

    /// Ready when there is something to read: bytes, the end of file or an error.
    pub(super) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_read_state(cx, None).map(drop)
    }

    fn poll_read_state(
        &mut self,
        cx: &mut Context<'_>,
        mut buffer: Option<&mut ReadBuf<'_>>,
    ) -> Poll<io::Result<()>> {
        loop {
            let ready_at = match self.connection.poll_read(self.side, cx, buffer.as_deref_mut())? {
                ReadState::Ready => return Poll::Ready(Ok(())),
                ReadState::Pending => return Poll::Pending,
                ReadState::ReadyAt(time) => time,
            };
            ready!(poll_until(&mut self.read_timer, ready_at, cx));
        }
    }
}

fn poll_until(
    timer: &mut Option<Pin<Box<Sleep>>>,
    time: Instant,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(time)));
    if timer.deadline() != time {
        timer.as_mut().reset(time);
    }
    timer.as_mut().poll(cx)
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_read_state(cx, Some(buffer))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if let Poll::Ready(written) = self.connection.poll_write(self.side, cx, bytes) {
                return Poll::Ready(written);
            }
            let Some(time) = self.connection.writes_fail_at(self.side) else {
                return Poll::Pending;
            };
            ready!(poll_until(&mut self.write_timer, time, cx));
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.shut_down(self.side);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.connection.close(self.side);
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("side", &self.side).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::test::connection::Conditions;

    #[tokio::test(start_paused = true)]
    async fn pending_write_fails_after_delay_when_other_end_is_dropped() {
        let delay = Duration::from_secs(1);
        let conditions = Conditions { delay, buffer: 10, ..Conditions::default() };
        let connection = Arc::new(Connection::new(conditions));
        let [mut client, server] =
            [Side::Client, Side::Server].map(|side| End::new(&connection, side));
        assert_eq!(client.write(&[b'x'; 20]).await.expect("written"), 10);
        let start = Instant::now();
        let (written, ()) = tokio::join!(client.write(b"x"), async { drop(server) });
        assert_eq!(written.map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionReset));
        assert_eq!(start.elapsed(), delay);
    }
}
