//! What `ts-rs` is told beside what serde is, so that both mean the same.

use quote::{ToTokens, quote};
use syn::{
    Attribute, Data, DeriveInput, Expr, Field, Fields, Lit, LitStr, Meta, Path, parse_quote,
};

use super::{key, options, string, text};
use crate::args::{Opt, Value};
use crate::errors::Errors;
use crate::expand::{ends, is_plain};

/// Whether the user says the TypeScript type of what has these attributes.
pub(super) fn is_told(attrs: &[Attribute]) -> bool {
    key(&options(attrs, "ts"), &["type", "as"]).is_some()
}

/// Whether every TypeScript type can be known. What goes through functions of the user's cannot, nor
/// what `ts-rs` does not see.
pub(super) fn is_known(input: &DeriveInput, errors: &mut Errors) -> bool {
    let before = errors.count();
    let mut look = |attrs: &[Attribute]| {
        let serde = options(attrs, "serde");
        let own = key(&serde, &["with", "serialize_with", "deserialize_with"]);
        if let Some(key) = own.filter(|_| !is_told(attrs) && !is_skipped(attrs)) {
            errors.at(
                key,
                "what this makes of it, only you know: say it, as in `#[ts(type = \"string\")]`",
            );
        }
        let two = |option: &&Opt| {
            let name = option.name();
            matches!(name.as_str(), "rename" | "rename_all" | "rename_all_fields")
                && matches!(option.value, Value::List(_))
                && key(&options(attrs, "ts"), &[&name, "type", "as"]).is_none()
        };
        if let Some(option) = serde.iter().find(two) {
            let name = option.name();
            errors.at(&option.key, format!("one name must do for both ways: `{name} = \"..\"`"));
        }
    };
    look(&input.attrs);
    if let Data::Enum(data) = &input.data {
        data.variants.iter().for_each(|variant| look(&variant.attrs));
    }
    fields(&input.data).for_each(|field| look(&field.attrs));
    untagged(input, errors);
    errors.count() == before
}

/// Refuses what `ts-rs` writes the tag into all the same.
fn untagged(input: &DeriveInput, errors: &mut Errors) {
    let Data::Enum(data) = &input.data else { return };
    let serde = options(&input.attrs, "serde");
    if key(&serde, &["tag"]).is_none() || key(&serde, &["content"]).is_some() {
        return;
    }
    for variant in &data.variants {
        let named = matches!(variant.fields, Fields::Named(_)) && !is_told(&variant.attrs);
        let serde = options(&variant.attrs, "serde");
        if let Some(key) = key(&serde, &["untagged"]).filter(|_| named) {
            errors.at(key, "give this variant one field: a struct with what is in it");
        }
    }
}

fn is_skipped(attrs: &[Attribute]) -> bool {
    ["ts", "serde"].iter().any(|name| key(&options(attrs, name), &["skip"]).is_some())
}

/// Takes off `#[ts(..)]`, for a type that does not derive it.
pub(super) fn forget(input: &mut DeriveInput) {
    let no_ts = |attrs: &mut Vec<Attribute>| attrs.retain(|attr| !attr.path().is_ident("ts"));
    each(input, &mut |mut place| no_ts(place.attrs()));
}

