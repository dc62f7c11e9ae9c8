//! The trait itself, and the events of each direction as an enum.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ReturnType};

use super::decode;
use super::names::{Names, ends};
use crate::model::{Answer, Direction, Event, Method, Payload, Procedure};

/// The trait that sessions implement.
pub(super) fn contract(procedure: &Procedure, names: &Names) -> TokenStream {
    let Procedure { attrs, vis, ident, supertraits, unmarked, others, .. } = procedure;
    let handlers = procedure.incoming.iter().filter_map(|event| event.method.as_ref());
    let methods = handlers.chain(unmarked).map(method);
    let supertraits = supertraits.iter();
    let krate = &names.krate;
    quote! {
        #(#attrs)*
        #vis trait #ident: ::core::marker::Sized + ::core::marker::Send + 'static #(+ #supertraits)* {
            #(#methods)*
            #(#others)*
            /// Called once, after the last event, when the session ends. It is still in its rooms.
            ///
            /// Does nothing by default.
            fn disconnected(
                &mut self,
                reason: #krate::DisconnectReason,
            ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
                let _ = reason;
                ::core::future::ready(())
            }
        }
    }
}

/// A handler as rustc sees it: `async fn` in a trait could not promise that its future is `Send`.
fn method(method: &Method) -> TokenStream {
    let Method { attrs, sig, body, future } = method;
    let mut sig = sig.clone();
    let mut body = body.clone();
    if *future {
        let output = match &sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => quote!(#ty),
        };
        sig.asyncness = None;
        sig.constness = None;
        sig.abi = None;
        sig.safety = syn::Safety::Default;
        sig.output = syn::parse_quote! {
            -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
        };
        body = body.map(|body| quote!({ async move #body }));
    }
    let end = if body.is_none() { quote!(;) } else { TokenStream::new() };
    quote!(#(#attrs)* #sig #body #end)
}

/// The incoming events as an enum, and what no type can say.
pub(super) fn impls(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { private, incoming, .. } = names;
    let vis = &procedure.vis;
    let variants = procedure.incoming.iter().map(|event| {
        let variant = &event.variant;
        let cfg = cfg(event);
        let types = event.payload.fields().iter().map(|field| &field.ty);
        match &event.payload {
            Payload::Fields(fields) if fields.is_empty() => quote!(#(#cfg)* #variant),
            _ => quote!(#(#cfg)* #variant(#(#types),*)),
        }
    });
    let decode = decode::events(&procedure.incoming, Direction::Incoming, names);
    let answers = procedure.incoming.iter().filter_map(hidden_result(private));
    quote! {
        /// An incoming event with its arguments.
        #vis enum #incoming {
            #(#variants,)*
        }
        impl #private::Events for #incoming {
            #decode
        }
        #(#answers)*
    }
}

/// Refuses an alias of `Result`: as a plain value, its error would not be the client's error.
fn hidden_result(private: &TokenStream) -> impl Fn(&Event) -> Option<TokenStream> {
    move |event| {
        let Answer::Value(ty) = &event.answer else {
            return None;
        };
        let cfg = cfg(event);
        let name = quote!(#ty).to_string().replace(' ', "");
        let message = format!(
            "`{name}` is an alias of a `Result`: write `-> Result<T, E>`, so that clients get the error typed"
        );
        let (first, last) = ends(ty);
        let assert = quote_spanned!(first=> ::core::assert!);
        let condition = quote_spanned!(last=> (!is_result, #message));
        Some(quote! {
            #(#cfg)*
            const _: () = {
                #[allow(unused_imports)]
                use #private::NotResult as _;
                let is_result = #private::Probe::<#ty>::IS_RESULT;
                #assert #condition
            };
        })
    }
}

pub(super) fn cfg(event: &Event) -> impl Iterator<Item = &Attribute> {
    event.attrs.iter().filter(|attr| attr.path().is_ident("cfg"))
}
