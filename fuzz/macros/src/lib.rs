//! The macros of Parlor as functions, for the fuzz target.

#![allow(dead_code, reason = "used by the proc-macro crate only")]

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));

/// Expands `#[procedure(options)] item`.
pub fn expand_procedure(
    options: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    procedure::procedure(options, item)
}

/// Expands `#[payload(options)] item`.
pub fn expand_payload(
    options: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    payload::payload(options, item)
}
