//! The macros of Parlor as functions, for the fuzz target.

#![allow(dead_code, reason = "what only the macros themselves use")]

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));

/// `#[procedure(args)] item`
pub fn expand_procedure(
    args: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    procedure::procedure(args, item)
}

/// `#[payload(args)] item`
pub fn expand_payload(
    args: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    payload::payload(args, item)
}
