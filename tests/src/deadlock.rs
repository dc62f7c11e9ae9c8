use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use super::TEST_TIMEOUT;

/// Runs `test` on another thread, so that a deadlock fails the test.
pub fn without_deadlock(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    let ended = ended.recv_timeout(TEST_TIMEOUT * 2);
    assert_ne!(ended, Err(RecvTimeoutError::Timeout), "a deadlock");
    thread.join().expect("no panic");
}

/// Runs `test` on another thread with a runtime of its own, so that a deadlock fails the test.
pub fn without_deadlock_async(test: impl AsyncFnOnce() + Send + 'static) {
    without_deadlock(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test());
    });
}
