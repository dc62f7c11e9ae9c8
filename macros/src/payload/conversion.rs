//! Types that serde converts: `#[serde(from = "..")]`, `try_from` and `into`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, DeriveInput, Meta, Path, parse_quote};

use super::directions::one_option_each;
use super::typescript::{self, has_explicit_type};
use super::{attribute_options, find_key, serde_attributes, string_value};
use crate::model::unraw;
use crate::options::AttributeOption;
use crate::tokens::string_literal;

/// The options of serde that convert a type.
pub(super) const OPTIONS: [&str; 3] = ["from", "try_from", "into"];

/// A type that serde converts.
pub(super) struct Conversion {
    /// `#[ts(as = ..)]` of the type.
    pub(super) ts: Vec<Attribute>,
    /// The type without the conversion, if serde reads or writes that.
    pub(super) unconverted: TokenStream,
}

impl Conversion {
    /// `None` if serde does not convert the type, or if `#[ts(..)]` sets its type.
    pub(super) fn of(input: &mut DeriveInput, krate: &Path) -> Option<Self> {
        let serde = attribute_options(&input.attrs, "serde");
        if has_explicit_type(&input.attrs) || find_key(&serde, &OPTIONS).is_none() {
            return None;
        }
        let from = string_value(&serde, "from").or_else(|| string_value(&serde, "try_from"));
        let tokens = |ty: syn::LitStr| ty.parse::<TokenStream>().unwrap_or_default();
        let (from, into) = (from.map(tokens), string_value(&serde, "into").map(tokens));
        let mut unconverted = TokenStream::new();
        let own = match (&from, &into) {
            (Some(_), Some(_)) => TokenStream::new(),
            _ => own_type(input, krate, &mut unconverted),
        };
        let (from, into) = (from.unwrap_or_else(|| own.clone()), into.unwrap_or(own));
        let ty = if from.to_string() == into.to_string() {
            into
        } else {
            quote!(#krate::__private::Converted<#from, #into>)
        };
        let ty = string_literal(ty, Span::call_site());
        let mut ts = vec![parse_quote!(#[ts(as = #ty)])];
        ts.extend(hide_from_ts_rs(input));
        Some(Self { ts, unconverted })
    }
}

/// Adds a type with the same fields and without the conversion. Returns its TypeScript type.
fn own_type(input: &DeriveInput, krate: &Path, code: &mut TokenStream) -> TokenStream {
    let mut own = input.clone();
    own.ident = format_ident!("__Unconverted{}", unraw(&input.ident));
    typescript::retain_attributes(&mut own, &["serde", "ts", "doc", "cfg"]);
    own.attrs = own.attrs.iter().flat_map(one_option_each).collect();
    own.attrs.retain(|attr| {
        let options = attribute_options(std::slice::from_ref(attr), "serde");
        find_key(&options, &OPTIONS).is_none()
    });
    if find_key(&attribute_options(&own.attrs, "serde"), &["rename"]).is_none() {
        // The tag of a struct is its name.
        let name = unraw(&input.ident);
        own.attrs.push(parse_quote!(#[serde(rename = #name)]));
    }
    let serde = serde_attributes(&own, krate);
    let ts = typescript::add_attributes(&mut own, krate);
    code.extend(quote! {
        #[derive(#krate::__private::SerdeAttributes, #krate::__private::ts_rs::TS)]
        #serde
        #(#ts)*
        #[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
        #[doc(hidden)]
        #own
    });
    let (ident, (_, generics, _)) = (&own.ident, own.generics.split_for_impl());
    quote!(#krate::__private::Unnamed<#ident #generics>)
}

/// Puts the options of serde into one attribute that `ts-rs` cannot read, and therefore skips: it rejects
/// `rename_all`, `tag` and others beside `as`. Returns the name that it does not see then.
fn hide_from_ts_rs(input: &mut DeriveInput) -> Option<Attribute> {
    let options = attribute_options(&input.attrs, "serde");
    input
        .attrs
        .retain(|attr| !attr.path().is_ident("serde") || !matches!(attr.meta, Meta::List(_)));
    let name = string_value(&options, "rename");
    let has_list = options.iter().any(|option| option.name() == "rename" && name.is_none());
    let ident = name.as_ref().map_or_else(|| unraw(&input.ident), syn::LitStr::value);
    let hidden = (!has_list).then(|| quote!(rename(serialize = #ident, deserialize = #ident)));
    let options = options.into_iter().filter(|option| option.name() != "rename" || has_list);
    let options = hidden.into_iter().chain(options.map(AttributeOption::into_tokens));
    input.attrs.push(parse_quote!(#[serde(#(#options),*)]));
    let has_name = find_key(&attribute_options(&input.attrs, "ts"), &["rename"]).is_some();
    name.filter(|_| !has_name).map(|name| parse_quote!(#[ts(rename = #name)]))
}
