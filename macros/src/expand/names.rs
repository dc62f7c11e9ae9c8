//! Names of what is generated, and the few phrases that all of it shares.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Path, Type};

use crate::model::{Direction, Event, Field, Procedure, last_segment, unraw};

/// Items are named after the trait and have the span of its name, so that editors find them.
pub(super) struct Names {
    pub(super) krate: Path,
    /// What generated code calls.
    pub(super) private: TokenStream,
    pub(super) server: Ident,
    pub(super) socket: Ident,
    pub(super) io: Ident,
    pub(super) emitter: Ident,
    pub(super) client: Ident,
    pub(super) events: Ident,
    pub(super) event: Ident,
    /// Inside `const _`, so only unlikely names keep clear of the user's types.
    pub(super) incoming: Ident,
    pub(super) outgoing: Ident,
    pub(super) checks: Ident,
}

impl Names {
    pub(super) fn new(procedure: &Procedure) -> Self {
        let krate = procedure.krate.clone();
        let hidden =
            |suffix| format_ident!("__{}", procedure.named(suffix), span = Span::call_site());
        Self {
            private: quote!(#krate::__private),
            krate,
            server: procedure.named("Server"),
            socket: procedure.named("Socket"),
            io: procedure.named("Io"),
            emitter: procedure.named("Emitter"),
            client: procedure.named("Client"),
            events: procedure.named("Events"),
            event: procedure.named("Event"),
            incoming: hidden("Incoming"),
            outgoing: hidden("Outgoing"),
            checks: hidden("Checks"),
        }
    }

    /// `struct ChatEmitter(private::Emitter);`, where rustc points at the trait's name.
    pub(super) fn wrapper(&self, ident: &Ident, inner: &str) -> TokenStream {
        let private = &self.private;
        let inner = Ident::new(inner, Span::call_site());
        quote_spanned!(ident.span()=> struct #ident(#private::#inner);)
    }

    /// [`private`](Self::private), where rustc is to point at `span`.
    pub(super) fn private_at(&self, span: Span) -> TokenStream {
        relocated(&self.private, span)
    }

    /// [`krate`](Self::krate), where rustc is to point at `span`.
    pub(super) fn krate_at(&self, span: Span) -> TokenStream {
        relocated(&self.krate, span)
    }

    /// `<T as Payload<_>>::item`, or `None` for types that surely are payloads.
    ///
    /// Its span is exactly that of the type: rustc reports a type that is no payload in each place
    /// where it meets it, and drops all but one of the reports because they are the same.
    pub(super) fn project(&self, ty: &Type, item: &str) -> Option<TokenStream> {
        (!is_plain(ty)).then(|| self.item(ty, "Payload", item))
    }

    /// `<T as trait<_>>::item`.
    pub(super) fn item(&self, ty: &Type, contract: &str, item: &str) -> TokenStream {
        let private = &self.private;
        let (first, last) = ends(ty);
        let contract = Ident::new(contract, Span::call_site());
        let item = Ident::new(item, last);
        let open = quote_spanned!(first=> <);
        let close = quote_spanned!(last=> >::#item);
        quote!(#open #ty as #private::#contract<_> #close)
    }

    /// The type as which the runtime reads a field.
    pub(super) fn read_type(&self, Field { ty, default, .. }: &Field) -> TokenStream {
        if *default {
            return self.item(ty, "OrDefault", "Read");
        }
        self.project(ty, "This").unwrap_or_else(|| ty.to_token_stream())
    }

    /// What makes a field of what was read, if it is not the same.
    pub(super) fn reading(&self, Field { ty, default, .. }: &Field) -> Option<TokenStream> {
        if *default {
            return Some(self.item(ty, "OrDefault", "from_wire"));
        }
        self.project(ty, "from_wire")
    }

    /// `<T as Payload<_>>::item(value)`.
    pub(super) fn convert(&self, ty: &Type, item: &str, value: TokenStream) -> TokenStream {
        match self.project(ty, item) {
            Some(function) => {
                let (_, last) = ends(ty);
                let arguments = quote_spanned!(last=> (#value));
                quote!(#function #arguments)
            }
            None => value,
        }
    }

    /// The function that checks an event's rules.
    pub(super) fn check(&self, event: &Event, direction: Direction) -> TokenStream {
        let checks = &self.checks;
        let function = check_ident(event, direction);
        quote!(#checks::#function)
    }
}

pub(super) fn check_ident(event: &Event, direction: Direction) -> Ident {
    format_ident!("{}_{}", direction.marker(), unraw(&event.ident), span = Span::call_site())
}

/// The tokens at another place, where they mean what they do at theirs.
fn relocated(tokens: &impl ToTokens, span: Span) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(span.resolved_at(token.span()));
        token
    };
    tokens.to_token_stream().into_iter().map(relocate).collect()
}

/// A local of ours: no name of the user's can shadow it.
pub(super) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// `::core::primitive::str`: `str` may be a name of the user's.
pub(super) fn str_type() -> TokenStream {
    quote!(::core::primitive::str)
}

/// The spans of the first and the last token.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let Some(first) = tokens.next() else {
        return (Span::call_site(), Span::call_site());
    };
    let last = tokens.last().map_or_else(|| first.span(), |last| last.span());
    (first.span(), last)
}

/// Types of std by their usual names, and containers of them. A type of the user's with such a name
/// still compiles; only its errors are less clear.
pub(crate) fn is_plain(ty: &Type) -> bool {
    const PLAIN: [&str; 17] = [
        "String", "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "isize", "u8", "u16",
        "u32", "u64", "usize", "i128", "u128",
    ];
    if let Type::Tuple(tuple) = ty {
        return tuple.elems.is_empty();
    }
    let Type::Path(path) = ty else { return false };
    if path.qself.is_some() || path.path.segments.len() != 1 {
        return false;
    }
    last_segment(ty).is_some_and(|last| match &last.arguments {
        syn::PathArguments::None => PLAIN.iter().any(|plain| last.ident == plain),
        syn::PathArguments::AngleBracketed(list) => {
            (last.ident == "Option" || last.ident == "Vec")
                && list.args.iter().all(
                    |argument| matches!(argument, syn::GenericArgument::Type(ty) if is_plain(ty)),
                )
        }
        syn::PathArguments::Parenthesized(_) => false,
    })
}
