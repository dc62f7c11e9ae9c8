//! `#[ts(..)]` attributes that make the TypeScript type match what serde writes.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Expr, Field, Fields, Lit, LitStr, Meta, Path, parse_quote,
};

use super::directions::{self, FieldMarks};
use super::serde_names::TwoNames;
use super::{attribute_options, find_key, string_value};
use crate::errors::Errors;
use crate::model::is_std_type;
use crate::options::OptionValue;
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
    };
    check_attributes(&input.attrs);
    if let Data::Enum(data) = &input.data {
        data.variants.iter().for_each(|variant| check_attributes(&variant.attrs));
    }
    fields(&input.data).for_each(|field| check_attributes(&field.attrs));
    check_untagged_variants(input, errors);
    check_name(input, errors);
    directions::check(input, errors);
    errors.count() == before
}

/// Rejects two names for the type itself.
fn check_name(input: &DeriveInput, errors: &mut Errors) {
    let ts = attribute_options(&input.attrs, "ts");
    for option in attribute_options(&input.attrs, "serde") {
        let has_two_names =
            option.name() == "rename" && matches!(option.value, OptionValue::List(_));
        if has_two_names && find_key(&ts, &["rename", "type", "as"]).is_none() {
            errors.at(&option.key, "a type has one name in TypeScript: write `rename = \"..\"`");
        }
    }
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

pub(super) fn is_skipped(attrs: &[Attribute]) -> bool {
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
    let mut found = vec![crate_attribute(krate)];
    found.extend(transparent(input));
    let serde = attribute_options(&input.attrs, "serde");
    let ts = attribute_options(&input.attrs, "ts");
    for name in ["tag", "content"] {
        let Some(value) = string_value(&serde, name) else { continue };
        let mut text = escaped(&value.value());
        if matches!(input.data, Data::Struct(_)) && find_key(&ts, &["tag"]).is_none() {
            // Serde writes the tag of a struct, but does not read it.
            text.push('\u{1d}');
        }
        if text != value.value() {
            let option = syn::Ident::new(name, value.span());
            found.push(parse_quote!(#[ts(#option = #text)]));
        }
    }
    let is_explicit = find_key(&ts, &["type", "as", "optional_fields"]).is_some()
        || find_key(&serde, &["transparent"]).is_some();
    if !is_explicit && let Data::Struct(data) = &input.data {
        // In a tuple, an absent element would shift the others.
        if matches!(data.fields, Fields::Named(_)) {
            found.push(parse_quote!(#[ts(optional_fields = nullable)]));
        }
    }
    escape_all_docs(input);
    for_each_item(input, &mut |mut item| directions::split_lists(item.attrs()));
    let is_transparent = find_key(&serde, &["transparent"]).is_some();
    let rule = TwoNames::rule(&input.attrs, "rename_all");
    match &mut input.data {
        Data::Struct(data) => {
            let rule = rule.unwrap_or_else(TwoNames::camel_case);
            let has_default = find_key(&serde, &["default"]).is_some();
            let marks = if is_transparent {
                data.fields.iter().map(|_| FieldMarks::default()).collect()
            } else {
                directions::of_fields(&data.fields, &rule, has_default)
            };
            add_to_fields(&mut data.fields, marks, krate);
        }
        Data::Enum(data) => {
            let rule = rule.unwrap_or_else(TwoNames::camel_case);
            let field_rule = TwoNames::rule(&input.attrs, "rename_all_fields")
                .unwrap_or_else(TwoNames::camel_case);
            for variant in &mut data.variants {
                let added = variant_attributes(variant, &rule);
                // `ts-rs` takes the first of two names.
                variant.attrs.splice(0..0, added);
                let own_rule = TwoNames::rule(&variant.attrs, "rename_all");
                let rule = own_rule.as_ref().unwrap_or(&field_rule);
                let marks = directions::of_fields(&variant.fields, rule, false);
                add_to_fields(&mut variant.fields, marks, krate);
            }
        }
        Data::Union(_) => {}
    }
    found
}

fn add_to_fields(fields: &mut Fields, marks: Vec<FieldMarks>, krate: &Path) {
    for (field, marks) in fields.iter_mut().zip(marks) {
        let added = field_attributes(field, marks, krate);
        // `ts-rs` takes the first of two types.
        field.attrs.splice(0..0, added);
    }
}

/// `#[ts(as = ..)]` for a struct that serde writes as its only field.
fn transparent(input: &DeriveInput) -> Option<Attribute> {
    if has_explicit_type(&input.attrs) {
        return None;
    }
    find_key(&attribute_options(&input.attrs, "serde"), &["transparent"])?;
    let Data::Struct(data) = &input.data else { return None };
    if !matches!(data.fields, Fields::Named(_)) {
        return None;
    }
    let field = data.fields.iter().find(|field| !is_skipped(&field.attrs))?;
    let ty = string_literal(&field.ty, Span::call_site());
    Some(parse_quote!(#[ts(as = #ty)]))
}

fn variant_attributes(variant: &syn::Variant, rule: &TwoNames) -> Vec<Attribute> {
    let mut found = rename(&variant.attrs, directions::name_of_variant(variant, rule));
    let named = matches!(variant.fields, Fields::Named(_));
    let ts = attribute_options(&variant.attrs, "ts");
    if named && find_key(&ts, &["type", "as", "optional_fields"]).is_none() {
        found.push(parse_quote!(#[ts(optional_fields = nullable)]));
    }
    found
}

fn field_attributes(field: &Field, marks: FieldMarks, krate: &Path) -> Vec<Attribute> {
    let mut found =
        if field.ident.is_some() { rename(&field.attrs, marks.name) } else { Vec::new() };
    let (serde, ts) =
        (attribute_options(&field.attrs, "serde"), attribute_options(&field.attrs, "ts"));
    let is_flat = find_key(&serde, &["flatten"]).is_some() || find_key(&ts, &["flatten"]).is_some();
    let ty = typescript_type(field, krate);
    if let Some(occurrence) = marks.occurrence {
        found.extend(occurrence.attributes(field, &ty, krate));
        return found;
    }
    // An alias of `Option` that is read by a function of the user.
    let is_required = find_key(&serde, &["with", "deserialize_with"]).is_some();
    let is_set = find_key(&ts, &["optional"]).is_some();
    if field.ident.is_some() && !is_flat && is_required && !is_set {
        found.push(parse_quote!(#[ts(optional = false)]));
    }
    if is_flat
        || has_explicit_type(&field.attrs)
        || is_skipped(&field.attrs)
        || is_std_type(&field.ty)
    {
        return found;
    }
    let ty = string_literal(ty, first_and_last_span(&field.ty).0);
    found.push(parse_quote!(#[ts(as = #ty)]));
    found
}

/// The type of the field, through a trait whose error message names Parlor's fix. `ts-rs` would replace a
/// `_` with the type of the field, hence `infer!()`.
fn typescript_type(field: &Field, krate: &Path) -> TokenStream {
    let ty = &field.ty;
    if is_std_type(ty) {
        return quote!(#ty);
    }
    quote!(<#ty as #krate::__private::HasTypeScript<#krate::__private::infer!()>>::This)
}

/// `#[ts(rename = ..)]` for a name that `ts-rs` does not read, or to which it does not add escapes.
fn rename(attrs: &[Attribute], name: Option<String>) -> Vec<Attribute> {
    let name = name.or_else(|| {
        if find_key(&attribute_options(attrs, "ts"), &["rename"]).is_some() {
            return None;
        }
        let name = string_value(&attribute_options(attrs, "serde"), "rename")?.value();
        let escaped = escaped(&name);
        (escaped != name).then_some(escaped)
    });
    name.map(|name| parse_quote!(#[ts(rename = #name)])).into_iter().collect()
}

/// The name as the content of a TypeScript string literal.
pub(super) fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                escaped.extend(c.escape_unicode());
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The path of `ts-rs`.
pub(super) fn crate_attribute(krate: &Path) -> Attribute {
    let ts_rs = string_literal(quote!(#krate::__private::ts_rs), Span::call_site());
    parse_quote!(#[ts(crate = #ts_rs)])
}

/// Keeps the attributes with these names, of the type, its variants and its fields.
pub(super) fn retain_attributes(input: &mut DeriveInput, names: &[&str]) {
    for_each_item(input, &mut |mut item| {
        item.attrs().retain(|attr| names.iter().any(|name| attr.path().is_ident(name)));
    });
}

pub(super) fn escape_all_docs(input: &mut DeriveInput) {
    for_each_item(input, &mut |mut item| escape_docs(item.attrs()));
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

pub(super) fn fields(data: &Data) -> Box<dyn Iterator<Item = &Field> + '_> {
    match data {
        Data::Struct(data) => Box::new(data.fields.iter()),
        Data::Enum(data) => Box::new(data.variants.iter().flat_map(|variant| &variant.fields)),
        Data::Union(_) => Box::new(std::iter::empty()),
    }
}
