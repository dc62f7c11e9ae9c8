//! What users see: every wrong use of `#[procedure]` and the message it gets (`fail/`), and uses
//! that must go on to compile without a warning (`pass/`).
//!
//! A new case is a numbered file; `TRYBUILD=overwrite cargo test -p parlor-ui-tests` writes what
//! the compiler says beside it. Read that: it should be one message, at the user's token, with the
//! way out.
//!
//! The messages are those of one rustc, which `tests/ui.rs` names: with another, the wrong uses are
//! skipped unless `PARLOR_TEST_ALL=1` is set.

/// The examples in the docs of the macros.
#[cfg(doctest)]
#[doc = include_str!("../../macros/docs/delivery.md")]
#[doc = include_str!("../../macros/docs/sessions.md")]
pub struct Examples;
