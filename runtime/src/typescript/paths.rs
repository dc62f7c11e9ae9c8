//! `AppRouter`: the procedures by their paths.

use std::collections::BTreeMap;

use super::names::{ROUTER, key};
use super::{TypeScriptError, docs};

/// What is at a path, and below it.
#[derive(Default)]
pub(super) struct Node {
    contract: Option<String>,
    below: BTreeMap<String, Node>,
}

/// The path without the base, or why there is none.
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

/// Whether URLs have it in paths as it is.
fn stays(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"#<>?\\^`{|}".contains(&byte)
}

impl Node {
    /// Puts the contract `name` at `path`.
    pub(super) fn insert(&mut self, path: &str, name: &str) -> Result<(), TypeScriptError> {
        let mut node = self;
        for segment in path.split('/') {
            let refused = |reason| TypeScriptError::Segment {
                path: path.to_owned(),
                segment: segment.to_owned(),
                reason,
            };
            if segment.starts_with('$') {
                return Err(refused("begins with `$`, as what the client adds"));
            }
            if !segment.bytes().all(stays) || matches!(segment, "." | "..") {
                return Err(refused("is not written like that in a URL"));
            }
            // A contract is known by these.
            if ["incoming", "outgoing", "answers", "errors"].contains(&segment)
                && node.contract.is_some()
            {
                return Err(refused("means something in the contract above it"));
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
            node.insert(below(path, "/api").expect("below"), name).expect("free");
        }
        node.interface("/api")
    }

    #[test]
    fn paths_are_keys() {
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
    fn what_is_outside_of_the_base_is_refused() {
        for (path, base) in
            [("/ws/chat", "/api"), ("/api", "/api"), ("/api/", "/api"), ("/apis/x", "/api")]
        {
            assert!(below(path, base).is_err(), "{path} {base}");
        }
        for (path, base) in [("/api/x", "/api/"), ("/x", "/"), ("/x", "")] {
            assert_eq!(below(path, base).expect("below"), "x", "{path} {base}");
        }
    }

    #[test]
    fn segments_that_the_client_cannot_reach_are_refused() {
        let mut node = Node::default();
        assert!(node.insert("chat/$ws", "Chat").is_err());
        for path in ["größe", "a b", "a?b", "a#b", "a\\b", "a/../b", "."] {
            assert!(node.insert(path, "Chat").is_err(), "{path}");
        }
        for path in ["gr%C3%B6%C3%9Fe", "a-b_c.d~e", "!'()*+,;=:@&", "a//b", "trailing/"] {
            node.insert(path, "Chat").expect(path);
        }
        node.insert("chat", "Chat").expect("free");
        assert!(node.insert("chat/incoming", "Other").is_err());
    }
}
