//! Formats the types that `ts-rs` writes on one line: one field per line, indented by two spaces.

use super::syntax::{Kind, Node, is_punctuation};
use super::{docs, names};

/// The longest line, in characters.
const MAX_WIDTH: usize = 100;

/// Formats a type on a line that is indented by `indent` and has `column` characters already.
pub(super) fn value(nodes: &[Node], indent: usize, column: usize) -> String {
    render(nodes, indent, column)
}

/// Formats a declaration such as `type Name<T> = { .. }`, from what is before and after the `=`.
pub(super) fn declaration(head: &[Node], body: &[Node], indent: usize) -> Result<String, String> {
    let head = flat(head).ok_or("its name contains a comment")?;
    let body = match body {
        // An object of several fields has one line per field, even if all fit on one line.
        [Node::Group { open: '{', members, .. }] if members.len() > 1 => object(members, indent),
        body => render(body, indent, indent + "export  = ".len() + head.len()),
    };
    Ok(format!("{head} ={}", with_space(body)))
}

/// Formats the nodes on one line. `None` if there is a comment, which needs its own line.
fn flat(nodes: &[Node]) -> Option<String> {
    let mut line = String::new();
    for node in nodes {
        match node {
            Node::Comment(_) => return None,
            Node::Token { text, spaced, .. } => {
                line.push_str(if *spaced { " " } else { "" });
                line.push_str(text);
            }
            Node::Group { open, members, spaced } => {
                line.push_str(if *spaced { " " } else { "" });
                line.push_str(&flat_group(*open, members)?);
            }
        }
    }
    Some(line)
}

fn flat_group(open: char, members: &[Vec<Node>]) -> Option<String> {
    let members: Option<Vec<String>> = members
        .iter()
        .map(|member| {
            if open != '{' {
                return flat(member);
            }
            let (key, value) = field(member)?;
            let value = flat(value)?;
            Some(if key.is_empty() { value } else { key + &with_space(value) })
        })
        .collect();
    let members = members?;
    Some(match open {
        '{' if members.is_empty() => "{}".to_owned(),
        '{' => format!("{{ {} }}", members.join("; ")),
        '<' => format!("<{}>", members.join(", ")),
        '[' => format!("[{}]", members.join(", ")),
        _ => format!("({})", members.join(", ")),
    })
}

/// Splits `key: value`, and removes quotes of the key that are not needed.
fn field(member: &[Node]) -> Option<(String, &[Node])> {
    let colon =
        member.iter().position(|node| is_punctuation(node, ":") || is_punctuation(node, "?:"));
    let Some(colon) = colon else { return Some((String::new(), member)) };
    let (key, value) = member.split_at(colon + 1);
    let key = match key {
        [Node::Token { text, kind: Kind::String, .. }, Node::Token { text: colon, .. }] => {
            let inner = text.get(1..text.len() - 1).unwrap_or_default();
            if names::is_plain(inner) {
                format!("{inner}{colon}")
            } else {
                format!("{text}{colon}")
            }
        }
        [Node::Token { text, kind: Kind::Word, .. }, Node::Token { text: colon, .. }] => {
            format!("{}{colon}", names::key(text))
        }
        key => flat(key)?,
    };
    Some((key, value))
}

fn render(nodes: &[Node], indent: usize, column: usize) -> String {
    if let Some(line) = flat(nodes).filter(|line| column + line.chars().count() <= MAX_WIDTH) {
        return line;
    }
    let pad = " ".repeat(indent + 2);
    let alternatives: Vec<_> =
        nodes.split(|node| is_punctuation(node, "|")).filter(|part| !part.is_empty()).collect();
    if alternatives.len() > 1 {
        let lines = alternatives.iter().map(|part| {
            let part = render(part, indent + 4, indent + 4);
            format!("\n{pad}| {}", part.trim_start())
        });
        return lines.collect();
    }
    let mut text = String::new();
    for node in nodes {
        match node {
            Node::Comment(_) => {}
            Node::Token { text: token, spaced, .. } => {
                text.push_str(if *spaced { " " } else { "" });
                text.push_str(token);
            }
            Node::Group { open, members, spaced } => {
                text.push_str(if *spaced { " " } else { "" });
                text.push_str(&group(*open, members, indent, column + text.len()));
            }
        }
    }
    text
}

