//! From the model to code.

mod checks;
mod client;
mod contract;
mod decode;
mod names;
mod server;
mod stub;
mod typescript;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::Procedure;
use names::Names;
pub(crate) use names::{ends, is_plain};

/// Everything that is made of the trait.
///
/// The trait has all that the user wrote, so that impls of it find what they implement; the rest is
/// made of sound events only.
pub(crate) fn expand(procedure: &mut Procedure) -> TokenStream {
    let names = Names::new(procedure);
    let contract = contract::contract(procedure, &names);
    procedure.incoming.retain(|event| event.sound);
    procedure.outgoing.retain(|event| event.sound);
    let lints: Vec<_> = procedure.lints().collect();
    let allowed = allowed();
    let types = [server::types(procedure, &names), client::types(procedure, &names)];
    let impls = [
        contract::impls(procedure, &names),
        checks::checks(procedure, &names),
        server::impls(procedure, &names),
        client::impls(procedure, &names),
    ];
    quote! {
        #contract
        #(#types)*
        #(#lints)*
        #allowed
        const _: () = {
            #(#impls)*
        };
    }
}

/// Lints that do not suit what is generated, or have said it of the trait already.
fn allowed() -> TokenStream {
    quote! {
        #[allow(
            deprecated,
            dead_code,
            private_interfaces,
            clippy::cast_lossless,
            clippy::cast_precision_loss,
            clippy::too_many_arguments,
            clippy::used_underscore_binding
        )]
    }
}
