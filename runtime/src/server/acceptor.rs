use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::log_limit::LogLimit;

/// The wait after an error that lasts.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Accepts connections, also after errors of the system.
pub(super) struct Acceptor<'a> {
    listener: &'a TcpListener,
    errors: AcceptErrors,
}

#[derive(Default)]
struct AcceptErrors {
    logged: LogLimit,
}

impl<'a> Acceptor<'a> {
    pub(super) fn new(listener: &'a TcpListener) -> Self {
        Self { listener, errors: AcceptErrors::default() }
    }

    pub(super) async fn accept(&self) -> (TcpStream, SocketAddr) {
        let listener = self.listener;
        self.errors.retry(|| listener.accept()).await
    }
}

impl AcceptErrors {
    /// Calls `accept` until it succeeds.
    async fn retry<T, F: Future<Output = io::Result<T>>>(
        &self,
        mut accept: impl FnMut() -> F,
    ) -> T {
        loop {
            match accept().await {
                Ok(accepted) => return accepted,
                Err(error) => self.wait_after(&error).await,
            }
        }
    }

    /// Returns at once if only the accepted connection failed. Other errors last, as when the process
    /// has no file descriptors left. Then connections wait in the queue of the listener.
    async fn wait_after(&self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset => {}
            _ => {
                self.log(error);
                sleep(RETRY_DELAY).await;
            }
        }
    }

    fn log(&self, error: &io::Error) {
        if self.logged.allow("accept") {
            tracing::error!(
                %error,
                "cannot accept connections: retrying each second; if the process has no file \
                 descriptors left, raise its limit (`ulimit -n`, `LimitNOFILE=`)"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;

    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn accept_continues_after_delay_when_system_returns_error() {
        for (error, seconds) in [(io::ErrorKind::ConnectionAborted, 0), (io::ErrorKind::Other, 1)] {
            let start = Instant::now();
            AcceptErrors::default().wait_after(&error.into()).await;
            assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        }
    }

    /// Without descriptors a loop without delay would use a whole core.
    #[tokio::test(start_paused = true)]
    async fn accept_is_tried_once_a_second_while_system_returns_error() {
        let attempts = Cell::new(0);
        let errors = AcceptErrors::default();
        let accepted = errors.retry(|| {
            attempts.set(attempts.get() + 1);
            let last: io::Result<()> =
                if attempts.get() == 200 { Ok(()) } else { Err(io::ErrorKind::Other.into()) };
            std::future::ready(last)
        });
        let mut accepted = pin!(accepted);
        let waited = timeout(Duration::from_millis(99_500), &mut accepted).await;
        assert!(waited.is_err());
        assert_eq!(attempts.get(), 100);
        // It recovers.
        accepted.await;
        assert_eq!(attempts.get(), 200);
    }
}
