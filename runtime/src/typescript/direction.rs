//! The type of what clients send, or of what the server sends, from a type that describes both.
//!
//! `#[payload(typescript)]` marks what differs, in the text that `ts-rs` writes:
//!
//! - `$field_sa<T>`: whether a field of the type `T` is in the input, and in the output (see
//!   [`Directed`](crate::contract::Directed))
//! - `$converted<A, B>`: `A` in the input, and `B` in the output
//! - `"out\u{1f}in"`: a name in the output, and in the input
//! - `"out\u{1e}"`, `"\u{1e}in"`: the name of a variant that only one of them has
//! - `"out\u{1d}"`: the name of a field that only the output has

use super::syntax::{Kind, Node, is_punctuation};

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The clients.
    Input,
    /// The server.
    Output,
}

/// Whether a field is in an object.
#[derive(Clone, Copy, PartialEq)]
enum Occurrence {
    Always,
    Sometimes,
    /// Sometimes, but not as `null`.
    Value,
    Never,
}

/// A field, element or name in one direction.
enum Resolved {
    Present(Vec<Node>),
    /// The field or element is absent.
    Absent,
    /// The variant that contains it is absent.
    NoVariant,
}

/// Replaces the names of types; `None` keeps a name.
pub(super) type Rename<'a> = &'a mut dyn FnMut(&str) -> Option<String>;

/// The type in one direction. A type without a variant is `never`.
pub(super) fn resolve(
    nodes: &[Node],
    direction: Direction,
    rename: Rename<'_>,
) -> Result<Vec<Node>, String> {
    Resolver { direction, rename }.or_never(nodes)
}

struct Resolver<'a> {
    direction: Direction,
    rename: Rename<'a>,
}

