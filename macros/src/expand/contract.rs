//! The trait itself, and the events of each direction as an enum.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ReturnType};

use super::names::{Names, ends, local};
use super::{allowed, decode};
use crate::model::{Answer, Direction, Event, Method, Payload, Procedure, is_lint};

/// The trait that sessions implement.
pub(super) fn contract(procedure: &Procedure, names: &Names) -> TokenStream {
    let Procedure { attrs, vis, ident, supertraits, unmarked, others, .. } = procedure;
    let handlers = procedure.incoming.iter().filter_map(|event| event.method.as_ref());
    let methods = handlers.chain(unmarked).map(method);
    let supertraits = supertraits.iter();
    // At the trait's name, so that rustc points there rather than at `#[procedure]`.
    let krate = names.krate_at(ident.span());
    let defaults = quote_spanned! {ident.span()=>
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
        /// Runs when the client comes back to this session over a new connection, before it hears
        /// anything. `Err` refuses the return: the session stays as it was, and its client is closed
        /// with the code of the `Reject`; a panic ends it.
        ///
        /// Accepts by default.
        fn resumed(
            &mut self,
            request: #krate::Request,
        ) -> impl ::core::future::Future<Output = ::core::result::Result<(), #krate::Reject>>
        + ::core::marker::Send {
            let _ = request;
            ::core::future::ready(::core::result::Result::Ok(()))
        }
    };
    let contract = quote_spanned! {ident.span()=>
        trait #ident: ::core::marker::Sized + ::core::marker::Send #(+ #supertraits)* {
            #(#methods)*
            #(#others)*
            #defaults
        }
    };
    quote!(#(#attrs)* #vis #contract)
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
        // At the user's tokens, so that rustc points at the event rather than at `#[procedure]`.
        sig.output = syn::parse_quote_spanned! {sig.fn_token.span=>
            -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
        };
        body = body.map(|body| quote!({ async move #body }));
    }
    let end = body.is_none().then(|| quote_spanned!(sig.ident.span()=> ;));
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
    let answers = procedure.incoming.iter().filter_map(|event| hidden_result(event, names));
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
fn hidden_result(event: &Event, names: &Names) -> Option<TokenStream> {
    let private = &names.private;
    let Answer::Value(ty) = &event.answer else { return None };
    // A type that is known by its name hides nothing.
    names.project(ty, "This")?;
    let cfg = cfg(event);
    let name = quote!(#ty).to_string().replace(' ', "");
    let message = format!(
        "`{name}` is an alias of a `Result`: write `-> Result<T, E>`, so that clients get the error typed"
    );
    let (first, last) = ends(ty);
    let assert = quote_spanned!(first=> ::core::assert!);
    let is_result = local("is_result");
    let condition = quote_spanned!(last=> (!#is_result, #message));
    Some(quote! {
        #(#cfg)*
        const _: () = {
            #[allow(unused_imports)]
            use #private::NotResult as _;
            let #is_result = #private::Probe::<#ty>::IS_RESULT;
            #assert #condition
        };
    })
}

pub(super) fn cfg(event: &Event) -> impl Iterator<Item = &Attribute> {
    event.attrs.iter().filter(|attr| attr.path().is_ident("cfg"))
}

/// What stands before code about an event: its `cfg`, and its lints, which undo nothing of [`allowed`].
pub(super) fn guards(event: &Event) -> TokenStream {
    let cfg = cfg(event);
    let lints = event.attrs.iter().filter(|attr| is_lint(attr));
    let allowed = event.has_lints().then(allowed);
    quote!(#(#cfg)* #(#lints)* #allowed)
}
