//! Gives arbitrary tokens to the macros.

use parlor_macros_as_lib::{expand_payload, expand_procedure};
use proc_macro2::TokenStream;

/// Valid and invalid parts of traits. Inputs that are text may contain others.
const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ";",
    ":",
    "::",
    "=",
    "->",
    "=>",
    "&",
    "&&",
    "*",
    "-",
    "!",
    "?",
    ".",
    "..",
    "..=",
    "...",
    "|",
    "#",
    "@",
    "$",
    "'a",
    "'static",
    "_",
    "async",
    "await",
    "const",
    "crate",
    "dyn",
    "enum",
    "extern",
    "fn",
    "for",
    "impl",
    "in",
    "let",
    "macro_rules",
    "mod",
    "mut",
    "pub",
    "ref",
    "return",
    "self",
    "Self",
    "static",
    "struct",
    "super",
    "trait",
    "type",
    "union",
    "unsafe",
    "use",
    "where",
    "box",
    "default",
    "async fn",
    "fn a",
    "&mut self",
    "async fn say(&mut self, text: String);",
    "async fn add(&mut self, a: i64, #[field(default)] b: i64) -> Result<i64, String>;",
    "fn said(text: String, from: Option<u64>);",
    "fn told(#[payload] what: Vec<Message>);",
    "#[incoming]",
    "#[outgoing]",
    "#[outgoing(volatile)]",
    "#[incoming(name = \"a b\")]",
    "#[incoming(",
    "#[cfg_attr(all(), payload)]",
    "#[cfg_attr(unix, cfg_attr(any(), cfg(windows)))]",
    "#[payload]",
    "#[field(default)]",
    "#[field(name = \"$\")]",
    "#[field(name = \"\", default = 7)]",
    "#[validate(length(min = 1, max = MOST))]",
    "#[validate(range(min = -1.5, max = 1e999))]",
    "#[validate(pattern(\"^(\"), email, url)]",
    "#[validate(inner(inner(nested)), custom(a::b))]",
    "#[validate(length(equal = 1, equal = 2))]",
    "#[validate(",
    "#[cfg(any())]",
    "#[deprecated]",
    "#[doc = \"\"]",
    "/// words\n",
    "#[serde(tag = \"type\", rename_all = \"snake_case\")]",
    "#[serde(untagged)]",
    "#[ts(type = \"string\")]",
    "incoming",
    "outgoing",
    "payload",
    "field",
    "validate",
    "volatile",
    "name",
    "rename_all",
    "typescript",
    "length",
    "range",
    "min",
    "max",
    "equal",
    "pattern",
    "email",
    "url",
    "inner",
    "nested",
    "custom",
    "\"\"",
    "\"camelCase\"",
    "\"kebab-case\"",
    "\"ping\"",
    "\"$ok\"",
    "\"\\u{0}\"",
    "b\"a\"",
    "c\"a\"",
    "'a'",
    "0",
    "1",
    "-1",
    "1.5",
    "1e999",
    "18446744073709551616",
    "0xffu8",
    "true",
    "a",
    "b",
    "r#type",
    "r#a",
    "A",
    "B",
    "String",
    "Option<",
    "Vec<",
    "Result<",
    "u64",
    "&str",
    "ping",
    "connect",
    "close",
    "resumed",
    "disconnected",
    "connection",
    "text",
    "étoile",
    "_a",
    "__a",
    "Item = u8",
    "T: Clone",
    "(A, B)",
    "latest",
    "#[outgoing(latest)]",
    "#[outgoing(latest = a.b)]",
];

/// The deepest nesting: more than real code has, and not too deep for the stack.
const MAX_DEPTH: usize = 32;

/// Each condition doubles the calls of the macro.
const MAX_CONDITIONS: u32 = 6;

pub fn run(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 8 {
        0 => expand_text(bytes, expand_procedure),
        1 => expand_text(bytes, expand_payload),
        2..5 => expand_trait("", &words(bytes)),
        5 => {
            let (options, body) = split(bytes);
            expand_trait(&words(options), &words(body));
        }
        6 => {
            let (options, fields) = split(bytes);
            expand_item(&words(options), &format!("struct A {}", words(fields)), expand_payload);
        }
        _ => {
            let (options, variants) = split(bytes);
            let item = format!("pub enum A {{ {} }}", words(variants));
            expand_item(&words(options), &item, expand_payload);
        }
    }
}

type Macro = fn(TokenStream, TokenStream) -> TokenStream;

/// Expands an item; the bytes are its text.
fn expand_text(bytes: &[u8], expand: Macro) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let opened = text.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{' | b'<'));
    if opened.count() <= MAX_DEPTH {
        expand_item("", text, expand);
    }
}

fn expand_item(options: &str, item: &str, expand: Macro) {
    if let (Ok(options), Ok(item)) = (options.parse(), item.parse()) {
        expand(options, item);
    }
}

/// Expands a trait. The generated code must parse, because editors use it. Default bodies are not
/// parsed by the macro.
fn expand_trait(options: &str, body: &str) {
    // An invalid inner attribute of the trait: rustc stops there and calls no macro.
    if body.starts_with("# ! ") && !body.starts_with("# ! [") {
        return;
    }
    let item = format!("pub trait Chat {{ {body} }}");
    if let (Ok(options), Ok(item)) = (options.parse(), item.parse()) {
        expand_and_parse(&options, item, MAX_CONDITIONS);
    }
}

/// With a condition, the macro returns two calls of itself, which are expanded too.
fn expand_and_parse(options: &TokenStream, item: TokenStream, conditions: u32) {
    let text = item.to_string();
    let code = expand_procedure(options.clone(), item);
    let tokens: Vec<_> = code.clone().into_iter().collect();
    // `#[cfg(..)]`, the call, and the four tokens of the trait; twice.
    if tokens.len() == 16 && tokens[1].to_string().starts_with("[cfg") {
        for call in tokens.chunks(8).filter(|_| conditions > 0) {
            expand_and_parse(options, call[4..].iter().cloned().collect(), conditions - 1);
        }
    } else if text.matches('{').count() == 1
        && let Err(error) = syn::parse2::<syn::File>(code.clone())
    {
        panic!("the expansion of {text} is not Rust: {error}\n{code}");
    }
}

/// Splits at the first byte 255.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let middle = bytes.iter().position(|byte| *byte == u8::MAX).unwrap_or(0);
    bytes.split_at(middle)
}

/// Joins one of `WORDS` per byte. Brackets are balanced.
fn words(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut open = Vec::new();
    for byte in bytes {
        let Some(word) = WORDS.get(usize::from(*byte)) else { continue };
        let mut balanced = true;
        let before = open.clone();
        for letter in word.chars() {
            match letter {
                '(' => open.push(')'),
                '[' => open.push(']'),
                '{' => open.push('}'),
                ')' | ']' | '}' => balanced &= open.pop() == Some(letter),
                _ => {}
            }
        }
        if balanced && open.len() < MAX_DEPTH {
            text.push_str(word);
            text.push(' ');
        } else {
            open = before;
        }
    }
    text.extend(open.iter().rev());
    text
}
