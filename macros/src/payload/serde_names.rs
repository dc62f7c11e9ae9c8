//! The names that serde gives fields and variants, which may differ between what it writes and what it reads.

use syn::{Attribute, Variant};

use super::{attribute_options, string_value};
use crate::errors::Errors;
use crate::model::unraw;
use crate::options::{AttributeOption, OptionValue, options};

/// A name, or a rule for names: in what serde writes, and in what it reads.
#[derive(Clone, Default)]
pub(super) struct TwoNames {
    pub(super) serialize: Option<String>,
    pub(super) deserialize: Option<String>,
    /// Whether it has the form `name(serialize = "..", deserialize = "..")`, which `ts-rs` does not read.
    pub(super) is_list: bool,
}

impl TwoNames {
    /// Reads `name = ".."` or `name(serialize = "..", deserialize = "..")`.
    pub(super) fn read(serde: &[AttributeOption], name: &str) -> Option<Self> {
        let option = serde.iter().find(|option| option.name() == name)?;
        let OptionValue::List(list) = &option.value else {
            let name = string_value(serde, name).map(|name| name.value());
            return Some(Self { serialize: name.clone(), deserialize: name, is_list: false });
        };
        let names = options(list.stream(), &mut Errors::default());
        let name = |key| string_value(&names, key).map(|name| name.value());
        let (serialize, deserialize) = (name("serialize"), name("deserialize"));
        Some(Self { serialize, deserialize, is_list: true })
    }

    /// The rule `name` of the attributes. Without one, `#[payload]` adds camelCase.
    pub(super) fn rule(attrs: &[Attribute], name: &str) -> Option<Self> {
        if super::find_key(&attribute_options(attrs, "ts"), &[name]).is_some() {
            return Some(Self::default());
        }
        Self::read(&attribute_options(attrs, "serde"), name)
    }

    pub(super) fn camel_case() -> Self {
        let rule = Some("camelCase".to_owned());
        Self { serialize: rule.clone(), deserialize: rule, is_list: false }
    }
}

/// The names in what serde writes for a `#[payload]` type, without those of TypeScript.
pub(crate) struct WrittenNames {
    /// The name of the type, if it is set.
    own: Option<String>,
    /// The rule for the fields of a struct, or for the variants of an enum.
    rule: String,
    /// The rule for the fields of variants.
    rule_of_fields: String,
}

impl WrittenNames {
    pub(crate) fn of_type(attrs: &[Attribute]) -> Self {
        Self {
            own: written(attrs, "rename"),
            rule: written_rule(attrs, "rename_all"),
            rule_of_fields: written_rule(attrs, "rename_all_fields"),
        }
    }

    /// The names in a variant.
    pub(crate) fn in_variant(&self, variant: &Variant) -> Self {
        let rule = written(&variant.attrs, "rename_all");
        let rule = rule.unwrap_or_else(|| self.rule_of_fields.clone());
        Self { own: None, rule_of_fields: rule.clone(), rule }
    }

    pub(crate) fn of_struct(&self, ident: &str) -> String {
        self.own.clone().unwrap_or_else(|| ident.to_owned())
    }

    pub(crate) fn of_field(&self, ident: &str, attrs: &[Attribute]) -> String {
        written(attrs, "rename").unwrap_or_else(|| field_name(&self.rule, ident))
    }

    pub(crate) fn of_variant(&self, variant: &Variant) -> String {
        let name = written(&variant.attrs, "rename");
        name.unwrap_or_else(|| variant_name(&self.rule, &unraw(&variant.ident)))
    }
}

/// Without a rule, `#[payload]` adds camelCase.
fn written_rule(attrs: &[Attribute], name: &str) -> String {
    let rule = TwoNames::read(&attribute_options(attrs, "serde"), name);
    rule.unwrap_or_else(TwoNames::camel_case).serialize.unwrap_or_default()
}

fn written(attrs: &[Attribute], name: &str) -> Option<String> {
    TwoNames::read(&attribute_options(attrs, "serde"), name)?.serialize
}

/// The name of a field by a value of `rename_all`.
pub(super) fn field_name(rule: &str, ident: &str) -> String {
    let pascal = || {
        let words = ident.split('_').map(str::chars);
        let words = words.flat_map(|mut word| {
            let first = word.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(word)
        });
        words.collect::<String>()
    };
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => ident.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => first_lowercase(&pascal()),
        "kebab-case" => ident.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => ident.to_ascii_uppercase().replace('_', "-"),
        _ => ident.to_owned(),
    }
}

/// The name of a variant by a value of `rename_all`.
pub(super) fn variant_name(rule: &str, ident: &str) -> String {
    let snake = || {
        let mut snake = String::new();
        for (at, c) in ident.char_indices() {
            if at > 0 && c.is_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        snake
    };
    match rule {
        "lowercase" => ident.to_ascii_lowercase(),
        "UPPERCASE" => ident.to_ascii_uppercase(),
        "camelCase" => first_lowercase(ident),
        "snake_case" => snake(),
        "SCREAMING_SNAKE_CASE" => snake().to_ascii_uppercase(),
        "kebab-case" => snake().replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => snake().to_ascii_uppercase().replace('_', "-"),
        _ => ident.to_owned(),
    }
}

fn first_lowercase(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_serde() {
        for (rule, field, variant) in [
            ("lowercase", "user_id", "darkgreen"),
            ("UPPERCASE", "USER_ID", "DARKGREEN"),
            ("PascalCase", "UserId", "DarkGreen"),
            ("camelCase", "userId", "darkGreen"),
            ("snake_case", "user_id", "dark_green"),
            ("SCREAMING_SNAKE_CASE", "USER_ID", "DARK_GREEN"),
            ("kebab-case", "user-id", "dark-green"),
            ("SCREAMING-KEBAB-CASE", "USER-ID", "DARK-GREEN"),
            ("", "user_id", "DarkGreen"),
        ] {
            assert_eq!(field_name(rule, "user_id"), field, "{rule}");
            assert_eq!(variant_name(rule, "DarkGreen"), variant, "{rule}");
        }
    }
}
