//! Nothing generated is reported, whatever the lints of the user's crate.

// All lints that rustc allows by default, except the unstable ones, and except `unused_crate_dependencies`:
// `tests/edition-2021` has binaries with other dependencies.
#![deny(
    warnings,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    absolute_paths_not_starting_with_crate,
    ambiguous_negative_literals,
    closure_returning_async_block,
    deprecated_in_future,
    deprecated_safe_2024,
    deref_into_dyn_supertrait,
    edition_2024_expr_fragment_specifier,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    ffi_unwind_calls,
    if_let_rescope,
    impl_trait_overcaptures,
    impl_trait_redundant_captures,
    keyword_idents_2018,
    keyword_idents_2024,
    let_underscore_drop,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_unsafe_on_extern,
    non_ascii_idents,
    redundant_imports,
    redundant_lifetimes,
    rust_2021_incompatible_closure_captures,
    rust_2021_incompatible_or_patterns,
    rust_2021_prefixes_incompatible_syntax,
    rust_2021_prelude_collisions,
    rust_2024_guarded_string_incompatible_syntax,
    rust_2024_incompatible_pat,
    rust_2024_prelude_collisions,
    single_use_lifetimes,
    tail_expr_drop_order,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_attr_outside_unsafe,
    unsafe_op_in_unsafe_fn,
    unstable_features,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(clippy::all, clippy::cargo, clippy::nursery, clippy::pedantic, clippy::restriction)]
// An `#[allow(..)]` of one of these is an error.
#![forbid(
    dead_code,
    deprecated,
    missing_docs,
    private_bounds,
    private_interfaces,
    unreachable_code,
    unreachable_patterns,
    unsafe_code,
    unused_imports,
    unused_must_use,
    unused_mut,
    unused_variables,
    clippy::cast_lossless,
    clippy::cast_precision_loss,
    clippy::pedantic,
    clippy::used_underscore_binding
)]
// The order of items is not checked: generated enums have the order of the user's events.
#![allow(
    clippy::arbitrary_source_item_ordering,
    clippy::blanket_clippy_restriction_lints,
    clippy::cargo,
    clippy::duplicate_mod,
    clippy::exhaustive_structs,
    clippy::implicit_return,
    clippy::pub_with_shorthand,
    reason = "they report what the user writes; the first one generated enums too"
)]

pub mod contract;
// Not of the restrictions: generated code has `impl AsRef<str>`, which needs an `#[allow(..)]` of one. Nor
// for payloads: serde's derives have an `#[allow(..)]` of some of `unused`.
#[forbid(let_underscore, nonstandard_style, unused, clippy::all, clippy::nursery)]
#[path = "contract.rs"]
pub mod contract_with_forbidden_groups;
pub mod rules;
pub mod types;