impl Resolver<'_> {
    fn or_never(&mut self, nodes: &[Node]) -> Result<Vec<Node>, String> {
        Ok(self.union(nodes)?.unwrap_or_else(|| vec![word("never")]))
    }

    /// `None` if no variant is left.
    fn union(&mut self, nodes: &[Node]) -> Result<Option<Vec<Node>>, String> {
        let mut found: Option<Vec<Node>> = None;
        let mut rest = nodes;
        let mut separator = None;
        loop {
            let end = rest.iter().position(|node| is_punctuation(node, "|"));
            if let Some(mut variant) = self.variant(&rest[..end.unwrap_or(rest.len())])? {
                if let Some(found) = &mut found {
                    found.extend(separator.into_iter().chain(variant));
                } else {
                    if separator.is_some() {
                        set_spaced(&mut variant, false);
                    }
                    found = Some(variant);
                }
            }
            let Some(end) = end else { return Ok(found) };
            separator = Some(rest[end].clone());
            rest = &rest[end + 1..];
        }
    }

    fn variant(&mut self, nodes: &[Node]) -> Result<Option<Vec<Node>>, String> {
        let mut found = Vec::new();
        let mut rest = nodes;
        while let Some((node, after)) = rest.split_first() {
            rest = after;
            if let Some((occurrence, inner, after)) = self.marked(node, rest) {
                rest = after;
                let inner = if occurrence == Occurrence::Never { None } else { self.union(inner)? };
                let Some(mut inner) = inner else { return Ok(None) };
                set_spaced(&mut inner, is_spaced(node));
                found.append(&mut inner);
                continue;
            }
            if let Some((inner, after)) = self.converted(node, rest) {
                rest = after;
                let Some(mut inner) = self.union(inner)? else { return Ok(None) };
                set_spaced(&mut inner, is_spaced(node));
                found.append(&mut inner);
                continue;
            }
            match node {
                Node::Token { text, kind: Kind::String, spaced } => {
                    let Resolved::Present(mut name) = self.name(text, *spaced) else {
                        return Ok(None);
                    };
                    found.append(&mut name);
                }
                Node::Token { text, kind: Kind::Word, spaced } => found.push(Node::Token {
                    text: (self.rename)(text).unwrap_or_else(|| text.clone()),
                    kind: Kind::Word,
                    spaced: *spaced,
                }),
                Node::Group { open, members, spaced } => {
                    let Some(members) = self.members(*open, members)? else { return Ok(None) };
                    found.push(Node::Group { open: *open, members, spaced: *spaced });
                }
                other => found.push(other.clone()),
            }
        }
        Ok(Some(found))
    }

    /// The occurrence of a marked field, its type, and what follows it.
    fn marked<'n>(
        &self,
        node: &Node,
        rest: &'n [Node],
    ) -> Option<(Occurrence, &'n [Node], &'n [Node])> {
        let Node::Token { text, kind: Kind::Word, .. } = node else { return None };
        let mut occurrences = text.strip_prefix("$field_")?.chars();
        let (input, output) = (occurrences.next()?, occurrences.next()?);
        let occurrence = match if self.direction == Direction::Input { input } else { output } {
            's' => Occurrence::Sometimes,
            'v' => Occurrence::Value,
            'n' => Occurrence::Never,
            _ => Occurrence::Always,
        };
        match rest.split_first()? {
            (Node::Group { open: '<', members, .. }, rest) => {
                Some((occurrence, members.first()?, rest))
            }
            _ => None,
        }
    }

    /// The type of the direction, and what follows both types.
    fn converted<'n>(&self, node: &Node, rest: &'n [Node]) -> Option<(&'n [Node], &'n [Node])> {
        match (node, rest.split_first()?) {
            (
                Node::Token { text, kind: Kind::Word, .. },
                (Node::Group { open: '<', members, .. }, rest),
            ) if text == "$converted" => {
                let at = usize::from(self.direction == Direction::Output);
                Some((members.get(at)?, rest))
            }
            _ => None,
        }
    }

    /// `None` if the variant that contains the group is absent.
    fn members(
        &mut self,
        open: char,
        members: &[Vec<Node>],
    ) -> Result<Option<Vec<Vec<Node>>>, String> {
        let mut found: Vec<Vec<Node>> = Vec::new();
        let mut has_optional_element = false;
        for member in members {
            let resolved = match open {
                '{' => self.field(member)?,
                '[' => {
                    let (element, is_optional) = self.element(member)?;
                    if has_optional_element
                        && !is_optional
                        && matches!(element, Resolved::Present(_))
                    {
                        return Err("an element that is always present follows one that may be \
                                    absent"
                            .to_owned());
                    }
                    has_optional_element |= is_optional;
                    element
                }
                _ => Resolved::Present(self.or_never(member)?),
            };
            match resolved {
                Resolved::Present(member) => found.push(member),
                Resolved::Absent => {}
                Resolved::NoVariant => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// The element of a tuple, and whether it may be absent.
    fn element(&mut self, nodes: &[Node]) -> Result<(Resolved, bool), String> {
        let (occurrence, inner) = self.occurrence(nodes);
        if occurrence == Occurrence::Never {
            return Ok((Resolved::Absent, false));
        }
        let mut inner = self.or_never(inner)?;
        if occurrence == Occurrence::Value {
            remove_null(&mut inner);
        }
        if occurrence == Occurrence::Always {
            return Ok((Resolved::Present(inner), false));
        }
        let element = match inner.len() {
            1 => inner,
            _ => vec![Node::Group { open: '(', members: vec![inner], spaced: false }],
        };
        Ok((Resolved::Present([element, vec![punctuation("?")]].concat()), true))
    }

    fn field(&mut self, nodes: &[Node]) -> Result<Resolved, String> {
        let comments = nodes.iter().take_while(|node| matches!(node, Node::Comment(_))).count();
        let (comments, rest) = nodes.split_at(comments);
        let colon =
            rest.iter().position(|node| is_punctuation(node, ":") || is_punctuation(node, "?:"));
        let Some(colon) = colon else {
            return Ok(Resolved::Present([comments, &self.or_never(rest)?].concat()));
        };
        let (key, value) = (&rest[..colon], &rest[colon + 1..]);
        let key = match key {
            [Node::Token { text, kind: Kind::String, spaced }] => match self.name(text, *spaced) {
                Resolved::Present(key) => key,
                other => return Ok(other),
            },
            [Node::Token { .. }] => key.to_vec(),
            // `[key in Name]`
            key => self.or_never(key)?,
        };
        let (occurrence, inner) = self.occurrence(value);
        if occurrence == Occurrence::Never {
            return Ok(Resolved::Absent);
        }
        let Some(mut inner) = self.union(inner)? else { return Ok(Resolved::NoVariant) };
        if occurrence == Occurrence::Value {
            remove_null(&mut inner);
        }
        set_spaced(&mut inner, true);
        let colon = match occurrence {
            Occurrence::Always => rest[colon].clone(),
            _ => punctuation("?:"),
        };
        Ok(Resolved::Present([comments, &key, &[colon], &inner].concat()))
    }

    /// The occurrence of a field or element, and its type without the mark.
    fn occurrence<'n>(&self, nodes: &'n [Node]) -> (Occurrence, &'n [Node]) {
        match nodes.split_first().and_then(|(first, rest)| self.marked(first, rest)) {
            Some((occurrence, inner, [])) => (occurrence, inner),
            _ => (Occurrence::Always, nodes),
        }
    }

    /// A string, or the one of two strings that belongs to the direction.
    fn name(&self, text: &str, spaced: bool) -> Resolved {
        let token =
            |text| Resolved::Present(vec![Node::Token { text, kind: Kind::String, spaced }]);
        let Some(separator) = text.find(['\u{1d}', '\u{1e}', '\u{1f}']) else {
            return token(text.to_owned());
        };
        let separator_text = &text[separator..=separator];
        let (output, input) = (&text[..separator], &text[separator + 1..]);
        let output = output.strip_prefix('"').unwrap_or(output);
        let input = input.strip_suffix('"').unwrap_or(input);
        let name = if self.direction == Direction::Input { input } else { output };
        match separator_text {
            "\u{1e}" if name.is_empty() => Resolved::NoVariant,
            "\u{1d}" if name.is_empty() => Resolved::Absent,
            _ => token(format!("\"{name}\"")),
        }
    }
}

fn word(text: &str) -> Node {
    Node::Token { text: text.to_owned(), kind: Kind::Word, spaced: false }
}

fn punctuation(text: &str) -> Node {
    Node::Token { text: text.to_owned(), kind: Kind::Punctuation, spaced: false }
}

/// Removes `| null` at the end: that of the outermost `Option`.
fn remove_null(nodes: &mut Vec<Node>) {
    if let [.., bar, Node::Token { text, kind: Kind::Word, .. }] = &nodes[..]
        && is_punctuation(bar, "|")
        && text == "null"
    {
        nodes.truncate(nodes.len() - 2);
    }
}

fn is_spaced(node: &Node) -> bool {
    match node {
        Node::Token { spaced, .. } | Node::Group { spaced, .. } => *spaced,
        Node::Comment(_) => false,
    }
}

fn set_spaced(nodes: &mut [Node], is_spaced: bool) {
    if let Some(Node::Token { spaced, .. } | Node::Group { spaced, .. }) = nodes.first_mut() {
        *spaced = is_spaced;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{layout, syntax};
    use super::*;

    fn both(text: &str) -> [String; 2] {
        let nodes = syntax::parse(text).expect("a type");
        [Direction::Input, Direction::Output].map(|direction| {
            let resolved = resolve(&nodes, direction, &mut |_| None).expect("resolved");
            layout::value(&resolved, 0, 0)
        })
    }

    #[test]
    fn field_is_in_the_directions_of_its_mark() {
        for (mark, input, output) in [
            ("aa", "{ a: string | null }", "{ a: string | null }"),
            ("sa", "{ a?: string | null }", "{ a: string | null }"),
            ("av", "{ a: string | null }", "{ a?: string }"),
            ("ns", "{}", "{ a?: string | null }"),
            ("sn", "{ a?: string | null }", "{}"),
        ] {
            assert_eq!(both(&format!("{{ a: $field_{mark}<string | null>, }}")), [input, output]);
        }
    }

    #[test]
    fn element_is_in_the_directions_of_its_mark() {
        assert_eq!(
            both("[A, $field_sn<B>, $field_sa<C | null>]"),
            ["[A, B?, (C | null)?]", "[A, C | null]"]
        );
        let gap = syntax::parse("[$field_sa<A>, B]").expect("a type");
        assert!(resolve(&gap, Direction::Input, &mut |_| None).is_err());
        assert!(resolve(&gap, Direction::Output, &mut |_| None).is_ok());
    }

    #[test]
    fn variant_of_one_direction_is_absent_in_the_other() {
        let variants =
            "\"a\u{1e}\" | { \"kind\": \"\u{1e}b\", c: D, } | { \"e\u{1e}\": F } | \"g\"";
        assert_eq!(both(variants), ["{ kind: \"b\"; c: D } | \"g\"", "\"a\" | { e: F } | \"g\""]);
        assert_eq!(both("\"a\u{1e}\""), ["never", "\"a\""]);
        assert_eq!(both("{ a: \"b\u{1e}\" | \"c\" }"), ["{ a: \"c\" }", "{ a: \"b\" | \"c\" }"]);
    }

    #[test]
    fn converted_type_is_that_of_the_direction() {
        assert_eq!(both("$converted<A | null, { a: B, }>"), ["A | null", "{ a: B }"]);
    }

    #[test]
    fn name_is_that_of_the_direction() {
        assert_eq!(both("{ \"a\u{1f}b-\\\"\": A }"), ["{ \"b-\\\"\": A }", "{ a: A }"]);
        assert_eq!(both("\"a\u{1f}b\" | \"c\""), ["\"b\" | \"c\"", "\"a\" | \"c\""]);
        assert_eq!(both("{ \"type\u{1d}\": \"A\", b: B }"), ["{ b: B }", "{ type: \"A\"; b: B }"]);
    }

    #[test]
    fn only_names_of_types_are_replaced() {
        let text = "{ A: A, \"A\": \"A\", [key in A]?: Array<A>, b: B.A, } & (A | `A`)";
        let nodes = syntax::parse(text).expect("a type");
        let mut rename = |name: &str| (name == "A").then(|| "C".to_owned());
        let resolved = resolve(&nodes, Direction::Input, &mut rename).expect("resolved");
        assert_eq!(
            layout::value(&resolved, 0, 0),
            "{ A: C; A: \"A\"; [key in C]?: Array<C>; b: B.A } & (C | `A`)"
        );
    }
}
