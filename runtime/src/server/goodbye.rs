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
