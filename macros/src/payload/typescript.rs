//! `#[ts(..)]` attributes that make the TypeScript type match what serde writes.

use proc_macro2::Span;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Expr, Field, Fields, Lit, LitStr, Meta, Path, parse_quote,
};

use super::{attribute_options, find_key, string_value};
use crate::errors::Errors;
use crate::model::is_std_type;
use crate::options::{AttributeOption, OptionValue};
use crate::tokens::{first_and_last_span, string_literal};

/// Returns whether `#[ts(..)]` sets the TypeScript type.
pub(super) fn has_explicit_type(attrs: &[Attribute]) -> bool {
    find_key(&attribute_options(attrs, "ts"), &["type", "as"]).is_some()
}

/// Returns whether all TypeScript types are known. Reports those that a user's function determines,
/// and those that `ts-rs` gets wrong.
pub(super) fn check(input: &DeriveInput, errors: &mut Errors) -> bool {
    let before = errors.count();
    let mut check_attributes = |attrs: &[Attribute]| {
        let serde = attribute_options(attrs, "serde");
        let function = find_key(&serde, &["with", "serialize_with", "deserialize_with"]);
        if let Some(key) = function.filter(|_| !has_explicit_type(attrs) && !is_skipped(attrs)) {
            errors.at(
                key,
                "the macro cannot see what this function writes: set the TypeScript type, such as `#[ts(type = \"string\")]`",
            );
        }
        let has_two_names = |option: &&AttributeOption| {
            let name = option.name();
            matches!(name.as_str(), "rename" | "rename_all" | "rename_all_fields")
                && matches!(option.value, OptionValue::List(_))
                && find_key(&attribute_options(attrs, "ts"), &[&name, "type", "as"]).is_none()
        };
        if let Some(option) = serde.iter().find(has_two_names) {
            let name = option.name();
            errors.at(
                &option.key,
                format!("a TypeScript type has one name per field: write `{name} = \"..\"`"),
            );
        }
    };
    check_attributes(&input.attrs);
    if let Data::Enum(data) = &input.data {
        data.variants.iter().for_each(|variant| check_attributes(&variant.attrs));
    }
    fields(&input.data).for_each(|field| check_attributes(&field.attrs));
    check_untagged_variants(input, errors);
    errors.count() == before
}

/// Rejects untagged variants with named fields in a tagged enum: `ts-rs` writes the tag into them.
fn check_untagged_variants(input: &DeriveInput, errors: &mut Errors) {
    let Data::Enum(data) = &input.data else { return };
    let serde = attribute_options(&input.attrs, "serde");
    if find_key(&serde, &["tag"]).is_none() || find_key(&serde, &["content"]).is_some() {
        return;
    }
    for variant in &data.variants {
        let named =
            matches!(variant.fields, Fields::Named(_)) && !has_explicit_type(&variant.attrs);
        let serde = attribute_options(&variant.attrs, "serde");
        if let Some(key) = find_key(&serde, &["untagged"]).filter(|_| named) {
            errors.at(key, "move the fields of this untagged variant into a struct, and make that its only field");
        }
    }
}

fn is_skipped(attrs: &[Attribute]) -> bool {
    ["ts", "serde"]
        .iter()
        .any(|name| find_key(&attribute_options(attrs, name), &["skip"]).is_some())
}

/// Removes `#[ts(..)]` from a type that does not derive `TS`.
pub(super) fn remove_attributes(input: &mut DeriveInput) {
    for_each_item(input, &mut |mut item| {
        item.attrs().retain(|attr| !attr.path().is_ident("ts"));
    });
}

