//! Locks and atomics of the standard library, or those of `loom` under `--cfg parlor_model`.

#[cfg(not(parlor_model))]
mod primitives {
    #[cfg(feature = "server")]
    pub(crate) use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};
    #[cfg(debug_assertions)]
    pub(crate) use std::thread_local;
}

#[cfg(parlor_model)]
mod primitives {
    #[cfg(feature = "server")]
    pub(crate) use loom::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    #[cfg(debug_assertions)]
    pub(crate) use loom::thread_local;
}

pub(crate) use primitives::*;
