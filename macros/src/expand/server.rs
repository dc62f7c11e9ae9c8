//! The server: its types, the methods of the emitter, and the calls of the handlers.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::attributes::{cfg, cfg_and_lints};
use super::decode::variant_fields;
use super::handle::{handle_impls, handle_struct};
use super::names::Names;
use super::stub::{Stub, latest_key, use_of_method};
use super::typescript;
use crate::digest;
use crate::model::{Answer, DeliveryPolicy, Event, Field, Procedure};
use crate::tokens::{local, unreported};

pub(super) fn types(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, server, socket, io, emitter, .. } = names;
    let vis = &procedure.vis;
    let contract = &procedure.ident;
    let server_doc =
        format!(" Serves [`{contract}`]. Made from a function that makes the session of a socket.");
    let socket_doc = format!(" The server's handle to one session of [`{contract}`].");
    let io_doc = format!(" The server's handle to all sessions of [`{contract}`].");
    let emitter_doc = format!(" Sends the outgoing events of [`{contract}`] to one audience.");
    let emitter_struct = handle_struct(emitter, "Emitter", names);
    let lints = procedure.lints();
    quote! {
        #[doc = #server_doc]
        #lints
        #vis type #server<__Session> = #krate::Server<#emitter, __Session>;
        #[doc = #socket_doc]
        #lints
        #vis type #socket = #krate::Socket<#emitter>;
        #[doc = #io_doc]
        #lints
        #vis type #io = #krate::Io<#emitter>;
        #[doc = #emitter_doc]
        #lints
        #vis #emitter_struct
    }
}

pub(super) fn impls(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, private, emitter, incoming, outgoing_index, .. } = names;
    let name = &procedure.name;
    let handle_impls = handle_impls(emitter, "Emitter", names);
    let methods = procedure.outgoing().map(|event| emitter_method(event, procedure, names));
    let incoming_names = procedure.incoming().map(|event| {
        let cfg = cfg(event);
        let wire_name = &event.wire_name.name;
        quote!(#cfg #wire_name)
    });
    let import = digest::import_fallback(private);
    let outgoing = procedure.outgoing().map(|event| {
        let attrs = cfg_and_lints(event);
        let wire_name = &event.wire_name.name;
        let policy = match &event.delivery {
            DeliveryPolicy::Reliable => quote!(Reliable),
            DeliveryPolicy::Volatile => quote!(Volatile),
            DeliveryPolicy::Latest(_) => quote!(Latest),
        };
        let shape = digest::event_shape(event, private);
        quote! {
            #attrs
            #krate::Outgoing {
                name: #wire_name,
                policy: #krate::rooms::DeliveryPolicy::#policy,
                shape: #shape,
            }
        }
    });
    let outgoing_indexes = procedure.outgoing().map(|event| {
        let cfg = cfg(event);
        let variant = unreported(&event.variant);
        quote!(#cfg #variant)
    });
    let name_arms = procedure.incoming().map(|event| {
        let cfg = cfg(event);
        let (variant, wire_name) = (&event.variant, &event.wire_name.name);
        quote!(#cfg #incoming::#variant { .. } => #wire_name)
    });
    let uses = procedure.outgoing().map(|event| use_of_method(event, emitter));
    let event = local("event");
    let procedure_impl = procedure_impl(procedure, names);
    let description =
        procedure.typescript.then(|| typescript::description_function(procedure, names));
    quote! {
        /// Indexes of the outgoing events in `OUTGOING`.
        enum #outgoing_index {
            #(#outgoing_indexes,)*
        }
        impl #emitter {
            #(#methods)*
        }
        // The first one uses the trait, by the impl of `Procedure`, if there are no outgoing events.
        const _: () = {
            let _ = |_: &#emitter| {};
            #(#uses)*
        };
        #handle_impls
        impl #private::Contract for #emitter {
            const NAME: &'static ::core::primitive::str = #name;
            const INCOMING: &'static [&'static ::core::primitive::str] = &[#(#incoming_names),*];
            const OUTGOING: &'static [#krate::Outgoing] = {
                #import
                &[#(#outgoing),*]
            };
            type Incoming = #incoming;
            fn name(#event: &#incoming) -> &'static ::core::primitive::str {
                match *#event {
                    #(#name_arms,)*
                }
            }
            #description
        }
        #procedure_impl
    }
}

