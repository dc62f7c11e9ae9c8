//! The trait that sessions implement, and the enum of incoming events.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ReturnType;

use super::attributes::{cfg, cfg_and_lints};
use super::decode::decode_function;
use super::names::Names;
use crate::model::{Answer, Event, Field, Method, Procedure};
use crate::tokens::{first_and_last_span, local, unreported};

pub(super) fn session_trait(procedure: &Procedure, names: &Names) -> TokenStream {
    let Procedure { attrs, vis, ident, supertraits, other_methods, other_items, .. } = procedure;
    let handlers = procedure.incoming().filter_map(|event| event.method.as_ref());
    let methods = handlers.chain(other_methods).map(method);
    let supertraits = supertraits.iter();
    // At the trait's name, so that rustc reports errors there rather than at `#[procedure]`.
    let krate = names.krate_at(ident.span());
    let defaults = quote_spanned! {ident.span()=>
        /// Runs once, after the last event, when the session ends. The session is still in its rooms.
        ///
        /// By default it does nothing.
        #[inline]
        fn disconnected(
            &mut self,
            reason: #krate::DisconnectReason,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            ::core::mem::drop(reason);
            ::core::future::ready(())
        }
        /// Runs each time the connection of this session is lost and the session is kept for its client:
        /// after the messages that were read, and before `resumed` and `disconnected`. It does not run
        /// when the session ends with its connection, nor when its client has resumed it over a new
        /// connection before the server noticed the loss. What it emits to its own client is sent when
        /// the client is back. A panic ends the session.
        ///
        /// By default it does nothing.
        #[inline]
        fn detached(
            &mut self,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            ::core::future::ready(())
        }
        /// Runs when the client resumes this session over a new connection, before anything is sent
        /// to it. `Err` rejects the connection: the session stays as it was, and the connection is
        /// closed with the code of the `Reject`. A panic ends the session.
        ///
        /// By default it accepts the connection.
        #[inline]
        fn resumed(
            &mut self,
            request: #krate::Request,
        ) -> impl ::core::future::Future<Output = ::core::result::Result<(), #krate::Reject>>
        + ::core::marker::Send {
            ::core::mem::drop(request);
            ::core::future::ready(::core::result::Result::Ok(()))
        }
    };
    let session_trait = quote_spanned! {ident.span()=>
        trait #ident: ::core::marker::Sized + ::core::marker::Send #(+ #supertraits)* {
            #(#methods)*
            #(#other_items)*
            #defaults
        }
    };
    quote!(#(#attrs)* #vis #session_trait)
}

/// An impl that names all methods of the trait: without it, they are dead code where no server uses them. To
/// rustc, an impl of a trait of another crate is used, whichever trait that is.
pub(super) fn use_of_trait(procedure: &Procedure) -> TokenStream {
    let contract = unreported(&procedure.ident);
    let handlers = procedure.incoming().map(|event| {
        let (cfg, handler) = (cfg(event), unreported(&event.ident));
        quote!(#cfg let _ = <__Session as #contract>::#handler;)
    });
    quote! {
        const _: () = {
            struct __Used;
            impl<__Session: #contract> ::core::cmp::PartialEq<__Session> for __Used {
                fn eq(&self, _: &__Session) -> ::core::primitive::bool {
                    #(#handlers)*
                    let _ = <__Session as #contract>::disconnected;
                    let _ = <__Session as #contract>::detached;
                    let _ = <__Session as #contract>::resumed;
                    false
                }
            }
            let _ = __Used;
        };
    }
}

/// A method of the trait. `async fn` becomes a function that returns a future, because a trait cannot
/// require that the future of an `async fn` is `Send`.
fn method(method: &Method) -> TokenStream {
    let Method { attrs, sig, body, returns_future } = method;
    let mut sig = sig.clone();
    let mut body = body.clone();
    if *returns_future {
        let output = match &sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => quote!(#ty),
        };
        sig.asyncness = None;
        sig.constness = None;
        sig.abi = None;
        sig.safety = syn::Safety::Default;
        // At the user's tokens, so that rustc reports errors there rather than at `#[procedure]`.
        sig.output = syn::parse_quote_spanned! {sig.fn_token.span=>
            -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
        };
        body = body.map(|body| quote!({ async move #body }));
    }
    let semicolon = body.is_none().then(|| quote_spanned!(sig.ident.span()=> ;));
    // What remains of the function makes a future.
    let has_inline = attrs.iter().any(|attr| attr.path().is_ident("inline"));
    let inline = (*returns_future && body.is_some() && !has_inline).then(|| quote!(#[inline]));
    quote!(#(#attrs)* #inline #sig #body #semicolon)
}

/// The enum of incoming events, and its decoder.
pub(super) fn incoming_events(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { private, incoming, .. } = names;
    let vis = &procedure.vis;
    let variants = procedure.incoming().map(|event| {
        let variant = unreported(&event.variant);
        let attrs = cfg_and_lints(event);
        let fields = event.payload.fields();
        let types = fields.iter().map(|field| &field.ty);
        let locals = fields.iter().map(Field::local);
        if fields.is_empty() {
            quote!(#attrs #variant)
        } else {
            quote!(#attrs #variant { #(#locals: #types),* })
        }
    });
    let decode = decode_function(procedure.incoming(), names);
    quote! {
        /// An incoming event with its arguments.
        #vis enum #incoming {
            #(#variants,)*
        }
        impl #private::Events for #incoming {
            #decode
        }
    }
}

/// The assertions about return types.
pub(super) fn assertions(procedure: &Procedure, names: &Names) -> TokenStream {
    procedure.incoming().filter_map(|event| assert_no_result_alias(event, names)).collect()
}

/// Asserts at compile time that a return type is no alias of `Result`. Its value would be sent as one
/// answer, so clients would not get its error as an error.
fn assert_no_result_alias(event: &Event, names: &Names) -> Option<TokenStream> {
    let private = &names.private;
    let Answer::Value(ty) = &event.answer else { return None };
    // A type of std by its usual name is no alias.
    names.payload_item(ty, "This")?;
    let attrs = cfg_and_lints(event);
    let name = quote!(#ty).to_string().replace(' ', "");
    let message = format!(
        "`{name}` is an alias of a `Result`: write `-> Result<T, E>`, so that clients get the typed error"
    );
    let (first, last) = first_and_last_span(ty);
    let assert = quote_spanned!(first=> ::core::assert!);
    let is_result = local("is_result");
    let condition = quote_spanned!(last=> (!#is_result, #message));
    Some(quote! {
        #attrs
        const _: () = {
            use #private::NotResult as _;
            let #is_result = #private::ReturnType::<#ty>::IS_RESULT;
            #assert #condition
        };
    })
}
