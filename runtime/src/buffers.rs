//! Buffers that a thread keeps for its next use, so that hot paths do not allocate.
//!
//! Connections, sessions and emitters own no such buffer: they take one from the thread, and put it back
//! when they are done or before their task sleeps. A thread that ends drops its buffers first. Code that
//! runs after that, such as the drop of a user's thread-local value, gets new ones.

use std::cell::Cell;
use std::thread::LocalKey;

/// The length of [`READ_BUFFER`] in bytes.
pub(crate) const READ_BUFFER_SIZE: usize = 16 << 10;
/// The capacity up to which [`MESSAGE_BUFFER`] is kept, in bytes.
pub(crate) const MAX_KEPT_MESSAGE: usize = 64 << 10;
/// The capacity up to which [`FRAME_BUFFER`] is kept, in bytes.
pub(crate) const MAX_KEPT_FRAME: usize = 64 << 10;

thread_local! {
    /// Bytes as a connection receives them.
    pub(crate) static READ_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// A received message, unmasked.
    pub(crate) static MESSAGE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Pending frames that are written together. Always kept: a batch is 64 KiB and one frame at most.
    pub(crate) static WRITE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// A frame while it is encoded.
    pub(crate) static FRAME_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes the buffer with its last content. Code that takes it again before [`put`] gets a new one.
pub(crate) fn take<T: Default>(buffer: &'static LocalKey<Cell<T>>) -> T {
    buffer.try_with(Cell::take).unwrap_or_default()
}

/// Keeps the buffer for the next [`take`].
pub(crate) fn put<T>(buffer: &'static LocalKey<Cell<T>>, memory: T) {
    let _ = buffer.try_with(|cell| cell.set(memory));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        static LAST: RefCell<Option<UsesBuffer>> = const { RefCell::new(None) };
    }

    struct UsesBuffer;

    impl Drop for UsesBuffer {
        fn drop(&mut self) {
            assert!(take(&BUFFER).is_empty());
            put(&BUFFER, vec![1]);
        }
    }

    #[test]
    fn buffer_is_kept_until_the_thread_ends() {
        std::thread::spawn(|| {
            // Registered first, so it is dropped last.
            LAST.with_borrow_mut(|last| *last = Some(UsesBuffer));
            put(&BUFFER, vec![1, 2]);
            assert_eq!((take(&BUFFER), take(&BUFFER)), (vec![1, 2], vec![]));
            put(&BUFFER, vec![1, 2]);
        })
        .join()
        .expect("no panic");
    }
}
