use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// The wait after an error that lasts.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The shortest time between two log lines about such errors.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Accepts connections, also after errors of the system.
pub(super) struct Acceptor<'a> {
    listener: &'a TcpListener,
    errors: AcceptErrors,
}

#[derive(Default)]
struct AcceptErrors {
    logged_at: Option<Instant>,
}

impl<'a> Acceptor<'a> {
    pub(super) fn new(listener: &'a TcpListener) -> Self {
        Self { listener, errors: AcceptErrors::default() }
    }

    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => self.errors.wait_after(&error).await,
            }
        }
    }
}

impl AcceptErrors {
    /// Returns at once if only the accepted connection failed. Other errors last, as when the process
    /// has no file descriptors left. Then connections wait in the queue of the listener.
    async fn wait_after(&mut self, error: &io::Error) {
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

    fn log(&mut self, error: &io::Error) {
        if self.logged_at.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            self.logged_at = Some(Instant::now());
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
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn accept_continues_after_delay_when_system_returns_error() {
        for (error, seconds) in [(io::ErrorKind::ConnectionAborted, 0), (io::ErrorKind::Other, 1)] {
            let start = Instant::now();
            AcceptErrors::default().wait_after(&error.into()).await;
            assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_logged_once_a_minute() {
        let mut errors = AcceptErrors::default();
        let mut logged = Vec::new();
        for second in 0..130 {
            errors.wait_after(&io::ErrorKind::Other.into()).await;
            // Another error in between does not count.
            errors.wait_after(&io::ErrorKind::ConnectionReset.into()).await;
            if errors.logged_at.is_some_and(|at| at.elapsed() == RETRY_DELAY) {
                logged.push(second);
            }
        }
        assert_eq!(logged, [0, 60, 120]);
    }
}
