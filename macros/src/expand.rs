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
use names::Names;

/// Generates all code for a procedure whose events are valid.
pub(crate) fn expand(procedure: &Procedure) -> TokenStream {
    let names = Names::new(procedure);
    let lints = procedure.lints();
    let types = [
        contract::session_trait(procedure, &names),
        names.with_server(&server::types(procedure, &names)),
        names.with_client(&client::types(procedure, &names)),
    ];
    let incoming_events = contract::incoming_events(procedure, &names);
    let server_impls = server::impls(procedure, &names);
    let impls = [
        contract::assertions(procedure, &names),
        validation::functions(procedure, &names),
        names.with_server(&quote!(#incoming_events #server_impls)),
        names.with_client(&client::impls(procedure, &names)),
        names.without_server(&contract::use_of_trait(procedure)),
    ];
    quote! {
        #(#types)*
        #lints
        const _: () = {
            #(#impls)*
        };
    }
}
