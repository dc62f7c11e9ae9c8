//! The signals by which people and service managers end a process.

use std::future::{Future, pending};
use std::io;

use tokio::signal;
use tokio::sync::watch;

/// Ready at the first and at the second SIGTERM or Ctrl-C. From when the first is polled the process
/// does not end by itself at either, even when nobody listens any more: tokio keeps its handlers.
pub(super) fn signals()
-> (impl Future<Output = ()> + Send + 'static, impl Future<Output = ()> + Send + 'static) {
    let (count, counted) = watch::channel(0);
    let second = reaches(counted.clone(), 2);
    let first = async move {
        tokio::spawn(async move {
            let listen = async {
                let error = listen(&count).await.err();
                tracing::error!(?error, "signals cannot be listened for");
            };
            tokio::select! {
                () = listen => {}
                () = count.closed() => {}
            }
        });
        reaches(counted, 1).await;
    };
    (first, second)
}

async fn reaches(mut counted: watch::Receiver<u32>, wanted: u32) {
    if counted.wait_for(|count| *count >= wanted).await.is_err() {
        pending::<()>().await;
    }
}

/// Counts signals for as long as there are any.
#[cfg(unix)]
async fn listen(count: &watch::Sender<u32>) -> io::Result<()> {
    use signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        let signalled = tokio::select! {
            signalled = terminate.recv() => signalled,
            signalled = interrupt.recv() => signalled,
        };
        if signalled.is_none() {
            return Ok(());
        }
        count.send_modify(|count| *count += 1);
    }
}

/// Counts signals for as long as there are any.
#[cfg(not(unix))]
async fn listen(count: &watch::Sender<u32>) -> io::Result<()> {
    loop {
        signal::ctrl_c().await?;
        count.send_modify(|count| *count += 1);
    }
}