fn group(open: char, members: &[Vec<Node>], indent: usize, column: usize) -> String {
    if let Some(line) = flat_group(open, members).filter(|line| column + line.len() <= MAX_WIDTH) {
        return line;
    }
    if open == '{' {
        return object(members, indent);
    }
    let members: Vec<_> = members.iter().map(|member| render(member, indent, column)).collect();
    let mut inner = members.join(", ");
    if inner.starts_with('\n') {
        inner.push('\n');
        inner.push_str(&" ".repeat(indent));
    }
    match open {
        '<' => format!("<{inner}>"),
        '[' => format!("[{inner}]"),
        _ => format!("({inner})"),
    }
}

/// Formats an object with one line per field.
fn object(members: &[Vec<Node>], indent: usize) -> String {
    let inner = indent + 2;
    let pad = " ".repeat(inner);
    let mut text = String::from("{\n");
    for member in members {
        let comments = member.iter().take_while(|node| matches!(node, Node::Comment(_))).count();
        for node in &member[..comments] {
            if let Node::Comment(comment) = node {
                text.push_str(&docs::comment(&comment_lines(comment), inner));
            }
        }
        let member = &member[comments..];
        let (key, value) = field(member).unwrap_or((String::new(), member));
        let value = render(value, inner, inner + key.len() + 1);
        let value = if key.is_empty() { value.trim_start().to_owned() } else { with_space(value) };
        text.extend([&pad, key.as_str(), value.as_str(), ";\n"]);
    }
    text.push_str(&" ".repeat(indent));
    text.push('}');
    text
}

/// Adds a space before a value that begins on the line of its key.
fn with_space(value: String) -> String {
    if value.starts_with(['\n', ' ']) { value } else { format!(" {value}") }
}

/// The lines of a comment, without the leading stars.
pub(super) fn comment_lines(comment: &str) -> Vec<String> {
    let lines = comment.lines().map(|line| {
        let line = line.trim_start();
        line.strip_prefix('*').unwrap_or(line)
    });
    docs::lines(lines)
}

#[cfg(test)]
mod tests {
    use super::super::syntax;
    use super::*;

    fn formatted(text: &str) -> String {
        let (head, body) = syntax::declaration(text).expect("a declaration");
        declaration(&head, &body, 0).expect("a name")
    }

    #[test]
    fn object_with_several_fields_has_one_line_per_field() {
        assert_eq!(
            formatted("type A = { a: string, \"b\"?: Array<number> | null, };"),
            "type A = {\n  a: string;\n  b?: Array<number> | null;\n}"
        );
        assert_eq!(formatted("type A = { a: string, };"), "type A = { a: string }");
        assert_eq!(formatted("type A = {  };"), "type A = {}");
    }

    #[test]
    fn comment_is_placed_before_its_field() {
        assert_eq!(
            formatted("type A = { \n/**\n * One.\n * Two.\n */\na: string, };"),
            "type A = {\n  /**\n   * One.\n   * Two.\n   */\n  a: string;\n}"
        );
    }

    #[test]
    fn long_union_has_one_line_per_alternative() {
        let long = "x".repeat(50);
        let text =
            format!("type A = {{ \"{long}\": string }} | {{ \"b-c\": {{ d: \"{long}\", }} }};");
        let expected =
            format!("type A =\n  | {{ {long}: string }}\n  | {{ \"b-c\": {{ d: \"{long}\" }} }}");
        assert_eq!(formatted(&text), expected);
    }

    #[test]
    fn short_declaration_is_unchanged() {
        for text in [
            "type Page<T = string, U> = Array<[T, U]>",
            "type A = { [key in string]?: Array<number> }",
            "type A = (a: string, b: number) => void",
            "type A = `a-${string}` | 'b'",
            "type A = -1 | 1.5",
            "type A = { type: \"a\" } & B",
            "type A = \"say \\\"hi\\\"; { <\" | 1",
        ] {
            assert_eq!(formatted(&format!("{text};")), text);
        }
    }
}
