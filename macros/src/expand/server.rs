//! The server's side: the emitter, and the dispatch to the session.

use proc_macro2::TokenStream;
use quote::quote;

use super::contract::{cfg, guards};
use super::names::{Names, local};
use super::stub::{self, Stub};
use super::typescript;
use crate::model::{Answer, Delivery, Direction, Event, Payload, Procedure};

pub(super) fn types(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, server, socket, io, emitter, .. } = names;
    let vis = &procedure.vis;
    let contract = &procedure.ident;
    let server_doc =
        format!("Serves [`{contract}`]: made of a function that makes a session of each socket.");
    let socket_doc = format!("The server's handle to one client of [`{contract}`].");
    let io_doc = format!("Sends to the clients of [`{contract}`] from anywhere.");
    let emitter_doc = format!("The outgoing events of [`{contract}`], for one audience.");
    let handle = names.wrapper(emitter, "Emitter");
    let lints: Vec<_> = procedure.lints().collect();
    quote! {
        #[doc = #server_doc]
        #(#lints)*
        #[allow(dead_code)]
        #vis type #server<__Session> = #krate::Server<#emitter, __Session>;
        #[doc = #socket_doc]
        #(#lints)*
        #[allow(dead_code)]
        #vis type #socket = #krate::Socket<#emitter>;
        #[doc = #io_doc]
        #(#lints)*
        #[allow(dead_code)]
        #vis type #io = #krate::Io<#emitter>;
        #[doc = #emitter_doc]
        #(#lints)*
        #vis #handle
    }
}

pub(super) fn impls(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, private, emitter, incoming, outgoing, .. } = names;
    let name = &procedure.name;
    let label = emitter.to_string();
    let stubs = procedure.outgoing.iter().map(|event| stub(event, procedure, names));
    let wires = procedure.incoming.iter().map(|event| {
        let cfg = cfg(event);
        let wire = &event.wire.name;
        quote!(#(#cfg)* #wire)
    });
    let deliveries = procedure.outgoing.iter().map(|event| {
        let cfg = cfg(event);
        let wire = &event.wire.name;
        let policy = match &event.delivery {
            Delivery::Reliable => quote!(Reliable),
            Delivery::Volatile => quote!(Volatile),
            Delivery::Latest(_) => quote!(Latest),
        };
        quote!(#(#cfg)* (#wire, #krate::DeliveryPolicy::#policy))
    });
    let outgoing_variants = procedure.outgoing.iter().map(|event| {
        let cfg = cfg(event);
        let variant = &event.variant;
        quote!(#(#cfg)* #variant)
    });
    let wire_names = procedure.incoming.iter().map(|event| {
        let cfg = cfg(event);
        let (variant, wire) = (&event.variant, &event.wire.name);
        quote!(#(#cfg)* #incoming::#variant { .. } => #wire)
    });
    let event = local("event");
    let dispatch = dispatch(procedure, names);
    let description = procedure.typescript.then(|| typescript::description(procedure, names));
    quote! {
        /// Places of the outgoing events in `OUTGOING`.
        enum #outgoing {
            #(#outgoing_variants,)*
        }
        impl #emitter {
            #(#stubs)*
        }
        impl ::core::convert::From<#private::Emitter> for #emitter {
            fn from(emitter: #private::Emitter) -> Self {
                Self(emitter)
            }
        }
        impl ::core::clone::Clone for #emitter {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for #emitter {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#label)
            }
        }
        impl #private::Contract for #emitter {
            const NAME: &'static ::core::primitive::str = #name;
            const INCOMING: &'static [&'static ::core::primitive::str] = &[#(#wires),*];
            const OUTGOING: &'static [(&'static ::core::primitive::str, #krate::DeliveryPolicy)] =
                &[#(#deliveries),*];
            type Incoming = #incoming;
            fn name(#event: &#incoming) -> &'static ::core::primitive::str {
                match *#event {
                    #(#wire_names,)*
                }
            }
            #description
        }
        #dispatch
    }
}

/// A method of the emitter.
fn stub(event: &Event, procedure: &Procedure, names: &Names) -> TokenStream {
    let Stub { arguments, prepare, payload, check, attrs } =
        Stub::new(event, Direction::Outgoing, names);
    let vis = &procedure.vis;
    let ident = &event.ident;
    let (outgoing, variant) = (&names.outgoing, &event.variant);
    let place = quote!(#outgoing::#variant as ::core::primitive::usize);
    let emit = match &event.delivery {
        Delivery::Reliable | Delivery::Volatile => quote!(emit(#place, #payload, #check)),
        Delivery::Latest(key) => {
            let key = stub::key(event, key.as_ref(), names);
            quote!(emit_latest(#place, #payload, #check, #key))
        }
    };
    quote! {
        #attrs
        #vis fn #ident(&self, #arguments) {
            #prepare
            self.0.#emit;
        }
    }
}

/// Calls the session's handler for each event.
fn dispatch(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, private, emitter, incoming, .. } = names;
    let contract = &procedure.ident;
    let (session, event, reply) = (local("session"), local("event"), local("reply"));
    let (reason, request) = (local("reason"), local("request"));
    let arms = procedure.incoming.iter().map(|incoming| arm(incoming, names, contract));
    quote! {
        impl<__Session: #contract> #private::Procedure<__Session> for #emitter {
            fn handle(
                #session: &mut __Session,
                #event: &mut ::core::option::Option<#incoming>,
                #reply: &mut #private::Reply,
            ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
                // An `async fn` would hold its arguments twice.
                async move {
                    let _ = (&#session, &#reply);
                    match #event.take() {
                        #(#arms)*
                        ::core::option::Option::None => {}
                    }
                }
            }
            async fn disconnected(#session: &mut __Session, #reason: #krate::DisconnectReason) {
                <__Session as #contract>::disconnected(#session, #reason).await
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

fn arm(event: &Event, names: &Names, contract: &proc_macro2::Ident) -> TokenStream {
    let Names { incoming, .. } = names;
    let guards = guards(event);
    let (variant, handler) = (&event.variant, &event.ident);
    let (session, reply, answer) = (local("session"), local("reply"), local("answer"));
    let fields: Vec<_> = event.payload.fields().iter().map(|field| &field.ident).collect();
    let pattern = match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => quote!(#incoming::#variant),
        _ => quote!(#incoming::#variant(#(#fields),*)),
    };
    let run = quote!(<__Session as #contract>::#handler(#session #(, #fields)*).await);
    let body = match &event.answer {
        Answer::None => quote!(#run; #reply.none()),
        Answer::Value(ty) => {
            let value = names.convert(ty, "as_wire", quote!(&#answer));
            quote!(let #answer = #run; #reply.value(#value))
        }
        Answer::Result(ok, error) => {
            let convert = |ty, method: TokenStream| {
                names.project(ty, "into_wire").map(|function| quote!(.#method(#function)))
            };
            let (ok, error) = (convert(ok, quote!(map)), convert(error, quote!(map_err)));
            quote!(let #answer = #run #ok #error; #reply.result(&#answer))
        }
    };
    quote! {
        #guards
        ::core::option::Option::Some(#pattern) => {
            #body
        }
    }
}
