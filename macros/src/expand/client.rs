//! The client: its types, its methods, and the enum of the events that it receives.

use proc_macro2::TokenStream;
use quote::quote;

use super::attributes::{cfg, default_doc_of, with_doc};
use super::decode::{decode_function, variant_fields};
use super::handle::{handle_impls, handle_struct};
use super::names::Names;
use super::stub::{Stub, use_of_method};
use crate::model::{Answer, Event, Field, Payload, Procedure, unraw};
use crate::tokens::{local, str_type};

pub(super) fn types(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, client, events, event, .. } = names;
    let vis = &procedure.vis;
    let contract = &procedure.ident;
    let client_doc =
        format!(" A client of [`{contract}`], with a method per incoming event. Cheap to clone.");
    let stream_doc = format!(" The events that a client of [`{contract}`] receives, in order.");
    let event_doc = format!(" An event that a client of [`{contract}`] receives.");
    let variants = procedure.outgoing().map(variant);
    let client_struct = handle_struct(client, "Client", names);
    let lints = procedure.lints();
    quote! {
        #[doc = #client_doc]
        #lints
        #vis #client_struct
        #[doc = #stream_doc]
        #lints
        #vis type #events = #krate::client::ClientEvents<#event>;
        #[doc = #event_doc]
        #lints
        #[allow(clippy::exhaustive_enums)]
        #vis enum #event {
            #(#variants,)*
            /// The connection was lost, restored or closed.
            Connection(#krate::client::ConnectionChange),
        }
    }
}

fn variant(event: &Event) -> TokenStream {
    let variant = &event.variant;
    let attrs = with_doc(event, &format!(" The server sent `{}`.", event.wire_name.name));
    match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => quote!(#attrs #variant),
        Payload::Fields(fields) => {
            let fields = fields.iter().map(|field| {
                let (ident, ty, docs) = (&field.ident, &field.ty, &field.docs);
                let doc = default_doc_of(docs, &format!(" The field `{}`.", field.wire_name.name));
                quote!(#doc #(#docs)* #ident: #ty)
            });
            quote!(#attrs #variant { #(#fields),* })
        }
        Payload::Whole(field) => {
            let ty = &field.ty;
            quote!(#attrs #variant(#ty))
        }
    }
}

pub(super) fn impls(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, private, client, event, .. } = names;
    let methods = client_methods(procedure, names);
    let handle_impls = handle_impls(client, "Client", names);
    let decode = decode_function(procedure.outgoing(), names);
    let received = local("received");
    let reads = procedure.outgoing().map(|event| read_arm(event, names));
    let debug_arms = procedure.outgoing().map(debug_arm);
    quote! {
        #methods
        #handle_impls
        impl #private::ClientHandle for #client {
            type Event = #event;
        }
        impl #private::Events for #event {
            #decode
        }
        // Reads each field, so that a private contract has no dead code.
        const _: () = {
            let _ = |#received: #event| match #received {
                #(#reads)*
                _ => {}
            };
        };
        impl ::core::convert::From<#krate::client::ConnectionChange> for #event {
            fn from(change: #krate::client::ConnectionChange) -> Self {
                Self::Connection(change)
            }
        }
        // Without the payloads: they need no `Debug`, and must not get into logs.
        impl ::core::fmt::Debug for #event {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    #(#debug_arms,)*
                    Self::Connection(change) => f.debug_tuple("Connection").field(change).finish(),
                }
            }
        }
    }
}

fn read_arm(event: &Event, names: &Names) -> TokenStream {
    let event_type = &names.event;
    let cfg = cfg(event);
    let (variant, fields) = (&event.variant, variant_fields(event));
    let locals = event.payload.fields().iter().map(Field::local);
    quote! {
        #cfg
        #event_type::#variant #fields => {
            let _ = (#(&#locals,)*);
        }
    }
}

fn debug_arm(event: &Event) -> TokenStream {
    let cfg = cfg(event);
    let variant = &event.variant;
    let (pattern, label) = match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => (TokenStream::new(), ""),
        Payload::Fields(_) => (quote!({ .. }), " { .. }"),
        Payload::Whole(_) => (quote!((..)), "(..)"),
    };
    let label = format!("{}{label}", unraw(variant));
    quote!(#cfg Self::#variant #pattern => f.write_str(#label))
}

fn client_methods(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, client, events, .. } = names;
    let vis = &procedure.vis;
    let str_type = str_type();
    let url = local("url");
    let methods = procedure.incoming().map(|event| event_method(event, procedure, names));
    let uses = procedure.incoming().map(|event| use_of_method(event, client));
    let allow = quote!(#[allow(clippy::impl_trait_in_params)]);
    quote! {
        impl #client {
            /// Connects to the procedure at a `ws://` URL with default settings.
            #allow
            #vis fn connect(
                #url: impl ::core::convert::AsRef<#str_type>,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<(#client, #events), #krate::client::ConnectError>,
            > + ::core::marker::Send {
                Self::builder(#url).connect()
            }
            /// Starts to configure a client for the procedure at a `ws://` URL.
            #allow
            #vis fn builder(
                #url: impl ::core::convert::AsRef<#str_type>,
            ) -> #krate::client::ClientBuilder<#client> {
                #krate::client::ClientBuilder::new(::core::convert::AsRef::<#str_type>::as_ref(&#url))
            }
            /// Closes the connection. The client does not reconnect.
            #vis fn close(&self) {
                self.0.close();
            }
            /// How the last connection, or attempt to reconnect, ended; `None` before the first end.
            #vis fn last_close(&self) -> ::core::option::Option<#krate::client::Close> {
                self.0.last_close()
            }
            /// Returns whether the client is connected.
            #vis fn status(&self) -> #krate::client::ClientStatus {
                self.0.status()
            }
            #(#methods)*
        }
        const _: () = {
            #(#uses)*
        };
    }
}

fn event_method(event: &Event, procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, .. } = names;
    let Stub { parameters, as_str, payload, validated, attrs } = Stub::new(event, names);
    let vis = &procedure.vis;
    let ident = &event.ident;
    let wire_name = &event.wire_name.name;
    let (output, body) = match &event.answer {
        Answer::None => (
            quote!(::core::result::Result<(), #krate::client::EmitError>),
            quote!(self.0.emit(#wire_name, #payload, #validated)),
        ),
        Answer::Value(ty) => {
            let infallible = quote!(::core::convert::Infallible);
            let call = quote!(self.0.call::<_, #infallible, _>(#wire_name, #payload, #validated));
            let body = names.call_payload_function(ty, "answer_from_wire", call);
            (quote!(#krate::client::Call<#ty, #infallible>), body)
        }
        Answer::Result(ok, error) => {
            let call = quote!(self.0.call(#wire_name, #payload, #validated));
            let call = names.call_payload_function(error, "error_from_wire", call);
            let body = names.call_payload_function(ok, "answer_from_wire", call);
            (quote!(#krate::client::Call<#ok, #error>), body)
        }
    };
    quote! {
        #attrs
        #vis fn #ident(&self, #parameters) -> #output {
            #as_str
            #body
        }
    }
}
