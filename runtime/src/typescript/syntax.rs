//! Parses the types that `ts-rs` writes.

/// A type is a list of nodes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Token {
        text: String,
        kind: Kind,
        spaced: bool,
    },
    /// The text of a comment.
    Comment(String),
    /// `{..}`, `<..>`, `[..]` or `(..)`, and the members between its separators.
    Group {
        open: char,
        members: Vec<Vec<Node>>,
        spaced: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Word,
    String,
    Punctuation,
}

pub(super) fn is_punctuation(node: &Node, expected: &str) -> bool {
    matches!(node, Node::Token { text, kind: Kind::Punctuation, .. } if text == expected)
}

/// Parses a type.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, String> {
    let mut parser = Parser { rest: text };
    let mut members = parser.members(None)?;
    match members.len() {
        1 => Ok(members.remove(0)),
        _ => Err(format!("`{text}` is not one type")),
    }
}

/// Parses a declaration such as `type Name<T> = { .. };`, into what is before and after the `=`.
pub(super) fn declaration(text: &str) -> Result<(Vec<Node>, Vec<Node>), String> {
    let mut head = parse(text.trim_end().trim_end_matches(';'))?;
    let equals = head.iter().position(|node| is_punctuation(node, "="));
    let body = head.split_off(equals.ok_or("it has no definition")? + 1);
    head.pop();
    Ok((head, body))
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// Takes the next `bytes`.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (token, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        token
    }

    fn members(&mut self, close: Option<char>) -> Result<Vec<Vec<Node>>, String> {
        let mut members = Vec::new();
        let mut member = Vec::new();
        loop {
            let trimmed = self.rest.trim_start();
            let spaced = trimmed.len() < self.rest.len() && !member.is_empty();
            self.rest = trimmed;
            let Some(c) = self.rest.chars().next() else {
                if close.is_some() {
                    return Err("a bracket is not closed".to_owned());
                }
                break;
            };
            if Some(c) == close {
                self.take(1);
                break;
            }
            match c {
                ',' | ';' => {
                    self.take(1);
                    members.push(std::mem::take(&mut member));
                }
                '{' | '<' | '[' | '(' => {
                    self.take(1);
                    let close = match c {
                        '{' => '}',
                        '<' => '>',
                        '[' => ']',
                        _ => ')',
                    };
                    let inner = self.members(Some(close))?;
                    member.push(Node::Group { open: c, members: inner, spaced });
                }
                '}' | '>' | ']' | ')' => return Err(format!("`{c}` has no opening bracket")),
                _ => member.push(self.token(c, spaced)?),
            }
        }
        if !member.is_empty() {
            members.push(member);
        }
        Ok(members)
    }

    fn token(&mut self, first: char, spaced: bool) -> Result<Node, String> {
        if self.rest.starts_with("/*") {
            self.take(2);
            let end = self.rest.find("*/").ok_or("a comment is not closed")?;
            let comment = self.take(end + 2).trim_end_matches("*/");
            return Ok(Node::Comment(comment.trim_start_matches('*').to_owned()));
        }
        if matches!(first, '"' | '\'' | '`') {
            return self.string(first, spaced);
        }
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (bytes, kind) = match end {
            0 if self.rest.starts_with("=>") => (2, Kind::Punctuation),
            0 if self.rest.starts_with("?:") => (2, Kind::Punctuation),
            0 => (first.len_utf8(), Kind::Punctuation),
            end => (end, Kind::Word),
        };
        let text = self.take(bytes).to_owned();
        let spaced = spaced && !matches!(text.as_str(), ":" | "?:");
        Ok(Node::Token { text, kind, spaced })
    }

    fn string(&mut self, quote: char, spaced: bool) -> Result<Node, String> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|&(_, c)| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (end, _) = end.ok_or("a string is not closed")?;
        let text = self.take(end + 1);
        if quote != '`' && text.contains(['\n', '\r']) {
            return Err(format!("the string {text:?} contains a line end"));
        }
        let text = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
        Ok(Node::Token { text, kind: Kind::String, spaced })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_declaration_is_an_error() {
        for text in [
            "type A = { a: string",
            "type A = string; evil()",
            "type A = \"a",
            "type A = Array<string",
            "type A = string }",
            "type A = /* string",
            "type A = /*/ string",
        ] {
            assert!(declaration(text).is_err(), "{text}");
        }
    }
}
