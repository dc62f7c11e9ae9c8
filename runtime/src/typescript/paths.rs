//! The interface `AppRouter`: a tree of the procedures by their paths.

use std::collections::BTreeMap;

use super::names::{ROUTER, key};
use super::{TypeScriptError, docs};

/// The contract at a path, and the paths below it.
#[derive(Default)]
pub(super) struct Node {
    contract: Option<String>,
    below: BTreeMap<String, Node>,
}

/// The path without the base. Fails if it is not below the base.
pub(super) fn below<'a>(path: &'a str, base: &str) -> Result<&'a str, TypeScriptError> {
    let base = base.trim_end_matches('/');
    path.strip_prefix(base)
        .and_then(|path| path.strip_prefix('/'))
        .filter(|path| !path.is_empty())
        .ok_or_else(|| TypeScriptError::OutsideBase {
            path: path.to_owned(),
            base: base.to_owned(),
        })
}

/// Returns whether a URL path contains the byte unescaped.
fn is_unescaped(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"#<>?\\^`{|}".contains(&byte)
}

impl Node {
    /// Inserts the contract `name` at `path`.
    pub(super) fn insert(&mut self, path: &str, name: &str) -> Result<(), TypeScriptError> {
        let mut node = self;
        for segment in path.split('/') {
            let invalid = |reason| TypeScriptError::Segment {
                path: path.to_owned(),
                segment: segment.to_owned(),
                reason,
            };
            if segment.starts_with('$') {
                return Err(invalid("begins with `$`, like the methods of the client"));
            }
            if !segment.bytes().all(is_unescaped) || matches!(segment, "." | "..") {
                return Err(invalid("must be escaped in a URL"));
            }
            // The client's types recognize a contract by these keys.
            if ["incoming", "outgoing", "answers", "errors"].contains(&segment)
                && node.contract.is_some()
            {
                return Err(invalid("is a key of the contract above it"));
            }
            node = node.below.entry(segment.to_owned()).or_default();
        }
        node.contract = Some(name.to_owned());
        Ok(())
    }

    /// The interface `AppRouter`.
    pub(super) fn interface(&self, base: &str) -> String {
        let base = if base.is_empty() { "/" } else { base };
        let doc = docs::lines([format!("The procedures by their paths under `{base}`.").as_str()]);
        format!("{}export interface {ROUTER} {}\n", docs::comment(&doc, 0), self.object(0))
    }

    fn object(&self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let fields = self.below.iter().map(|(segment, node)| {
            let ty = match (&node.contract, node.below.is_empty()) {
                (Some(contract), true) => contract.clone(),
                (Some(contract), false) => format!("{contract} & {}", node.object(indent + 2)),
                (None, _) => node.object(indent + 2),
            };
            format!("{pad}  {}: {ty};\n", key(segment))
        });
        format!("{{\n{}{pad}}}", fields.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(paths: &[(&str, &str)]) -> String {
        let mut node = Node::default();
        for (path, name) in paths {
            node.insert(below(path, "/api").expect("below the base"), name).expect("a valid path");
        }
        node.interface("/api")
    }

    #[test]
    fn path_segments_become_keys() {
        assert_eq!(
            interface(&[("/api/chat/wsChat", "Chat"), ("/api/chat", "Rooms"), ("/api/a-b/1", "X")]),
            "/** The procedures by their paths under `/api`. */\n\
             export interface AppRouter {\n\
             \x20 \"a-b\": {\n    \"1\": X;\n  };\n\
             \x20 chat: Rooms & {\n    wsChat: Chat;\n  };\n\
             }\n"
        );
    }

    #[test]
    fn path_outside_of_the_base_is_an_error() {
        for (path, base) in
            [("/ws/chat", "/api"), ("/api", "/api"), ("/api/", "/api"), ("/apis/x", "/api")]
        {
            assert!(below(path, base).is_err(), "{path} {base}");
        }
        for (path, base) in [("/api/x", "/api/"), ("/x", "/"), ("/x", "")] {
            assert_eq!(below(path, base).expect("below the base"), "x", "{path} {base}");
        }
    }

    #[test]
    fn segment_that_cannot_be_a_property_is_an_error() {
        let mut node = Node::default();
        assert!(node.insert("chat/$ws", "Chat").is_err());
        for path in ["größe", "a b", "a?b", "a#b", "a\\b", "a/../b", "."] {
            assert!(node.insert(path, "Chat").is_err(), "{path}");
        }
        for path in ["gr%C3%B6%C3%9Fe", "a-b_c.d~e", "!'()*+,;=:@&", "a//b", "trailing/"] {
            node.insert(path, "Chat").expect(path);
        }
        node.insert("chat", "Chat").expect("a valid path");
        assert!(node.insert("chat/incoming", "Other").is_err());
    }
}
