use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, timeout};

use crate::transport::Transport;

/// Timeout for a client to read the response and close.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Writes `bytes`, shuts the write half down, then reads until the client closes. If it closed with
/// bytes unread, TCP would reset the connection, and `bytes` could be lost.
pub(super) async fn write_and_close(mut transport: Transport, bytes: &[u8]) {
    let close = async {
        transport.write_all(bytes).await?;
        transport.shutdown().await?;
        let mut scratch = [0; 1024];
        while transport.read(&mut scratch).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // The connection is dropped in any case.
    let _ = timeout(RESPONSE_TIMEOUT, close).await;
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connection_is_dropped_after_2_s_when_client_does_not_read_or_does_not_close() {
        // The response fits only into the second.
        for capacity in [1, 1024] {
            let (server, _client) = tokio::io::duplex(capacity);
            let start = Instant::now();
            write_and_close(Transport::Other(Box::new(server)), b"response").await;
            assert_eq!(start.elapsed(), Duration::from_secs(2));
        }
    }
}
