//! The rules of `#[validate(..)]`, as sentences for docs and as data for the client.
//!
//! A client must not reject what the server accepts. Only the server checks rules whose result the JSON
//! does not determine exactly.

use super::description::Rule;
use super::names::quoted;

/// The rules of a value as sentences.
pub(super) fn sentences(rules: &[Rule], ty: &str, rust: &str) -> String {
    let sentences: Vec<_> = rules.iter().map(|rule| sentence(rule, ty, rust)).collect();
    sentences.join(" ")
}

/// The rules that clients check, as a literal of type `Rule[]`. `None` if clients check none.
pub(super) fn literal(rules: &[Rule], rust: &str) -> Option<String> {
    let rules: Vec<_> = rules.iter().filter_map(|rule| rule_literal(rule, rust)).collect();
    (!rules.is_empty()).then(|| format!("[{}]", rules.join(", ")))
}

/// `None` if only the server checks the rule.
fn rule_literal(rule: &Rule, rust: &str) -> Option<String> {
    match rule {
        // The server counts equal elements of a set, or equal keys of a map, once.
        Rule::Length { min, max } => {
            bounded("length", *min, max.filter(|_| !merges_elements(rust)))
        }
        // Rounding to an `f32` may move a number into the bounds.
        Rule::Range { min, max } if !has_word(rust, "f32") => bounded("range", *min, *max),
        Rule::Range { .. } | Rule::Nested | Rule::Custom => None,
        Rule::Pattern(pattern) => {
            let pattern = javascript(pattern)?;
            Some(format!("{{ rule: \"pattern\", pattern: {} }}", quoted(&pattern)))
        }
        Rule::Email => Some("{ rule: \"email\" }".to_owned()),
        Rule::Url => Some("{ rule: \"url\" }".to_owned()),
        Rule::Inner(rules) => {
            let rules = literal(rules, rust)?;
            Some(format!("{{ rule: \"inner\", rules: {rules} }}"))
        }
    }
}

#[cfg(feature = "validate-pattern")]
use super::pattern::javascript;

#[cfg(not(feature = "validate-pattern"))]
fn javascript(_: &str) -> Option<String> {
    None
}

fn bounded(rule: &str, min: Option<f64>, max: Option<f64>) -> Option<String> {
    let min = min.filter(|min| min.is_finite()).map(|min| format!(", min: {}", number(min)));
    let max = max.filter(|max| max.is_finite()).map(|max| format!(", max: {}", number(max)));
    let (min, max) = match (min, max) {
        (None, None) => return None,
        (min, max) => (min.unwrap_or_default(), max.unwrap_or_default()),
    };
    Some(format!("{{ rule: {}{min}{max} }}", quoted(rule)))
}

/// Returns whether several elements of the JSON may become one in Rust.
fn merges_elements(rust: &str) -> bool {
    let set = ["HashSet", "BTreeSet"].iter().any(|set| has_word(rust, set));
    let key = rust.split_once("Map<").map(|(_, key)| key);
    set || key.is_some_and(|key| !key.starts_with("alloc::string::String,"))
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

/// A number as JavaScript writes it.
fn number(number: f64) -> String {
    if number.abs() < 1e21 { number.to_string() } else { format!("{number:e}") }
}

fn sentence(rule: &Rule, ty: &str, rust: &str) -> String {
    match rule {
        Rule::Length { min, max } => {
            let text = range(*min, *max);
            let is_singular = [*min, *max].into_iter().flatten().next_back() == Some(1.0);
            format!("{text} {}.", unit(ty, is_singular))
        }
        Rule::Range { min, max } => format!("{}.", range(*min, *max)),
        Rule::Pattern(pattern) => {
            let by = if rule_literal(rule, rust).is_none() {
                " Checked by the server only."
            } else {
                ""
            };
            format!("Matches `{pattern}`.{by}")
        }
        Rule::Email => "An email address.".to_owned(),
        Rule::Url => "A URL.".to_owned(),
        Rule::Inner(rules) => {
            let element = ty.strip_prefix("Array<").and_then(|ty| ty.split(" | null").next());
            let element = element.map_or("", |ty| ty.strip_suffix('>').unwrap_or(ty));
            format!("Each: {}", sentences(rules, element, rust))
        }
        Rule::Nested => "Has rules of its own, checked by the server only.".to_owned(),
        Rule::Custom => "Has a further rule, checked by the server only.".to_owned(),
    }
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) if min.total_cmp(&max).is_eq() => format!("Exactly {}", number(min)),
        (Some(min), Some(max)) => format!("From {} to {}", number(min), number(max)),
        (Some(min), None) => format!("At least {}", number(min)),
        (None, Some(max)) => format!("At most {}", number(max)),
        (None, None) => "Any".to_owned(),
    }
}

