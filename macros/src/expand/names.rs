//! Names of generated items, and paths to what generated code calls.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Path, Type};

use crate::model::{Event, Field, Procedure, is_std_type, unraw};
use crate::tokens::{first_and_last_span, relocated};

/// Names of items begin with the trait's name and have its position, so that editors find them. The enum
/// has its span: an error about a forgotten event points at it, and needs no note about the macro.
pub(super) struct Names {
    pub(super) krate: Path,
    /// The path of `parlor::__private`.
    pub(super) private: TokenStream,
    pub(super) server: Ident,
    pub(super) socket: Ident,
    pub(super) io: Ident,
    pub(super) emitter: Ident,
    pub(super) client: Ident,
    pub(super) events: Ident,
    pub(super) event: Ident,
    // These are inside `const _`. Their prefix `__` avoids collisions with the user's types.
    /// The enum of incoming events.
    pub(super) incoming: Ident,
    /// The enum of the indexes of outgoing events.
    pub(super) outgoing_index: Ident,
    /// The struct with the validation functions.
    pub(super) validation: Ident,
}

impl Names {
    pub(super) fn new(procedure: &Procedure) -> Self {
        let krate = procedure.krate.clone();
        let hidden =
            |suffix| format_ident!("__{}", procedure.ident_with(suffix), span = Span::call_site());
        Self {
            private: quote!(#krate::__private),
            krate,
            server: procedure.ident_with("Server"),
            socket: procedure.ident_with("Socket"),
            io: procedure.ident_with("Io"),
            emitter: procedure.ident_with("Emitter"),
            client: procedure.ident_with("Client"),
            events: procedure.ident_with("Events"),
            event: Ident::new(&format!("{}Event", unraw(&procedure.ident)), procedure.ident.span()),
            incoming: hidden("Incoming"),
            outgoing_index: hidden("OutgoingIndex"),
            validation: hidden("Validation"),
        }
    }

    /// [`private`](Self::private) at `span`, where rustc then reports errors.
    pub(super) fn private_at(&self, span: Span) -> TokenStream {
        relocated(&self.private, span)
    }

    /// [`krate`](Self::krate) at `span`, where rustc then reports errors.
    pub(super) fn krate_at(&self, span: Span) -> TokenStream {
        relocated(&self.krate, span)
    }

    /// The items for builds of `parlor` with the feature `server`. `parlor` decides this: a macro does
    /// not see the features for which its output is compiled.
    pub(super) fn with_server(&self, items: &TokenStream) -> TokenStream {
        let private = &self.private;
        quote!(#private::server! { #items })
    }

    /// The items for builds of `parlor` without the feature `server`.
    pub(super) fn without_server(&self, items: &TokenStream) -> TokenStream {
        let private = &self.private;
        quote!(#private::without_server! { #items })
    }

    /// The items for builds of `parlor` with the feature `client`.
    pub(super) fn with_client(&self, items: &TokenStream) -> TokenStream {
        let private = &self.private;
        quote!(#private::client! { #items })
    }

    /// `<T as Payload<_>>::item`, or `None` for a type of std, which is a payload.
    ///
    /// The span is exactly that of the type. rustc reports a type that is no payload wherever it
    /// occurs, and drops the reports that are equal: one remains.
    pub(super) fn payload_item(&self, ty: &Type, item: &str) -> Option<TokenStream> {
        (!is_std_type(ty)).then(|| self.trait_item(ty, "Payload", item))
    }

    /// `<T as trait_name<_>>::item`.
    pub(super) fn trait_item(&self, ty: &Type, trait_name: &str, item: &str) -> TokenStream {
        let private = &self.private;
        let (first, last) = first_and_last_span(ty);
        let trait_name = Ident::new(trait_name, Span::call_site());
        let item = Ident::new(item, last);
        let open = quote_spanned!(first=> <);
        let close = quote_spanned!(last=> >::#item);
        quote!(#open #ty as #private::#trait_name<_> #close)
    }

    /// The type that the runtime decodes for a field.
    pub(super) fn wire_type(&self, Field { ty, default, .. }: &Field) -> TokenStream {
        if *default {
            return self.trait_item(ty, "OrDefault", "Wire");
        }
        self.payload_item(ty, "This").unwrap_or_else(|| ty.to_token_stream())
    }

    /// The function that converts the decoded value to the field, if they differ.
    pub(super) fn conversion_function(
        &self,
        Field { ty, default, .. }: &Field,
    ) -> Option<TokenStream> {
        if *default {
            return Some(self.trait_item(ty, "OrDefault", "from_wire"));
        }
        self.payload_item(ty, "from_wire")
    }

    /// `<T as Payload<_>>::function(value)`, or `value` for a type of std.
    pub(super) fn call_payload_function(
        &self,
        ty: &Type,
        function: &str,
        value: TokenStream,
    ) -> TokenStream {
        match self.payload_item(ty, function) {
            Some(function) => {
                let (_, last) = first_and_last_span(ty);
                let arguments = quote_spanned!(last=> (#value));
                quote!(#function #arguments)
            }
            None => value,
        }
    }

    /// The path of the function that validates an event's fields.
    pub(super) fn validation_function(&self, event: &Event) -> TokenStream {
        let validation = &self.validation;
        let function = Self::validation_ident(event);
        quote!(#validation::#function)
    }

    pub(super) fn validation_ident(event: &Event) -> Ident {
        let marker = event.direction.marker();
        format_ident!("{marker}_{}", unraw(&event.ident), span = Span::call_site())
    }
}
