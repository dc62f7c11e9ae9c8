//! Names and strings, so that nothing in them can be taken for code.

use super::TypeScriptError;

/// Words of the language, and the names of its own types.
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

/// What each procedure's namespace has already.
const NAMESPACE: [&str; 4] = ["Incoming", "Outgoing", "Answers", "Errors"];

/// The name of the interface of all procedures.
pub(super) const ROUTER: &str = "AppRouter";

/// Whether it can stand without quotes, in every version of the language.
pub(super) fn is_plain(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

/// Whether it can be the name of a type.
fn is_identifier(name: &str) -> bool {
    // Rust's identifiers are TypeScript's too.
    let start = |c: char| c.is_alphabetic() || matches!(c, '_' | '$');
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_alphanumeric())
}

/// A name as a key of an object.
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

/// Checks the name of a procedure, beside what the client exports.
pub(super) fn procedure(name: &str, exported: &[&str]) -> Result<(), TypeScriptError> {
    let reason = not_an_identifier(name).or_else(|| {
        let taken = name == ROUTER || GLOBALS.contains(&name) || exported.contains(&name);
        taken.then_some("the generated client has something of that name")
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

/// Checks the name of a type of the user's.
pub(super) fn declared(name: &str, rust: &str) -> Result<(), TypeScriptError> {
    let reason = not_an_identifier(name).or_else(|| {
        let taken = NAMESPACE.contains(&name) || GLOBALS.contains(&name);
        taken.then_some("the generated code has something of that name")
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
        return Some("it is no identifier");
    }
    RESERVED.contains(&name).then_some("it is a word of the language")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_ends_early() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
        assert_eq!(quoted("\u{2028}\u{0}`${x}"), "\"\\u{2028}\\u{0}`${x}\"");
    }

    #[test]
    fn keys_are_quoted_where_they_must_be() {
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
    fn names_that_mean_something_are_refused() {
        for name in ["AppRouter", "Array", "class", "string", "a b", "", "1st", "Socket", "a*/b"] {
            assert!(procedure(name, &["Socket"]).is_err(), "{name}");
        }
        for name in ["Incoming", "Errors", "Record", "unknown", "Page<T>"] {
            assert!(declared(name, "x::Y").is_err(), "{name}");
        }
        procedure("Übung", &[]).expect("a name");
        declared("AppRouter", "x::Y").expect("it is in a namespace");
    }
}
