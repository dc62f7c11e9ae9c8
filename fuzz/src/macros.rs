//! Tokens in any order, given to the macros.

use parlor_macros_as_lib::{expand_payload, expand_procedure};
use proc_macro2::TokenStream;

/// Words of which traits are made, right ones and wrong ones. Those that are missing come as text.
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

/// Deeper than anybody nests, and no deeper than a stack takes.
const DEPTH: usize = 32;

pub fn run(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 8 {
        0 => written(bytes, expand_procedure),
        1 => written(bytes, expand_payload),
        2..5 => a_trait("", &soup(bytes)),
        5 => {
            let (args, body) = halves(bytes);
            a_trait(&soup(args), &soup(body));
        }
        6 => {
            let (args, fields) = halves(bytes);
            anything(&soup(args), &format!("struct A {}", soup(fields)), expand_payload);
        }
        _ => {
            let (args, variants) = halves(bytes);
            anything(&soup(args), &format!("pub enum A {{ {} }}", soup(variants)), expand_payload);
        }
    }
}

type Macro = fn(TokenStream, TokenStream) -> TokenStream;

/// The bytes are the text of an item.
fn written(bytes: &[u8], expand: Macro) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let opened = text.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{' | b'<'));
    if opened.count() <= DEPTH {
        anything("", text, expand);
    }
}

fn anything(args: &str, item: &str, expand: Macro) {
    if let (Ok(args), Ok(item)) = (args.parse(), item.parse()) {
        expand(args, item);
    }
}

/// Whatever is in a trait, editors get Rust for it; default bodies are passed on as they are.
fn a_trait(args: &str, body: &str) {
    // An attribute of the trait itself that is none: rustc stops there and calls no macro.
    if body.starts_with("# ! ") && !body.starts_with("# ! [") {
        return;
    }
    let item = format!("pub trait Chat {{ {body} }}");
    if let (Ok(args), Ok(item)) = (args.parse(), item.parse()) {
        let code = expand_procedure(args, item);
        if !body.contains('{')
            && let Err(error) = syn::parse2::<syn::File>(code.clone())
        {
            panic!("not Rust ({error}) is what was made of {body}\n{code}");
        }
    }
}

fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let middle = bytes.iter().position(|byte| *byte == u8::MAX).unwrap_or(0);
    bytes.split_at(middle)
}

/// A word for each byte, with the brackets in pairs.
fn soup(bytes: &[u8]) -> String {
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
        if balanced && open.len() < DEPTH {
            text.push_str(word);
            text.push(' ');
        } else {
            open = before;
        }
    }
    text.extend(open.iter().rev());
    text
}
