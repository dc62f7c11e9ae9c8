//! The client's side: a method per incoming event, and the outgoing events as an enum.

use proc_macro2::TokenStream;
use quote::quote;

use super::contract::cfg;
use super::decode;
use super::names::{Names, local, str_type};
use super::stub::{self, Stub};
use crate::model::{Answer, Direction, Event, Payload, Procedure, unraw};

pub(super) fn types(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, client, events, event, .. } = names;
    let vis = &procedure.vis;
    let contract = &procedure.ident;
    let of_client =
        format!("A client of [`{contract}`]: a method per incoming event. Cheap to clone.");
    let of_events = format!("What the server of [`{contract}`] sends, in order.");
    let of_event = format!("What a client of [`{contract}`] hears.");
    let variants = procedure.outgoing.iter().map(variant);
    let handle = names.wrapper(client, "Client");
    let lints: Vec<_> = procedure.lints().collect();
    quote! {
        #[doc = #of_client]
        #(#lints)*
        #[allow(dead_code)]
        #vis #handle
        #[doc = #of_events]
        #(#lints)*
        #[allow(dead_code)]
        #vis type #events = #krate::ClientEvents<#event>;
        #[doc = #of_event]
        #(#lints)*
        #[allow(dead_code)]
        #vis enum #event {
            #(#variants,)*
            /// The connection was lost, restored or closed.
            Connection(#krate::ConnectionChange),
        }
    }
}

fn variant(event: &Event) -> TokenStream {
    let variant = &event.variant;
    let attrs = stub::attrs(event, &format!("The server sent `{}`.", event.wire.name));
    // Once more, behind the lints of the event.
    let unread = event.has_lints().then(|| quote!(#[allow(dead_code)]));
    let attrs = quote!(#attrs #unread);
    match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => quote!(#attrs #variant),
        Payload::Fields(fields) => {
            let fields = fields.iter().map(|field| {
                let (ident, ty, docs) = (&field.ident, &field.ty, &field.docs);
                let text = format!("The field `{}`.", field.wire.name);
                let doc = docs.is_empty().then(|| quote!(#[doc = #text]));
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
    let handle = handle(procedure, names);
    let label = client.to_string();
    let decode = decode::events(&procedure.outgoing, Direction::Outgoing, names);
    let labels = procedure.outgoing.iter().map(label_arm);
    quote! {
        #handle
        impl ::core::convert::From<#private::Client> for #client {
            fn from(client: #private::Client) -> Self {
                Self(client)
            }
        }
        impl ::core::clone::Clone for #client {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for #client {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#label)
            }
        }
        impl #private::ClientHandle for #client {
            type Event = #event;
        }
        impl #private::Events for #event {
            #decode
        }
        impl ::core::convert::From<#krate::ConnectionChange> for #event {
            fn from(change: #krate::ConnectionChange) -> Self {
                Self::Connection(change)
            }
        }
        // Payloads need no `Debug`, and do not get into logs.
        impl ::core::fmt::Debug for #event {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    #(#labels,)*
                    Self::Connection(change) => f.debug_tuple("Connection").field(change).finish(),
                }
            }
        }
    }
}

fn label_arm(event: &Event) -> TokenStream {
    let cfg = cfg(event);
    let variant = &event.variant;
    let (pattern, label) = match &event.payload {
        Payload::Fields(fields) if fields.is_empty() => (TokenStream::new(), ""),
        Payload::Fields(_) => (quote!({ .. }), " { .. }"),
        Payload::Whole(_) => (quote!((..)), "(..)"),
    };
    let label = format!("{}{label}", unraw(variant));
    quote!(#(#cfg)* Self::#variant #pattern => f.write_str(#label))
}

/// The methods of the client.
fn handle(procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, client, events, .. } = names;
    let vis = &procedure.vis;
    let str_type = str_type();
    let url = local("url");
    let stubs = procedure.incoming.iter().map(|event| method(event, procedure, names));
    quote! {
        impl #client {
            /// Connects to the procedure at a `ws://` URL, with default settings.
            #vis fn connect(
                #url: impl ::core::convert::AsRef<#str_type>,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<(#client, #events), #krate::ConnectError>,
            > + ::core::marker::Send {
                Self::builder(#url).connect()
            }
            /// A client to be, with its settings.
            #vis fn builder(
                #url: impl ::core::convert::AsRef<#str_type>,
            ) -> #krate::ClientBuilder<#client> {
                #krate::ClientBuilder::new(::core::convert::AsRef::<#str_type>::as_ref(&#url))
            }
            /// Closes the connection, and does not connect again.
            #vis fn close(&self) {
                self.0.close();
            }
            /// Whether the client is connected.
            #vis fn status(&self) -> #krate::ClientStatus {
                self.0.status()
            }
            #(#stubs)*
        }
    }
}

fn method(event: &Event, procedure: &Procedure, names: &Names) -> TokenStream {
    let Names { krate, .. } = names;
    let Stub { arguments, prepare, payload, check, attrs } =
        Stub::new(event, Direction::Incoming, names);
    let vis = &procedure.vis;
    let ident = &event.ident;
    let wire = &event.wire.name;
    let (output, body) = match &event.answer {
        Answer::None => (
            quote!(::core::result::Result<(), #krate::EmitError>),
            quote!(self.0.emit(#wire, #payload, #check)),
        ),
        Answer::Value(ty) => {
            let infallible = quote!(::core::convert::Infallible);
            let call = quote!(self.0.call::<_, #infallible, _>(#wire, #payload, #check));
            (quote!(#krate::client::Call<#ty, #infallible>), names.convert(ty, "answer", call))
        }
        Answer::Result(ok, error) => {
            let call = quote!(self.0.call::<_, _, _>(#wire, #payload, #check));
            let call = names.convert(error, "refusal", call);
            (quote!(#krate::client::Call<#ok, #error>), names.convert(ok, "answer", call))
        }
    };
    quote! {
        #attrs
        #vis fn #ident(&self, #arguments) -> #output {
            #prepare
            #body
        }
    }
}
