//! A mutex that cannot be poisoned.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held for a few instructions at a time, never over an `await` or a call of user code.
///
/// What it guards is whole between any two statements, so a panic elsewhere leaves nothing half-done.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