fn emitter_method(event: &Event, procedure: &Procedure, names: &Names) -> TokenStream {
    let Stub { parameters, as_str, payload, validated, attrs } = Stub::new(event, names);
    let vis = &procedure.vis;
    let ident = &event.ident;
    let (outgoing_index, variant) = (&names.outgoing_index, &event.variant);
    let index = quote!(#outgoing_index::#variant as ::core::primitive::usize);
    let emit = match &event.delivery {
        DeliveryPolicy::Reliable | DeliveryPolicy::Volatile => {
            quote!(emit(#index, #payload, #validated))
        }
        DeliveryPolicy::Latest(key) => {
            let key = latest_key(event, key.as_ref(), names);
            quote!(emit_latest(#index, #payload, #validated, #key))
        }
    };
    quote! {
        #attrs
        #vis fn #ident(&self, #parameters) {
            #as_str
            self.0.#emit;
        }
    }
}

/// The impl of `Procedure`, which calls the methods of the session.
fn procedure_impl(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, private, emitter, incoming, .. } = names;
    let contract = &procedure.ident;
    let (session, event, reply) = (local("session"), local("event"), local("reply"));
    let (reason, request) = (local("reason"), local("request"));
    let arms = procedure.incoming().map(|event| handler_arm(event, names, contract));
    quote! {
        impl<__Session: #contract> #private::Procedure<__Session> for #emitter {
            fn handle(
                #session: &mut __Session,
                #event: #incoming,
                #reply: &mut #private::Reply,
            ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
                // The future of an `async fn` would contain its arguments twice.
                async move {
                    let _ = (&#session, &#reply);
                    match #event {
                        #(#arms)*
                    }
                }
            }
            async fn disconnected(#session: &mut __Session, #reason: #krate::DisconnectReason) {
                <__Session as #contract>::disconnected(#session, #reason).await
            }
            async fn detached(#session: &mut __Session) {
                <__Session as #contract>::detached(#session).await
            }
            async fn resumed(
                #session: &mut __Session,
                #request: #krate::Request,
            ) -> ::core::result::Result<(), #krate::Reject> {
                <__Session as #contract>::resumed(#session, #request).await
            }
        }
    }
}

fn handler_arm(event: &Event, names: &Names, contract: &Ident) -> TokenStream {
    let Names { incoming, .. } = names;
    let attrs = cfg_and_lints(event);
    let (variant, handler) = (&event.variant, &event.ident);
    let (session, reply, answer) = (local("session"), local("reply"), local("answer"));
    let fields = variant_fields(event);
    let locals = event.payload.fields().iter().map(Field::local);
    let call = quote!(<__Session as #contract>::#handler(#session #(, #locals)*).await);
    let body = match &event.answer {
        Answer::None => quote!(#call; #reply.none()),
        Answer::Value(ty) => {
            let value = names.call_payload_function(ty, "as_wire", quote!(&#answer));
            quote!(let #answer = #call; #reply.value(#value))
        }
        Answer::Result(ok, error) => {
            let convert = |ty, method: TokenStream| {
                names.payload_item(ty, "into_wire").map(|function| quote!(.#method(#function)))
            };
            let (map, map_err) = (convert(ok, quote!(map)), convert(error, quote!(map_err)));
            quote!(let #answer = #call #map #map_err; #reply.result(&#answer))
        }
    };
    quote! {
        #attrs
        #incoming::#variant #fields => {
            #body
        }
    }
}
