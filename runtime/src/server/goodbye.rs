use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, timeout};

use crate::transport::Transport;

/// How long a client may take to read a refusal.
const GOODBYE: Duration = Duration::from_secs(2);

/// Writes the last words, then reads and forgets until the client has gone: else TCP would reset
/// the connection and the words might never be read.
pub(super) async fn say_goodbye(mut transport: Transport, words: &[u8]) {
    let goodbye = async {
        transport.write_all(words).await?;
        transport.shutdown().await?;
        let mut scratch = [0; 1024];
        while transport.read(&mut scratch).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // A client that stays or has gone is none of our business any more.
    let _ = timeout(GOODBYE, goodbye).await;
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refusal_is_given_up_after_its_bound_when_the_client_does_not_read_it_or_does_not_leave()
     {
        // Room for less than the words, and for all of them.
        for room in [1, 1024] {
            let (ours, _theirs) = tokio::io::duplex(room);
            let start = Instant::now();
            say_goodbye(Transport::Other(Box::new(ours)), b"words").await;
            assert_eq!(start.elapsed(), Duration::from_secs(2));
        }
    }
}
