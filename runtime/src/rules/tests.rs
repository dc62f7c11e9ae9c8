use std::collections::HashMap;

use serde_json::json;

use super::*;

/// The violation as JSON.
fn wire(result: Result<(), Violation>) -> serde_json::Value {
    serde_json::to_value(result.expect_err("a violation")).expect("JSON")
}

#[test]
fn length_counts_characters_of_strings_and_elements_of_collections() {
    assert_eq!(length("text", "äöü", Some(3), Some(3)), Ok(()));
    assert_eq!(length("tags", &vec![1, 2], Some(1), None), Ok(()));
    assert_eq!(length("map", &HashMap::from([(1, 2)]), None, Some(1)), Ok(()));
    let violation = wire(length("text", "secret", None, Some(3)));
    assert_eq!(violation["path"], "text");
    assert_eq!(violation["rule"], "length");
    assert_eq!(violation["max"], 3);
    assert_eq!(violation.get("min"), None);
    assert!(!violation.to_string().contains("secret"), "{violation}");
}

#[test]
fn range_includes_its_bounds_and_rejects_nan() {
    assert_eq!(range("age", &18u8, Some(18), Some(18)), Ok(()));
    assert_eq!(range("x", &-0.5, Some(-0.5), None), Ok(()));
    let violation = wire(range("age", &7u8, Some(18), Some(120)));
    assert_eq!((&violation["min"], &violation["max"]), (&json!(18), &json!(120)));
    assert_eq!(wire(range("x", &1.5, None, Some(1.25)))["max"], 1.25);
    assert_eq!(wire(range("x", &f64::NAN, Some(0.0), None))["rule"], "range");
}

#[test]
fn violation_of_inner_contains_the_index_of_the_element() {
    let grid = vec![vec![1u8, 2], vec![3, 40]];
    let row = |row: &Vec<u8>| inner("", row, |cell| range("", cell, None, Some(9)));
    let violation = wire(inner("grid", &grid, row));
    assert_eq!(violation["path"], "grid[1][1]");
    assert_eq!(inner("grid", &grid[..1], row), Ok(()));
}

#[test]
fn violation_of_nested_contains_the_path_inside_the_value() {
    struct Author {
        name: String,
    }

    impl garde::Validate for Author {
        type Context = ();

        fn validate_into(
            &self,
            (): &(),
            parent: &mut dyn FnMut() -> garde::Path,
            report: &mut garde::Report,
        ) {
            if self.name.is_empty() {
                report.append(parent().join("name"), garde::Error::new("empty"));
            }
        }
    }

    let author = Author { name: String::new() };
    assert_eq!(wire(nested("author", &author))["path"], "author.name");
    assert_eq!(wire(nested("", &author))["path"], "name");
    let authors = [author];
    let violation = wire(inner("authors", &authors, |author| nested("", author)));
    assert_eq!(violation["path"], "authors[0].name");
    assert_eq!(violation["rule"], "nested");
    assert_eq!(violation["message"], "empty");
}

#[test]
fn violation_of_custom_contains_the_message_of_the_function() {
    let even = |n: &u8| if n.is_multiple_of(2) { Ok(()) } else { Err("odd") };
    assert_eq!(custom("n", &2, even), Ok(()));
    assert_eq!(wire(custom("n", &3, even))["message"], "odd");
}

#[cfg(feature = "validate-email")]
#[test]
fn string_without_the_form_of_an_email_address_violates_email() {
    assert_eq!(email("to", "ada@example.org"), Ok(()));
    let violation = wire(email("to", "not-an-address"));
    assert_eq!(violation["rule"], "email");
    assert!(!violation.to_string().contains("not-an-address"), "{violation}");
}

#[cfg(feature = "validate-url")]
#[test]
fn string_that_is_no_url_violates_url() {
    assert_eq!(url("page", "https://example.org/a?b"), Ok(()));
    assert_eq!(wire(url("page", "example"))["rule"], "url");
}

#[cfg(feature = "validate-pattern")]
#[test]
fn pattern_matches_unicode_and_rejects_all_values_if_it_is_too_large() {
    static WORD: Pattern = Pattern::new(|| compile(r"^\w+$"));
    static TOO_LARGE: Pattern = Pattern::new(|| compile(r"(\w{100}){100}{100}"));
    assert_eq!(pattern("name", "Zoë", &WORD), Ok(()));
    assert_eq!(wire(pattern("name", "a b", &WORD))["rule"], "pattern");
    assert_eq!(wire(pattern("name", "a", &TOO_LARGE))["rule"], "pattern");
}
