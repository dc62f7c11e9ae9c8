//! Generates code from the model.

mod attributes;
mod client;
mod contract;
mod decode;
mod handle;
mod names;
mod server;
mod stub;
mod typescript;
mod validation;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::Procedure;
use attributes::allow_generated;
use names::Names;

/// Generates all code for a procedure whose events are valid.
pub(crate) fn expand(procedure: &Procedure) -> TokenStream {
    let names = Names::new(procedure);
    let lints = procedure.lints();
    let allow = allow_generated();
    let types = [
        contract::session_trait(procedure, &names),
        server::types(procedure, &names),
        client::types(procedure, &names),
    ];
    let impls = [
        contract::incoming_events(procedure, &names),
        validation::functions(procedure, &names),
        server::impls(procedure, &names),
        client::impls(procedure, &names),
    ];
    quote! {
        #(#types)*
        #lints
        #allow
        const _: () = {
            #(#impls)*
        };
    }
}