/// The unit of a length.
fn unit(ty: &str, is_singular: bool) -> &'static str {
    match (ty.chars().next(), is_singular) {
        (Some('A' | '['), true) => "element",
        (Some('A' | '['), false) => "elements",
        (Some('{'), true) => "entry",
        (Some('{'), false) => "entries",
        (_, true) => "character",
        (_, false) => "characters",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRING: &str = "alloc::string::String";

    #[test]
    fn rule_gives_a_sentence() {
        let length = |min, max| Rule::Length { min, max };
        for (rule, ty, expected) in [
            (length(Some(1.0), Some(1000.0)), "string", "From 1 to 1000 characters."),
            (length(Some(1.0), None), "string | null", "At least 1 character."),
            (length(None, Some(5.0)), "Array<string>", "At most 5 elements."),
            (length(Some(2.0), Some(2.0)), "{ [key in string]: number }", "Exactly 2 entries."),
            (Rule::Range { min: Some(-0.5), max: None }, "number", "At least -0.5."),
            (
                Rule::Inner(vec![length(None, Some(3.0)), Rule::Email]),
                "Array<string> | null",
                "Each: At most 3 characters. An email address.",
            ),
        ] {
            assert_eq!(sentence(&rule, ty, STRING), expected);
        }
    }

    #[test]
    fn rules_give_a_literal_without_server_rules() {
        let rules = [
            Rule::Length { min: Some(1.0), max: None },
            Rule::Nested,
            Rule::Inner(vec![Rule::Url]),
            Rule::Range { min: None, max: Some(1e300) },
        ];
        assert_eq!(
            literal(&rules, STRING).as_deref(),
            Some(
                r#"[{ rule: "length", min: 1 }, { rule: "inner", rules: [{ rule: "url" }] }, { rule: "range", max: 1e300 }]"#
            )
        );
        assert_eq!(literal(&[Rule::Nested, Rule::Custom], STRING), None);
        assert_eq!(literal(&[Rule::Inner(vec![Rule::Custom])], STRING), None);
    }

    #[test]
    fn rule_that_the_json_does_not_determine_is_left_to_the_server() {
        let both = [Rule::Length { min: Some(1.0), max: Some(2.0) }];
        let set = "core::option::Option<std::collections::hash::set::HashSet<u8>>";
        assert_eq!(literal(&both, set).as_deref(), Some(r#"[{ rule: "length", min: 1 }]"#));
        let map = "alloc::collections::btree::map::BTreeMap<my::Key, u8>";
        assert_eq!(literal(&both, map).as_deref(), Some(r#"[{ rule: "length", min: 1 }]"#));
        let maps = "std::collections::hash::map::HashMap<uuid::Uuid, std::collections::hash::map::HashMap<alloc::string::String, u8>>";
        assert_eq!(literal(&both, maps).as_deref(), Some(r#"[{ rule: "length", min: 1 }]"#));
        let range = [Rule::Range { min: None, max: Some(0.1) }];
        assert_eq!(literal(&range, "core::option::Option<f32>"), None);
        assert!(literal(&range, "f64").is_some());
        let unbounded = [Rule::Range { min: Some(f64::NEG_INFINITY), max: Some(f64::NAN) }];
        assert_eq!(literal(&unbounded, "f64"), None);
    }
}
