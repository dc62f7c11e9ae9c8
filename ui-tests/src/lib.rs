//! Compiles wrong uses of the macros and compares the compiler's messages (`fail/`), and compiles right
//! uses, which must not cause a warning (`pass/`).
//!
//! A new case is a numbered file. `TRYBUILD=overwrite cargo test -p parlor-ui-tests` writes the
//! compiler's output next to it. Read that output: it should be one message, at the user's token, with
//! the fix.
//!
//! The messages are those of one version of rustc, which `tests/ui.rs` names. With another version, the
//! wrong uses are skipped unless `PARLOR_TEST_ALL=1` is set.

/// The examples in the docs of the macros.
#[cfg(doctest)]
#[doc = include_str!("../../macros/docs/delivery.md")]
#[doc = include_str!("../../macros/docs/sessions.md")]
pub struct Examples;
