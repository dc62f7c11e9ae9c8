//! `#[payload]`: what a type of the user's derives to travel in events.

mod half_typed;
mod typescript;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, Item, LitStr, Meta, Path, Token, parse_quote};

use crate::args::{self, Opt, Value};
use crate::case::Case;
use crate::errors::Errors;
use crate::model::unraw;

/// The options of `#[payload(..)]`.
struct Args {
    krate: Path,
    /// Whether TypeScript is asked for, and can be had.
    typescript: bool,
    refused: bool,
}

pub(crate) fn payload(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::read(args, &mut errors);
    let code = match syn::parse2::<DeriveInput>(item.clone()) {
        Ok(input) => derive(input, &args, &mut errors),
        Err(error) => unread(item, error, &args, &mut errors),
    };
    let errors = errors.into_tokens();
    quote!(#code #errors)
}

/// What is no struct and no enum, or is only half of one.
fn unread(item: TokenStream, error: syn::Error, args: &Args, errors: &mut Errors) -> TokenStream {
    if let Ok(other) = syn::parse2::<Item>(item.clone()) {
        errors.at(crate::parse::keyword(&other), MISPLACED);
    } else if let Some(input) = half_typed::parse(&item, errors) {
        return derive(input, args, errors);
    } else {
        errors.add(error);
    }
    item
}

const MISPLACED: &str = "`#[payload]` goes on a struct or an enum";

impl Args {
    fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self { krate: args::default_crate(), typescript: false, refused: false };
        for option in args::distinct_options(tokens, errors) {
            let read = match option.name().as_str() {
                "crate" => option.parse("crate = some::path").map(|path| args.krate = path),
                "typescript" => {
                    let read = args::typescript(&option);
                    args.typescript = read.is_ok();
                    args.refused = read.is_err();
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
        args
    }
}

fn derive(mut input: DeriveInput, args: &Args, errors: &mut Errors) -> TokenStream {
    if let Data::Union(data) = &input.data {
        errors.at(data.union_token, MISPLACED);
        return input.into_token_stream();
    }
    underive(&mut input, args, errors);
    spell(&mut input);
    let krate = &args.krate;
    let mut derives = quote! {
        #[derive(#krate::__private::serde::Serialize, #krate::__private::serde::Deserialize)]
    };
    let serde = serde(&input, krate);
    let typescript = args.typescript && typescript::is_known(&input, errors);
    if typescript {
        let ts = typescript::attributes(&mut input, krate);
        derives = quote!(#derives #[derive(#krate::__private::ts_rs::TS)] #serde #(#ts)*);
    } else {
        if args.typescript || args.refused {
            // One error is enough: rustc would find attributes of no derive.
            typescript::forget(&mut input);
        }
        derives = quote!(#derives #serde);
    }
    quote!(#derives #input)
}

/// Serde's attributes of the type: where serde is, and camelCase.
fn serde(input: &DeriveInput, krate: &Path) -> TokenStream {
    let own = options(&input.attrs, "serde");
    let has = |name: &str| own.iter().any(|option| option.name() == name);
    let mut words = Vec::new();
    if !has("crate") {
        let path = text(quote!(#krate::__private::serde));
        words.push(quote!(crate = #path));
    }
    let named = match &input.data {
        Data::Struct(data) => matches!(data.fields, Fields::Named(_)),
        _ => true,
    };
    if named && !has("rename_all") && !has("transparent") {
        words.push(if typescript::is_told(&input.attrs) || has("into") {
            // `ts-rs` takes no names beside a type, and does not know this spelling.
            quote!(rename_all(serialize = "camelCase", deserialize = "camelCase"))
        } else {
            quote!(rename_all = "camelCase")
        });
    }
    let is_enum = matches!(input.data, Data::Enum(_));
    if is_enum && !has("rename_all_fields") {
        words.push(if typescript::is_told(&input.attrs) || has("into") {
            quote!(rename_all_fields(serialize = "camelCase", deserialize = "camelCase"))
        } else {
            quote!(rename_all_fields = "camelCase")
        });
    }
    words.into_iter().map(|word| quote!(#[serde(#word)])).collect()
}

/// Spells the names that serde's camelCase panics at: those that begin outside of ASCII.
fn spell(input: &mut DeriveInput) {
    fn camel(ident: &Ident, attrs: &mut Vec<Attribute>) {
        let name = unraw(ident);
        let begins = name.trim_start_matches('_').chars().next();
        if begins.is_some_and(|first| !first.is_ascii()) && !has(attrs, &["rename"]) {
            let name = Case::Camel.apply(&name);
            attrs.push(parse_quote!(#[serde(rename = #name)]));
        }
    }
    fn has(attrs: &[Attribute], names: &[&str]) -> bool {
        key(&options(attrs, "serde"), names).is_some()
    }
    fn fields(fields: &mut Fields) {
        for field in fields {
            if let Some(ident) = &field.ident {
                camel(ident, &mut field.attrs);
            }
        }
    }
    let told = has(&input.attrs, &["rename_all", "transparent"]);
    let fields_told = has(&input.attrs, &["rename_all_fields"]);
    match &mut input.data {
        Data::Struct(data) if !told => fields(&mut data.fields),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                if !told {
                    camel(&variant.ident, &mut variant.attrs);
                }
                if !fields_told && !has(&variant.attrs, &["rename_all"]) {
                    fields(&mut variant.fields);
                }
            }
        }
        _ => {}
    }
}

/// Takes out what the user derives too, which would be two impls of one trait.
fn underive(input: &mut DeriveInput, args: &Args, errors: &mut Errors) {
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
                Some("TS") if args.typescript => {
                    errors.at(&path, "`#[payload(typescript)]` derives `TS`: remove it here");
                }
                _ => rest.push(path),
            }
        }
        *attr = parse_quote!(#[derive(#rest)]);
    }
}

/// The options of all `#[name(..)]`; wrong ones are told by their own macro.
fn options(attrs: &[Attribute], name: &str) -> Vec<Opt> {
    let lists = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident(name) => Some(list.tokens.clone()),
        _ => None,
    });
    lists.flat_map(|tokens| args::options(tokens, &mut Errors::default())).collect()
}

/// The string of `key = "string"`.
fn string(options: &[Opt], name: &str) -> Option<LitStr> {
    let option = options.iter().find(|option| option.name() == name)?;
    match &option.value {
        Value::Equals(tokens) => syn::parse2(tokens.clone()).ok(),
        _ => None,
    }
}

/// Tokens as a string, as attributes take paths and types.
fn text(tokens: TokenStream) -> LitStr {
    LitStr::new(&tokens.to_string(), Span::call_site())
}

/// The key that says a thing, for messages.
fn key<'a>(options: &'a [Opt], names: &[&str]) -> Option<&'a Ident> {
    options.iter().map(|option| &option.key).find(|key| names.iter().any(|name| *key == name))
}
