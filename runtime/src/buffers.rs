//! Memory that a thread keeps for its next use.
//!
//! A thread that ends drops it first. What still runs there then, such as the drop of a user's
//! thread-local value, gets new memory.

use std::cell::Cell;
use std::thread::LocalKey;

/// Takes the memory out, so that code which is called meanwhile may use the same function.
pub(crate) fn take<T: Default>(spare: &'static LocalKey<Cell<T>>) -> T {
    spare.try_with(Cell::take).unwrap_or_default()
}

/// Keeps the memory.
pub(crate) fn put<T>(spare: &'static LocalKey<Cell<T>>, memory: T) {
    let _ = spare.try_with(|cell| cell.set(memory));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        static LAST: RefCell<Option<UsesSpare>> = const { RefCell::new(None) };
    }

    struct UsesSpare;

    impl Drop for UsesSpare {
        fn drop(&mut self) {
            assert!(take(&SPARE).is_empty());
            put(&SPARE, vec![1]);
        }
    }

    #[test]
    fn memory_is_kept_until_the_thread_ends_and_new_then() {
        std::thread::spawn(|| {
            // Registered first, so it is dropped last.
            LAST.with_borrow_mut(|last| *last = Some(UsesSpare));
            put(&SPARE, vec![1, 2]);
            assert_eq!((take(&SPARE), take(&SPARE)), (vec![1, 2], vec![]));
            put(&SPARE, vec![1, 2]);
        })
        .join()
        .expect("no panic");
    }
}