/// `#[ts(..)]` of the type; those inside it are put in their places.
pub(super) fn attributes(input: &mut DeriveInput, krate: &Path) -> Vec<Attribute> {
    let ts_rs = text(quote!(#krate::__private::ts_rs));
    let mut found: Vec<Attribute> = vec![parse_quote!(#[ts(crate = #ts_rs)])];
    found.extend(stand_in(input));
    let serde = options(&input.attrs, "serde");
    let ts = options(&input.attrs, "ts");
    for name in ["tag", "content"] {
        let escaped = string(&serde, name).and_then(|name| escaped(&name));
        let word = syn::Ident::new(name, proc_macro2::Span::call_site());
        found.extend(escaped.map(|name| parse_quote!(#[ts(#word = #name)])));
    }
    let told = key(&ts, &["type", "as", "optional_fields"]).is_some()
        || key(&serde, &["transparent", "into"]).is_some();
    if !told && let Data::Struct(data) = &input.data {
        // In a tuple, an absent element is another element.
        if matches!(data.fields, Fields::Named(_)) {
            found.push(parse_quote!(#[ts(optional_fields = nullable)]));
        }
    }
    each(input, &mut |mut place| {
        harmless_docs(place.attrs());
        let more = match &place {
            Place::Type(_) => Vec::new(),
            Place::Variant(variant) => of_variant(variant),
            Place::Field(field) => of_field(field, krate),
        };
        place.attrs().extend(more);
    });
    found
}

/// The type in whose shape serde writes this one.
fn stand_in(input: &DeriveInput) -> Option<Attribute> {
    if is_told(&input.attrs) {
        return None;
    }
    let serde = options(&input.attrs, "serde");
    if let Some(other) = string(&serde, "into") {
        return Some(parse_quote!(#[ts(as = #other)]));
    }
    key(&serde, &["transparent"])?;
    let Data::Struct(data) = &input.data else { return None };
    if !matches!(data.fields, Fields::Named(_)) {
        return None;
    }
    let field = data.fields.iter().find(|field| !is_skipped(&field.attrs))?;
    let ty = text(field.ty.to_token_stream());
    Some(parse_quote!(#[ts(as = #ty)]))
}

fn of_variant(variant: &syn::Variant) -> Vec<Attribute> {
    let mut found = rename(&variant.attrs);
    let named = matches!(variant.fields, Fields::Named(_));
    let ts = options(&variant.attrs, "ts");
    if named && key(&ts, &["type", "as", "optional_fields"]).is_none() {
        found.push(parse_quote!(#[ts(optional_fields = nullable)]));
    }
    found
}

fn of_field(field: &Field, krate: &Path) -> Vec<Attribute> {
    let mut found = if field.ident.is_some() { rename(&field.attrs) } else { Vec::new() };
    let (serde, ts) = (options(&field.attrs, "serde"), options(&field.attrs, "ts"));
    let flat = key(&serde, &["flatten"]).is_some() || key(&ts, &["flatten"]).is_some();
    let omitted = key(&serde, &["skip_serializing", "skip_serializing_if"]).is_some();
    // Serde takes an absent `Option` for `None` only if it reads it itself.
    let required =
        key(&serde, &["with", "deserialize_with"]).is_some() && key(&serde, &["default"]).is_none();
    if field.ident.is_some() && !flat && key(&ts, &["optional"]).is_none() {
        if omitted {
            // With this value, `ts-rs` leaves the type as it is.
            found.push(parse_quote!(#[ts(optional = nullable)]));
        } else if required {
            found.push(parse_quote!(#[ts(optional = false)]));
        }
    }
    if flat || is_told(&field.attrs) || is_skipped(&field.attrs) || is_plain(&field.ty) {
        return found;
    }
    // The same type, by a trait that says in our words when it has none. `ts-rs` would put the type
    // of the field for a `_`: hence the macro.
    let ty = &field.ty;
    let this = quote!(<#ty as #krate::__private::HasTypeScript<#krate::__private::infer!()>>::This);
    let this = LitStr::new(&this.to_string(), ends(ty).0);
    found.push(parse_quote!(#[ts(as = #this)]));
    found
}

/// `ts-rs` puts names between quotes as they are.
fn rename(attrs: &[Attribute]) -> Vec<Attribute> {
    if key(&options(attrs, "ts"), &["rename"]).is_some() {
        return Vec::new();
    }
    let name = string(&options(attrs, "serde"), "rename").and_then(|name| escaped(&name));
    name.map(|name| parse_quote!(#[ts(rename = #name)])).into_iter().collect()
}

/// The inside of a string literal of TypeScript, if it is another than the string.
fn escaped(name: &LitStr) -> Option<LitStr> {
    let value = name.value();
    let mut escaped = String::new();
    for c in value.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                escaped.extend(c.escape_unicode());
            }
            c => escaped.push(c),
        }
    }
    (escaped != value).then(|| LitStr::new(&escaped, name.span()))
}

/// `*/` would end the comment that the docs become. Markdown shows `*\/` the same.
fn harmless_docs(attrs: &mut [Attribute]) {
    for attr in attrs {
        let Meta::NameValue(meta) = &mut attr.meta else { continue };
        if !meta.path.is_ident("doc") {
            continue;
        }
        if let Expr::Lit(literal) = &mut meta.value
            && let Lit::Str(text) = &mut literal.lit
            && text.value().contains("*/")
        {
            *text = LitStr::new(&text.value().replace("*/", "*\\/"), text.span());
        }
    }
}

/// What has attributes.
enum Place<'a> {
    Type(&'a mut DeriveInput),
    Variant(&'a mut syn::Variant),
    Field(&'a mut Field),
}

impl Place<'_> {
    fn attrs(&mut self) -> &mut Vec<Attribute> {
        match self {
            Self::Type(input) => &mut input.attrs,
            Self::Variant(variant) => &mut variant.attrs,
            Self::Field(field) => &mut field.attrs,
        }
    }
}

fn each(input: &mut DeriveInput, visit: &mut dyn FnMut(Place<'_>)) {
    visit(Place::Type(input));
    match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().for_each(|field| visit(Place::Field(field))),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                visit(Place::Variant(variant));
                variant.fields.iter_mut().for_each(|field| visit(Place::Field(field)));
            }
        }
        Data::Union(_) => {}
    }
}

fn fields(data: &Data) -> Box<dyn Iterator<Item = &Field> + '_> {
    match data {
        Data::Struct(data) => Box::new(data.fields.iter()),
        Data::Enum(data) => Box::new(data.variants.iter().flat_map(|variant| &variant.fields)),
        Data::Union(_) => Box::new(std::iter::empty()),
    }
}
