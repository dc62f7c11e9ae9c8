//! Where the type of what clients send differs from the type of what the server sends.
//!
//! `ts-rs` writes one type. These attributes put marks into it, from which the generator makes both:
//! `runtime/src/typescript/direction.rs` has the table.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, LitChar, LitStr, Path, Variant, parse_quote,
};

use super::serde_names::{TwoNames, field_name, variant_name};
use super::typescript::{escaped, has_explicit_type, is_skipped};
use super::{attribute_options, find_key, string_value};
use crate::errors::Errors;
use crate::model::{last_segment, unraw};
use crate::options::{AttributeOption, OptionValue};
use crate::tokens::{first_and_last_span, string_literal};

/// Whether a field is in the input, and in the output: characters of `Directed`.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Occurrence {
    input: char,
    output: char,
}

const ALWAYS: char = 'a';
const SOMETIMES: char = 's';
/// Sometimes, but not as `null`.
const VALUE: char = 'v';
const NEVER: char = 'n';

impl Occurrence {
    /// `None` for a field that is always in both, and for one whose occurrence `#[ts(..)]` sets.
    fn of(field: &Field, has_default: bool) -> Option<Self> {
        let serde = attribute_options(&field.attrs, "serde");
        let has = |names: &[&str]| find_key(&serde, names).is_some();
        let ts = attribute_options(&field.attrs, "ts");
        let is_set = find_key(&ts, &["optional", "flatten"]).is_some();
        if is_set || has(&["flatten"]) || is_skipped(&field.attrs) {
            return None;
        }
        let is_option = last_segment(&field.ty).is_some_and(|last| last.ident == "Option");
        // Serde reads an absent `Option` as `None` only without a function of the user, and not in a tuple.
        let reads_none = is_option && field.ident.is_some() && !has(&["with", "deserialize_with"]);
        let input = if has(&["skip_deserializing"]) {
            NEVER
        } else if has_default || has(&["default"]) || reads_none {
            SOMETIMES
        } else {
            ALWAYS
        };
        let output = if has(&["skip_serializing"]) {
            NEVER
        } else if !has(&["skip_serializing_if"]) {
            ALWAYS
        } else if is_option && skips_none(&serde) && !has_explicit_type(&field.attrs) {
            VALUE
        } else {
            SOMETIMES
        };
        let occurrence = Self { input, output };
        (occurrence != Self { input: ALWAYS, output: ALWAYS }).then_some(occurrence)
    }

