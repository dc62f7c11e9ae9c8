//! `#[procedure]`: parse, model, check, expand.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::args::Args;
use crate::errors::Errors;
use crate::model::Procedure;
use crate::{check, expand, parse};

/// The trait and all that is made of it, with a `compile_error!` per mistake.
pub(crate) fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::read(args, &mut errors);
    let code = match parse::parse(&item, &mut errors) {
        Some(read) => {
            let mut procedure = Procedure::new(read, args, &mut errors);
            check::check(&mut procedure, &mut errors);
            expand::expand(&mut procedure)
        }
        None => item,
    };
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

/// The markers mean something to `#[procedure]` only, which takes them off.
pub(crate) fn misplaced(marker: &str, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.at_span(
        Span::call_site(),
        format!("`#[{marker}]` marks an event in a trait with `#[procedure]`"),
    );
    let errors = errors.into_tokens();
    quote!(#errors #item)
}
