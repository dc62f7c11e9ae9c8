//! SIGTERM and Ctrl-C.

use std::future::{Future, pending};
use std::io;

use tokio::signal;
use tokio::sync::watch;

/// Futures of the first and of the second SIGTERM or Ctrl-C. From the first poll of the first
/// future, neither signal ends the process, even after both futures are dropped: tokio never
/// removes its signal handlers.
pub(super) fn first_and_second_signal()
-> (impl Future<Output = ()> + Send + 'static, impl Future<Output = ()> + Send + 'static) {
    let (count, count_receiver) = watch::channel(0);
    let second = wait_for_count(count_receiver.clone(), 2);
    let first = async move {
        tokio::spawn(async move {
            let counting = async {
                let error = count_signals(&count).await.err();
                tracing::error!(
                    ?error,
                    "cannot receive SIGTERM and Ctrl-C: they do not shut the server down"
                );
            };
            tokio::select! {
                () = counting => {}
                () = count.closed() => {}
            }
        });
        wait_for_count(count_receiver, 1).await;
    };
    (first, second)
}

async fn wait_for_count(mut count: watch::Receiver<u32>, wanted: u32) {
    if count.wait_for(|count| *count >= wanted).await.is_err() {
        pending::<()>().await;
    }
}

#[cfg(unix)]
async fn count_signals(count: &watch::Sender<u32>) -> io::Result<()> {
    use signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        let received = tokio::select! {
            received = terminate.recv() => received,
            received = interrupt.recv() => received,
        };
        if received.is_none() {
            return Ok(());
        }
        count.send_modify(|count| *count += 1);
    }
}

#[cfg(not(unix))]
async fn count_signals(count: &watch::Sender<u32>) -> io::Result<()> {
    loop {
        signal::ctrl_c().await?;
        count.send_modify(|count| *count += 1);
    }
}
