//! Reads the rules of `#[validate(..)]`.

use proc_macro2::{Delimiter, Ident, Span};
use quote::ToTokens;
use syn::{Attribute, Expr, LitStr, Path};

use crate::errors::Errors;
use crate::options::{AttributeOption, OptionValue, distinct_options, list_tokens};

/// One rule; `span` is the span of its name.
pub(crate) struct Rule {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Length(Bounds),
    Range(Bounds),
    Pattern(LitStr),
    Email,
    Url,
    Inner(Vec<Rule>),
    Nested,
    Custom(Path),
}

#[derive(Default)]
pub(crate) struct Bounds {
    pub(crate) min: Option<Expr>,
    pub(crate) max: Option<Expr>,
}

/// Reads the rules of one `#[validate(..)]`. Wrong rules are reported and skipped.
pub(crate) fn read(attr: &Attribute, errors: &mut Errors) -> Vec<Rule> {
    if !cfg!(feature = "validate") {
        errors.at(attr, "`#[validate]` needs the feature `validate` of the crate `parlor`");
        return Vec::new();
    }
    let before = errors.count();
    let tokens = list_tokens(attr, "#[validate(length(max = 100))]", errors);
    let rules = read_all(tokens, errors);
    if rules.is_empty() && errors.count() == before {
        errors.at(attr, "`#[validate]` needs a rule: `#[validate(length(max = 100))]`");
    }
    rules
}

fn read_all(tokens: proc_macro2::TokenStream, errors: &mut Errors) -> Vec<Rule> {
    let mut rules = Vec::new();
    for option in distinct_options(tokens, errors) {
        match kind(&option, errors) {
            Ok(kind) => rules.push(Rule { span: option.key.span(), kind }),
            Err(error) => errors.add(error),
        }
    }
    rules
}

fn kind(rule: &AttributeOption, errors: &mut Errors) -> syn::Result<Kind> {
    let wrong = |message: &str| syn::Error::new(rule.key.span(), message);
    match rule.name().as_str() {
        "length" => bounds(rule, "length(min = 1, max = 100)", errors).map(Kind::Length),
        "range" => bounds(rule, "range(min = 1, max = 100)", errors).map(Kind::Range),
        "pattern" => {
            require_feature(cfg!(feature = "validate-pattern"), rule)?;
            let pattern = argument::<LitStr>(rule, "pattern(\"^[a-z]+$\")")?;
            check_pattern(&pattern)?;
            Ok(Kind::Pattern(pattern))
        }
        "email" => {
            require_feature(cfg!(feature = "validate-email"), rule)?;
            rule.expect_no_value().map(|()| Kind::Email)
        }
        "url" => {
            require_feature(cfg!(feature = "validate-url"), rule)?;
            rule.expect_no_value().map(|()| Kind::Url)
        }
        "inner" => match &rule.value {
            OptionValue::List(list) if !list.stream().is_empty() => {
                Ok(Kind::Inner(read_all(list.stream(), errors)))
            }
            _ => Err(wrong("write `inner(length(max = 100))`")),
        },
        "nested" => rule.expect_no_value().map(|()| Kind::Nested),
        "custom" => argument(rule, "custom(path::to_function)").map(Kind::Custom),
        name => Err(wrong(&format!(
            "unknown rule `{name}`: the rules are `length`, `range`, `pattern`, `email`, `url`, `inner`, `nested` and `custom`"
        ))),
    }
}

fn require_feature(enabled: bool, rule: &AttributeOption) -> syn::Result<()> {
    if enabled {
        return Ok(());
    }
    let name = &rule.key;
    let message = format!("`{name}` needs the feature `validate-{name}` of the crate `parlor`");
    Err(syn::Error::new(name.span(), message))
}

/// Parses the argument in the parentheses.
fn argument<T: syn::parse::Parse>(rule: &AttributeOption, example: &str) -> syn::Result<T> {
    let wrong = |span| syn::Error::new(span, format!("write `{example}`"));
    match &rule.value {
        OptionValue::List(list) if list.delimiter() == Delimiter::Parenthesis => {
            syn::parse2(list.stream()).map_err(|_| wrong(list.span()))
        }
        _ => Err(wrong(rule.key.span())),
    }
}

fn bounds(rule: &AttributeOption, example: &str, errors: &mut Errors) -> syn::Result<Bounds> {
    let wrong = |key: &Ident| syn::Error::new(key.span(), format!("write `{example}`"));
    let OptionValue::List(list) = &rule.value else {
        return Err(wrong(&rule.key));
    };
    let mut bounds = Bounds::default();
    let mut equal = None;
    for option in distinct_options(list.stream(), errors) {
        let slot = match option.name().as_str() {
            "min" => &mut bounds.min,
            "max" => &mut bounds.max,
            "equal" => &mut equal,
            name => {
                let message =
                    format!("`{}` takes `min`, `max` and `equal`, not `{name}`", rule.key);
                return Err(syn::Error::new(option.key.span(), message));
            }
        };
        *slot = Some(bound(&option)?);
    }
    match (equal, &bounds) {
        (None, Bounds { min: None, max: None }) => Err(wrong(&rule.key)),
        (None, _) => check_order(bounds),
        (Some(value), Bounds { min: None, max: None }) => {
            Ok(Bounds { min: Some(value.clone()), max: Some(value) })
        }
        (Some(value), _) => {
            Err(syn::Error::new_spanned(value, "`equal` sets both `min` and `max`: remove them"))
        }
    }
}

/// Parses a bound, and rejects literals that are no numbers.
fn bound(option: &AttributeOption) -> syn::Result<Expr> {
    let example = format!("{} = 1", option.key);
    let value: Expr = option.parse(&example)?;
    match &value {
        Expr::Lit(literal) if !matches!(literal.lit, syn::Lit::Int(_) | syn::Lit::Float(_)) => {
            Err(syn::Error::new_spanned(&value, "a bound must be a number or a constant"))
        }
        _ => Ok(value),
    }
}

/// Rejects literal bounds that no value can satisfy.
fn check_order(bounds: Bounds) -> syn::Result<Bounds> {
    let number = |bound: &Option<Expr>| -> Option<f64> {
        let text = bound.as_ref()?.to_token_stream().to_string();
        text.replace([' ', '_'], "").parse().ok()
    };
    match (number(&bounds.min), number(&bounds.max)) {
        (Some(min), Some(max)) if min > max => Err(syn::Error::new_spanned(
            &bounds.max,
            "`max` is less than `min`: no value would be valid",
        )),
        _ => Ok(bounds),
    }
}

#[cfg(feature = "validate-pattern")]
fn check_pattern(pattern: &LitStr) -> syn::Result<()> {
    regex_syntax::parse(&pattern.value()).map(drop).map_err(|error| {
        let reason = match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            error => error.to_string(),
        };
        syn::Error::new(pattern.span(), format!("invalid regular expression: {reason}"))
    })
}

#[cfg(not(feature = "validate-pattern"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as with the feature")]
fn check_pattern(_: &LitStr) -> syn::Result<()> {
    Ok(())
}
