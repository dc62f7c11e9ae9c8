//! `#[payload]`: derives what a user's type needs to be sent in events.

mod conversion;
mod directions;
mod half_typed;
mod serde_names;
mod typescript;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, Item, LitStr, Meta, Path, Token, parse_quote};

use self::conversion::Conversion;
pub(crate) use self::serde_names::WrittenNames;
use crate::case::Case;
use crate::errors::Errors;
use crate::model::unraw;
use crate::options::{AttributeOption, OptionValue, distinct_options, options};
use crate::procedure_options::{default_crate, read_typescript};
use crate::tokens::string_literal;
use crate::{conditional, digest};

/// The options of `#[payload(..)]`.
struct PayloadOptions {
    /// The path of the crate `parlor`.
    krate: Path,
    typescript: Requested,
}

/// Whether the user requests a TypeScript type.
#[derive(PartialEq)]
enum Requested {
    No,
    Yes,
    /// The option `typescript` has an error, which is reported.
    WithError,
}

pub(crate) fn payload(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = PayloadOptions::read(tokens.clone(), &mut errors);
    let krate = &options.krate;
    if let Some(calls) = conditional::split(&item, &quote!(#[#krate::payload(#tokens)])) {
        return calls;
    }
    let code = match syn::parse2::<DeriveInput>(item.clone()) {
        Ok(input) => derive(input, &options, &mut errors),
        Err(error) => unparsed(item, error, &options, &mut errors),
    };
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

/// Handles an item that is no struct and no enum, or an incomplete one.
fn unparsed(
    item: TokenStream,
    error: syn::Error,
    options: &PayloadOptions,
    errors: &mut Errors,
) -> TokenStream {
    if let Ok(other) = syn::parse2::<Item>(item.clone()) {
        errors.at(crate::parse::keyword(&other), MISPLACED);
    } else if let Some(input) = half_typed::parse(&item, errors) {
        return derive(input, options, errors);
    } else {
        errors.add(error);
    }
    item
}

const MISPLACED: &str = "`#[payload]` applies to structs and enums only";

impl PayloadOptions {
    fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self { krate: default_crate(), typescript: Requested::No };
        for option in distinct_options(tokens, errors) {
            let read = match option.name().as_str() {
                "crate" => option.parse("crate = some::path").map(|path| options.krate = path),
                "typescript" => {
                    let read = read_typescript(&option);
                    options.typescript =
                        if read.is_ok() { Requested::Yes } else { Requested::WithError };
                    read
                }
                name => Err(syn::Error::new(
                    option.key.span(),
                    format!(
                        "`#[payload]` has no option `{name}`: it takes `typescript` and `crate`"
                    ),
                )),
            };
            if let Err(error) = read {
                errors.add(error);
            }
        }
        options
    }
}

fn derive(mut input: DeriveInput, options: &PayloadOptions, errors: &mut Errors) -> TokenStream {
    if let Data::Union(data) = &input.data {
        errors.at(data.union_token, MISPLACED);
        return input.into_token_stream();
    }
    remove_duplicate_derives(&mut input, options, errors);
    rename_non_ascii(&mut input);
    let krate = &options.krate;
    let mut derives = quote! {
        #[derive(#krate::__private::serde::Serialize, #krate::__private::serde::Deserialize)]
    };
    let serde = serde_attributes(&input, krate);
    let shape = digest::payload_impl(&input, krate);
    let has_typescript = options.typescript == Requested::Yes && typescript::check(&input, errors);
    if has_typescript {
        let ts_rs = quote!(#krate::__private::ts_rs);
        let (ts, unconverted) = match Conversion::of(&mut input, krate) {
            Some(Conversion { mut ts, unconverted }) => {
                ts.insert(0, typescript::crate_attribute(krate));
                typescript::escape_all_docs(&mut input);
                (ts, unconverted)
            }
            None => (typescript::add_attributes(&mut input, krate), TokenStream::new()),
        };
        derives = quote!(#unconverted #derives #[derive(#ts_rs::TS)] #serde #(#ts)*);
    } else {
        if options.typescript != Requested::No {
            // Without the derive, rustc would report each `#[ts(..)]` too.
            typescript::remove_attributes(&mut input);
        }
        derives = quote!(#derives #serde);
    }
    quote!(#derives #input #shape)
}

/// The `#[serde(..)]` attributes of the type: the path of serde, and camelCase.
fn serde_attributes(input: &DeriveInput, krate: &Path) -> TokenStream {
    let user_options = attribute_options(&input.attrs, "serde");
    let has = |name: &str| user_options.iter().any(|option| option.name() == name);
    let mut added = Vec::new();
    if !has("crate") {
        let path = string_literal(quote!(#krate::__private::serde), Span::call_site());
        added.push(quote!(crate = #path));
    }
    let named = match &input.data {
        Data::Struct(data) => matches!(data.fields, Fields::Named(_)),
        _ => true,
    };
    let camel_case = |option: &str| {
        let option = Ident::new(option, Span::call_site());
        if typescript::has_explicit_type(&input.attrs)
            || find_key(&user_options, &conversion::OPTIONS).is_some()
        {
            // `ts-rs` rejects `rename_all` beside an explicit type, and ignores this form.
            quote!(#option(serialize = "camelCase", deserialize = "camelCase"))
        } else {
            quote!(#option = "camelCase")
        }
    };
    if named && !has("rename_all") && !has("transparent") {
        added.push(camel_case("rename_all"));
    }
    if matches!(input.data, Data::Enum(_)) && !has("rename_all_fields") {
        added.push(camel_case("rename_all_fields"));
    }
    added.into_iter().map(|option| quote!(#[serde(#option)])).collect()
}

/// Renames fields and variants that begin with a non-ASCII character: serde's camelCase panics there.
fn rename_non_ascii(input: &mut DeriveInput) {
    fn rename(ident: &Ident, attrs: &mut Vec<Attribute>) {
        let name = unraw(ident);
        let first = name.trim_start_matches('_').chars().next();
        if first.is_some_and(|first| !first.is_ascii()) && !has(attrs, &["rename"]) {
            let name = Case::Camel.apply(&name);
            attrs.push(parse_quote!(#[serde(rename = #name)]));
        }
    }
    fn has(attrs: &[Attribute], names: &[&str]) -> bool {
        find_key(&attribute_options(attrs, "serde"), names).is_some()
    }
    fn rename_fields(fields: &mut Fields) {
        for field in fields {
            if let Some(ident) = &field.ident {
                rename(ident, &mut field.attrs);
            }
        }
    }
    let is_renamed = has(&input.attrs, &["rename_all", "transparent"]);
    let fields_are_renamed = has(&input.attrs, &["rename_all_fields"]);
    match &mut input.data {
        Data::Struct(data) if !is_renamed => rename_fields(&mut data.fields),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                if !is_renamed {
                    rename(&variant.ident, &mut variant.attrs);
                }
                if !fields_are_renamed && !has(&variant.attrs, &["rename_all"]) {
                    rename_fields(&mut variant.fields);
                }
            }
        }
        _ => {}
    }
}

/// Reports and removes derives that `#[payload]` adds itself. Both would be two impls of one trait.
fn remove_duplicate_derives(
    input: &mut DeriveInput,
    options: &PayloadOptions,
    errors: &mut Errors,
) {
    for attr in &mut input.attrs {
        if !attr.path().is_ident("derive") {
            continue;
        }
        let Ok(paths) = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)
        else {
            continue;
        };
        let mut rest = Punctuated::<Path, Token![,]>::new();
        for path in paths {
            let last = path.segments.last().map(|last| last.ident.to_string());
            match last.as_deref() {
                Some(name @ ("Serialize" | "Deserialize")) => {
                    errors.at(&path, format!("`#[payload]` derives `{name}`: remove it here"));
                }
                Some("TS") if options.typescript == Requested::Yes => {
                    errors.at(&path, "`#[payload(typescript)]` derives `TS`: remove it here");
                }
                _ => rest.push(path),
            }
        }
        *attr = parse_quote!(#[derive(#rest)]);
    }
}

/// The options of all `#[name(..)]`. Wrong options are reported by the derive that reads them.
pub(crate) fn attribute_options(attrs: &[Attribute], name: &str) -> Vec<AttributeOption> {
    let lists = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident(name) => Some(list.tokens.clone()),
        _ => None,
    });
    lists.flat_map(|tokens| options(tokens, &mut Errors::default())).collect()
}

/// The string of `name = "string"`.
fn string_value(options: &[AttributeOption], name: &str) -> Option<LitStr> {
    let option = options.iter().find(|option| option.name() == name)?;
    match &option.value {
        OptionValue::Equals(tokens) => syn::parse2(tokens.clone()).ok(),
        _ => None,
    }
}

/// The first key that is one of `names`.
fn find_key<'a>(options: &'a [AttributeOption], names: &[&str]) -> Option<&'a Ident> {
    options.iter().map(|option| &option.key).find(|key| names.iter().any(|name| *key == name))
}
