//! `#[procedure]`: parses the trait, builds the model, checks it, and expands it.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::errors::Errors;
use crate::model::Procedure;
use crate::procedure_options::ProcedureOptions;
use crate::{conditional, expand, name_collisions, parse};

/// Returns the trait and the code generated from it, with a `compile_error!` per error.
pub(crate) fn procedure(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = ProcedureOptions::read(tokens.clone(), &mut errors);
    let krate = &options.krate;
    if let Some(calls) = conditional::split(&item, &quote!(#[#krate::procedure(#tokens)])) {
        return calls;
    }
    let code = match parse::parse(&item, &mut errors) {
        Some(read) => {
            let mut procedure = Procedure::new(read, options, &mut errors);
            name_collisions::check(&mut procedure, &mut errors);
            expand::expand(&procedure.without_invalid_events())
        }
        None => item,
    };
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

/// Reports a marker outside of a `#[procedure]` trait. `#[procedure]` removes those inside.
pub(crate) fn misplaced(marker: &str, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.at_span(
        Span::call_site(),
        format!("`#[{marker}]` marks an event: use it inside a trait with `#[procedure]`"),
    );
    let errors = errors.into_tokens();
    quote!(#errors #item)
}