/// Adds `#[ts(..)]` to variants and fields. Returns those of the type itself.
pub(super) fn add_attributes(input: &mut DeriveInput, krate: &Path) -> Vec<Attribute> {
    let ts_rs = string_literal(quote!(#krate::__private::ts_rs), Span::call_site());
    let mut found: Vec<Attribute> = vec![parse_quote!(#[ts(crate = #ts_rs)])];
    found.extend(serialized_as(input));
    let serde = attribute_options(&input.attrs, "serde");
    let ts = attribute_options(&input.attrs, "ts");
    for name in ["tag", "content"] {
        let escaped = string_value(&serde, name).and_then(|name| escaped(&name));
        let option = syn::Ident::new(name, Span::call_site());
        found.extend(escaped.map(|name| parse_quote!(#[ts(#option = #name)])));
    }
    let is_explicit = find_key(&ts, &["type", "as", "optional_fields"]).is_some()
        || find_key(&serde, &["transparent", "into"]).is_some();
    if !is_explicit && let Data::Struct(data) = &input.data {
        // In a tuple, an absent element would shift the others.
        if matches!(data.fields, Fields::Named(_)) {
            found.push(parse_quote!(#[ts(optional_fields = nullable)]));
        }
    }
    for_each_item(input, &mut |mut item| {
        escape_docs(item.attrs());
        let added = match &item {
            Item::Type(_) => Vec::new(),
            Item::Variant(variant) => variant_attributes(variant),
            Item::Field(field) => field_attributes(field, krate),
        };
        item.attrs().extend(added);
    });
    found
}

/// `#[ts(as = ..)]` for a type that serde writes as another type.
fn serialized_as(input: &DeriveInput) -> Option<Attribute> {
    if has_explicit_type(&input.attrs) {
        return None;
    }
    let serde = attribute_options(&input.attrs, "serde");
    if let Some(other) = string_value(&serde, "into") {
        return Some(parse_quote!(#[ts(as = #other)]));
    }
    find_key(&serde, &["transparent"])?;
    let Data::Struct(data) = &input.data else { return None };
    if !matches!(data.fields, Fields::Named(_)) {
        return None;
    }
    let field = data.fields.iter().find(|field| !is_skipped(&field.attrs))?;
    let ty = string_literal(&field.ty, Span::call_site());
    Some(parse_quote!(#[ts(as = #ty)]))
}

fn variant_attributes(variant: &syn::Variant) -> Vec<Attribute> {
    let mut found = rename(&variant.attrs);
    let named = matches!(variant.fields, Fields::Named(_));
    let ts = attribute_options(&variant.attrs, "ts");
    if named && find_key(&ts, &["type", "as", "optional_fields"]).is_none() {
        found.push(parse_quote!(#[ts(optional_fields = nullable)]));
    }
    found
}

fn field_attributes(field: &Field, krate: &Path) -> Vec<Attribute> {
    let mut found = if field.ident.is_some() { rename(&field.attrs) } else { Vec::new() };
    let (serde, ts) =
        (attribute_options(&field.attrs, "serde"), attribute_options(&field.attrs, "ts"));
    let is_flat = find_key(&serde, &["flatten"]).is_some() || find_key(&ts, &["flatten"]).is_some();
    let may_be_omitted = find_key(&serde, &["skip_serializing", "skip_serializing_if"]).is_some();
    // Serde reads an absent `Option` as `None` only without a function of the user.
    let is_required = find_key(&serde, &["with", "deserialize_with"]).is_some()
        && find_key(&serde, &["default"]).is_none();
    if field.ident.is_some() && !is_flat && find_key(&ts, &["optional"]).is_none() {
        if may_be_omitted {
            // With `nullable`, `ts-rs` does not change the type.
            found.push(parse_quote!(#[ts(optional = nullable)]));
        } else if is_required {
            found.push(parse_quote!(#[ts(optional = false)]));
        }
    }
    if is_flat
        || has_explicit_type(&field.attrs)
        || is_skipped(&field.attrs)
        || is_std_type(&field.ty)
    {
        return found;
    }
    // The same type, through a trait whose error message names Parlor's fix. `ts-rs` would replace a
    // `_` with the type of the field, hence `infer!()`.
    let ty = &field.ty;
    let this = quote!(<#ty as #krate::__private::HasTypeScript<#krate::__private::infer!()>>::This);
    let this = string_literal(this, first_and_last_span(ty).0);
    found.push(parse_quote!(#[ts(as = #this)]));
    found
}

/// `#[ts(rename = ..)]` for a name that needs escapes: `ts-rs` does not add them.
fn rename(attrs: &[Attribute]) -> Vec<Attribute> {
    if find_key(&attribute_options(attrs, "ts"), &["rename"]).is_some() {
        return Vec::new();
    }
    let name =
        string_value(&attribute_options(attrs, "serde"), "rename").and_then(|name| escaped(&name));
    name.map(|name| parse_quote!(#[ts(rename = #name)])).into_iter().collect()
}

/// The name as the content of a TypeScript string literal, if that differs from the name.
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

/// Replaces `*/` by `*\/`: it would end the TypeScript comment. Markdown shows both alike.
fn escape_docs(attrs: &mut [Attribute]) {
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

/// A part of the type that has attributes.
enum Item<'a> {
    Type(&'a mut DeriveInput),
    Variant(&'a mut syn::Variant),
    Field(&'a mut Field),
}

impl Item<'_> {
    fn attrs(&mut self) -> &mut Vec<Attribute> {
        match self {
            Self::Type(input) => &mut input.attrs,
            Self::Variant(variant) => &mut variant.attrs,
            Self::Field(field) => &mut field.attrs,
        }
    }
}

fn for_each_item(input: &mut DeriveInput, visit: &mut dyn FnMut(Item<'_>)) {
    visit(Item::Type(input));
    match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().for_each(|field| visit(Item::Field(field))),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                visit(Item::Variant(variant));
                variant.fields.iter_mut().for_each(|field| visit(Item::Field(field)));
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
