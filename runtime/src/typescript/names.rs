//! Names and strings in generated code: checked, quoted and escaped.

use super::TypeScriptError;

/// Keywords and built-in types of TypeScript.
const RESERVED: [&str; 61] = [
    "any",
    "arguments",
    "as",
    "async",
    "await",
    "bigint",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "never",
    "new",
    "null",
    "number",
    "object",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "string",
    "super",
    "switch",
    "symbol",
    "this",
    "throw",
    "true",
    "try",
    "type",
    "typeof",
    "undefined",
    "unknown",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Global types that the generated code uses.
const GLOBALS: [&str; 2] = ["Array", "Record"];

/// The generated interfaces in the namespace of each procedure.
const NAMESPACE_INTERFACES: [&str; 4] = ["Incoming", "Outgoing", "Answers", "Errors"];

/// The interface of all procedures.
pub(super) const ROUTER: &str = "AppRouter";

/// Returns whether a key needs no quotes, in every version of TypeScript.
pub(super) fn is_plain(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

/// Returns whether a type can have this name.
fn is_identifier(name: &str) -> bool {
    // Identifiers of Rust are valid in TypeScript too.
    let start = |c: char| c.is_alphabetic() || matches!(c, '_' | '$');
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_alphanumeric())
}

/// A key of an object, in quotes if needed.
pub(super) fn key(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { quoted(name) }
}

/// A string literal.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                quoted.extend(c.escape_unicode());
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Checks the name of a procedure: it must not collide with the names that the client exports.
pub(super) fn procedure(name: &str, exported: &[&str]) -> Result<(), TypeScriptError> {
    let reason = not_an_identifier(name).or_else(|| {
        let taken = name == ROUTER || GLOBALS.contains(&name) || exported.contains(&name);
        taken.then_some("the generated client uses that name")
    });
    reason.map_or(Ok(()), |reason| {
        Err(TypeScriptError::Name {
            what: "a procedure".to_owned(),
            name: name.to_owned(),
            reason,
            fix: "#[procedure(name = \"..\")]",
        })
    })
}

/// Checks the name of a user's type.
pub(super) fn declared(name: &str, rust: &str) -> Result<(), TypeScriptError> {
    let reason = not_an_identifier(name).or_else(|| {
        let taken = NAMESPACE_INTERFACES.contains(&name) || GLOBALS.contains(&name);
        taken.then_some("the generated code uses that name")
    });
    reason.map_or(Ok(()), |reason| {
        Err(TypeScriptError::Name {
            what: format!("`{rust}`"),
            name: name.to_owned(),
            reason,
            fix: "#[ts(rename = \"..\")]",
        })
    })
}

fn not_an_identifier(name: &str) -> Option<&'static str> {
    if !is_identifier(name) {
        return Some("it is not an identifier");
    }
    RESERVED.contains(&name).then_some("it is reserved in TypeScript")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_in_a_string_are_escaped() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
        assert_eq!(quoted("\u{2028}\u{0}`${x}"), "\"\\u{2028}\\u{0}`${x}\"");
    }

    #[test]
    fn key_that_is_no_plain_identifier_is_quoted() {
        for (name, expected) in [
            ("text", "text"),
            ("$x_1", "$x_1"),
            ("class", "class"),
            ("", "\"\""),
            ("1st", "\"1st\""),
            ("kebab-case", "\"kebab-case\""),
            ("größe", "\"größe\""),
        ] {
            assert_eq!(key(name), expected);
        }
    }

    #[test]
    fn reserved_or_generated_name_is_an_error() {
        for name in ["AppRouter", "Array", "class", "string", "a b", "", "1st", "Socket", "a*/b"] {
            assert!(procedure(name, &["Socket"]).is_err(), "{name}");
        }
        for name in ["Incoming", "Errors", "Record", "unknown", "Page<T>"] {
            assert!(declared(name, "x::Y").is_err(), "{name}");
        }
        procedure("Übung", &[]).expect("a valid name");
        declared("AppRouter", "x::Y").expect("valid in a namespace");
    }
}
