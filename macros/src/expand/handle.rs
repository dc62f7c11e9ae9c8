//! The generated structs that wrap a handle of the runtime: the emitter and the client.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::names::Names;

/// `struct ChatEmitter(private::Emitter);`, at the span of the trait's name.
pub(super) fn handle_struct(ident: &Ident, runtime_handle: &str, names: &Names) -> TokenStream {
    let private = &names.private;
    let runtime_handle = Ident::new(runtime_handle, Span::call_site());
    quote_spanned!(ident.span()=> struct #ident(#private::#runtime_handle);)
}

/// The impls of `From`, `Clone` and `Debug`.
pub(super) fn handle_impls(ident: &Ident, runtime_handle: &str, names: &Names) -> TokenStream {
    let private = &names.private;
    let runtime_handle = Ident::new(runtime_handle, Span::call_site());
    let name = ident.to_string();
    quote! {
        impl ::core::convert::From<#private::#runtime_handle> for #ident {
            fn from(handle: #private::#runtime_handle) -> Self {
                Self(handle)
            }
        }
        impl ::core::clone::Clone for #ident {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#name)
            }
        }
    }
}
