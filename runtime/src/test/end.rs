use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Side;
use super::cable::{Cable, Found};

/// One end of a connection in memory, for a WebSocket library of the test's choice; comes from
/// [`Line::dial`](super::Line::dial).
///
/// When it is dropped, the other end reads what is under way, then its end.
pub struct End {
    cable: Arc<Cable>,
    side: Side,
    /// When the next bytes arrive.
    arrival: Option<Pin<Box<Sleep>>>,
    /// When writing hears that nobody reads any more.
    refusal: Option<Pin<Box<Sleep>>>,
}

impl End {
    pub(super) fn new(cable: &Arc<Cable>, side: Side) -> Self {
        Self { cable: Arc::clone(cable), side, arrival: None, refusal: None }
    }

    /// Ready when there is something to read: bytes, their end, or an error.
    pub(super) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_found(cx, None).map(drop)
    }

    fn poll_found(
        &mut self,
        cx: &mut Context<'_>,
        mut buffer: Option<&mut ReadBuf<'_>>,
    ) -> Poll<io::Result<()>> {
        loop {
            let arrives = match self.cable.poll_read(self.side, cx, buffer.as_deref_mut())? {
                Found::Something => return Poll::Ready(Ok(())),
                Found::Nothing => return Poll::Pending,
                Found::NotBefore(arrives) => arrives,
            };
            ready!(poll_until(&mut self.arrival, arrives, cx));
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
        self.poll_found(cx, Some(buffer))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if let Poll::Ready(written) = self.cable.poll_write(self.side, cx, bytes) {
                return Poll::Ready(written);
            }
            let Some(time) = self.cable.will_refuse(self.side) else { return Poll::Pending };
            ready!(poll_until(&mut self.refusal, time, cx));
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cable.shut(self.side);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.cable.leave(self.side);
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
    use crate::test::cable::Conditions;

    #[tokio::test(start_paused = true)]
    async fn who_waits_to_write_hears_that_nobody_reads_any_more() {
        let delay = Duration::from_secs(1);
        let cable = Arc::new(Cable::new(Conditions { delay, buffer: 10, ..Conditions::default() }));
        let [mut client, server] = [Side::Client, Side::Server].map(|side| End::new(&cable, side));
        assert_eq!(client.write(&[b'x'; 20]).await.expect("room"), 10);
        let start = Instant::now();
        let (written, ()) = tokio::join!(client.write(b"x"), async { drop(server) });
        assert_eq!(written.map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionReset));
        assert_eq!(start.elapsed(), delay);
    }
}