    /// The attributes of a field with this occurrence. Its type is `ty` unless `#[ts(..)]` sets another.
    pub(super) fn attributes(
        self,
        field: &Field,
        ty: &TokenStream,
        krate: &Path,
    ) -> Vec<Attribute> {
        let Self { input, output } = self;
        let ts = attribute_options(&field.attrs, "ts");
        let marked: Attribute = if let Some(set) = string_value(&ts, "type") {
            let marked = format!("$field_{input}{output}<{}>", set.value());
            let marked = LitStr::new(&marked, set.span());
            parse_quote!(#[ts(type = #marked)])
        } else {
            let set = string_value(&ts, "as");
            let ty = set.as_ref().and_then(|set| set.parse().ok()).unwrap_or_else(|| ty.clone());
            let [input, output] = [input, output].map(|c| LitChar::new(c, Span::call_site()));
            let marked = quote!(#krate::__private::Directed<#ty, #input, #output>);
            let marked = string_literal(marked, first_and_last_span(&field.ty).0);
            parse_quote!(#[ts(as = #marked)])
        };
        vec![marked, parse_quote!(#[ts(optional = false)])]
    }
}

/// Returns whether the field is left out only if it is `None`.
fn skips_none(serde: &[AttributeOption]) -> bool {
    let path = string_value(serde, "skip_serializing_if");
    let path = path.and_then(|path| path.parse::<Path>().ok());
    path.is_some_and(|path| {
        let mut last = path.segments.iter().rev().map(|segment| segment.ident.to_string());
        last.next().as_deref() == Some("is_none") && last.next().as_deref() == Some("Option")
    })
}

/// What `#[ts(..)]` has to say about one field.
#[derive(Default)]
pub(super) struct FieldMarks {
    pub(super) occurrence: Option<Occurrence>,
    /// The content of the name's string literal.
    pub(super) name: Option<String>,
}

/// The marks of the fields of a struct or variant. Their names follow `rule`.
pub(super) fn of_fields(fields: &Fields, rule: &TwoNames, has_default: bool) -> Vec<FieldMarks> {
    // A newtype is written as its only field.
    let is_newtype = matches!(fields, Fields::Unnamed(_)) && fields.len() == 1;
    let marks = fields.iter().map(|field| FieldMarks {
        occurrence: if is_newtype { None } else { Occurrence::of(field, has_default) },
        name: name_of_field(field, rule),
    });
    marks.collect()
}

fn name_of_field(field: &Field, rule: &TwoNames) -> Option<String> {
    let ident = field.ident.as_ref()?;
    let serde = attribute_options(&field.attrs, "serde");
    if find_key(&serde, &["flatten"]).is_some() || is_skipped(&field.attrs) {
        return None;
    }
    names(&unraw(ident), &field.attrs, rule, field_name).map(either)
}

/// One name, or the mark for two.
fn either([output, input]: [String; 2]) -> String {
    if output == input { output } else { format!("{output}\u{1f}{input}") }
}

/// The content of the string literal with the name of a variant.
pub(super) fn name_of_variant(variant: &Variant, rule: &TwoNames) -> Option<String> {
    let serde = attribute_options(&variant.attrs, "serde");
    let has = |name: &str| find_key(&serde, &[name]).is_some();
    let is_absent = [has("skip_serializing"), has("skip_deserializing")];
    let ident = unraw(&variant.ident);
    if is_skipped(&variant.attrs) {
        return None;
    }
    if is_absent == [false, false] {
        return names(&ident, &variant.attrs, rule, variant_name).map(either);
    }
    let set = string_value(&attribute_options(&variant.attrs, "ts"), "rename");
    let [output, input] = set.map_or_else(
        || {
            let set = TwoNames::read(&serde, "rename").unwrap_or_default();
            two_names(&ident, set, rule, variant_name)
        },
        |set| [set.value(), set.value()],
    );
    Some(match is_absent {
        [true, true] => "\u{1e}".to_owned(),
        [true, false] => format!("\u{1e}{input}"),
        _ => format!("{output}\u{1e}"),
    })
}

/// The names in the output and in the input; `None` if `ts-rs` reads the attributes itself.
fn names(
    ident: &str,
    attrs: &[Attribute],
    rule: &TwoNames,
    apply: fn(&str, &str) -> String,
) -> Option<[String; 2]> {
    if find_key(&attribute_options(attrs, "ts"), &["rename"]).is_some() {
        return None;
    }
    let set = TwoNames::read(&attribute_options(attrs, "serde"), "rename");
    let is_list = set.as_ref().map_or(rule.is_list, |set| set.is_list);
    is_list.then(|| two_names(ident, set.unwrap_or_default(), rule, apply))
}

fn two_names(
    ident: &str,
    set: TwoNames,
    rule: &TwoNames,
    apply: fn(&str, &str) -> String,
) -> [String; 2] {
    let name = |set: Option<String>, rule: &Option<String>| {
        escaped(&set.unwrap_or_else(|| apply(rule.as_deref().unwrap_or_default(), ident)))
    };
    [name(set.serialize, &rule.serialize), name(set.deserialize, &rule.deserialize)]
}

/// Reports what cannot be written for one direction only.
pub(super) fn check(input: &DeriveInput, errors: &mut Errors) {
    const SKIPS: [&str; 3] = ["skip_serializing", "skip_deserializing", "skip_serializing_if"];
    for field in super::typescript::fields(&input.data) {
        let serde = attribute_options(&field.attrs, "serde");
        let is_map =
            last_segment(&field.ty).is_some_and(|last| last.ident.to_string().ends_with("Map"));
        let is_flat = find_key(&serde, &["flatten"]).is_some() && !is_skipped(&field.attrs);
        if let Some(key) = find_key(&serde, &SKIPS).filter(|_| is_flat && !is_map) {
            errors.at(
                key,
                "a flattened field is always present in TypeScript: skip the fields in its type",
            );
        }
    }
    let Data::Enum(data) = &input.data else { return };
    let is_untagged = |attrs: &[Attribute]| {
        ["serde", "ts"]
            .iter()
            .any(|name| find_key(&attribute_options(attrs, name), &["untagged"]).is_some())
    };
    for variant in &data.variants {
        let serde = attribute_options(&variant.attrs, "serde");
        let has_no_name = is_untagged(&input.attrs) || is_untagged(&variant.attrs);
        if let Some(key) = find_key(&serde, &SKIPS).filter(|_| has_no_name) {
            errors.at(
                key,
                "a variant without a tag is always present in TypeScript: use two enums, one for each direction",
            );
        }
    }
}

/// Splits `#[serde(a, b(..))]` into `#[serde(a)] #[serde(b(..))]`: `ts-rs` skips a whole attribute if it
/// cannot read one of its options.
pub(super) fn split_lists(attrs: &mut Vec<Attribute>) {
    let is_split = |attr: &Attribute| {
        let options = attribute_options(std::slice::from_ref(attr), "serde");
        options.len() > 1
            && options.iter().any(|option| matches!(option.value, OptionValue::List(_)))
    };
    if !attrs.iter().any(is_split) {
        return;
    }
    let split = std::mem::take(attrs)
        .into_iter()
        .flat_map(|attr| if is_split(&attr) { one_option_each(&attr) } else { vec![attr] });
    *attrs = split.collect();
}

/// Splits an attribute of serde.
pub(super) fn one_option_each(attr: &Attribute) -> Vec<Attribute> {
    if !attr.path().is_ident("serde") {
        return vec![attr.clone()];
    }
    let options = attribute_options(std::slice::from_ref(attr), "serde").into_iter();
    let options = options.map(AttributeOption::into_tokens);
    options.map(|option| parse_quote!(#[serde(#option)])).collect()
}
