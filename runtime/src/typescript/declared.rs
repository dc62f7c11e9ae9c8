//! The user's types of one procedure, and which of them have two names.

use std::collections::{BTreeMap, BTreeSet};

use super::description::{Description, Field, Payload};
use super::direction::{Direction, resolve};
use super::syntax::{self, Kind, Node};
use super::types::{Declaration, Declarations};
use super::{Type, TypeScriptError, docs, layout, names};

/// The declared types of one procedure.
///
/// A type that differs between input and output, and is used in both, has two declarations: `Name` is what
/// the server sends, and `NameInput` is what clients send.
pub(super) struct Declared {
    types: BTreeMap<String, Parsed>,
    /// The types that clients send.
    input: BTreeSet<String>,
    /// The types with two names.
    two_names: BTreeSet<String>,
}

/// A declaration such as `type Name<T> = { .. }`.
struct Parsed {
    rust: &'static str,
    docs: Option<String>,
    /// The part before the `=`.
    head: Vec<Node>,
    /// The names of type parameters, which hide types.
    parameters: BTreeSet<String>,
    body: Vec<Node>,
}

impl Declared {
    pub(super) fn of(contract: &Description) -> Result<Self, TypeScriptError> {
        let mut found = Declarations::default();
        let (input, output) = roots(contract);
        for ty in input.iter().chain(&output) {
            ty.declare(&mut found)?;
        }
        let procedure = contract.name.to_owned();
        if let Some(collision) = found.collision {
            let rust = collision.rust.map(str::to_owned);
            return Err(TypeScriptError::TwoTypes { procedure, name: collision.name, rust });
        }
        let mut types = BTreeMap::new();
        for (name, declaration) in found.types {
            names::declared(&name, declaration.rust)?;
            types.insert(name, Parsed::of(declaration)?);
        }
        let mut declared = Self { types, input: BTreeSet::new(), two_names: BTreeSet::new() };
        declared.input = declared.reachable(&input, Direction::Input)?;
        let output = declared.reachable(&output, Direction::Output)?;
        let differing = declared.differing()?;
        let two_names = differing
            .iter()
            .filter(|name| declared.input.contains(*name) && output.contains(*name));
        declared.two_names = two_names.cloned().collect();
        declared.check_input_names(&procedure)?;
        Ok(declared)
    }

    /// The TypeScript type of a field or answer.
    pub(super) fn value(
        &self,
        ty: &Type,
        direction: Direction,
    ) -> Result<Vec<Node>, TypeScriptError> {
        let resolved = syntax::parse(&ty.text()?).and_then(|nodes| {
            resolve(&nodes, direction, &mut |name| self.input_name(name, direction))
        });
        resolved.map_err(|reason| TypeScriptError::Type { rust: ty.rust().to_owned(), reason })
    }

    /// The text of all declarations.
    pub(super) fn declarations(&self) -> Result<String, TypeScriptError> {
        let mut found = BTreeMap::new();
        for (name, parsed) in &self.types {
            if self.two_names.contains(name) {
                found.insert(name.clone(), self.declaration(parsed, Direction::Output, None)?);
                let text = self.declaration(parsed, Direction::Input, Some(name))?;
                found.insert(input_name(name), text);
            } else {
                let is_input = self.input.contains(name);
                let direction = if is_input { Direction::Input } else { Direction::Output };
                found.insert(name.clone(), self.declaration(parsed, direction, None)?);
            }
        }
        Ok(found.into_values().collect::<Vec<_>>().join("\n"))
    }

    fn declaration(
        &self,
        parsed: &Parsed,
        direction: Direction,
        output_name: Option<&str>,
    ) -> Result<String, TypeScriptError> {
        let mut rename = |name: &str| {
            self.input_name(name, direction).filter(|_| !parsed.parameters.contains(name))
        };
        let text = resolve(&parsed.head, direction, &mut rename).and_then(|head| {
            layout::declaration(&head, &resolve(&parsed.body, direction, &mut rename)?, 2)
        });
        let text = text.map_err(parsed.error())?;
        let docs = parsed.docs.as_deref().unwrap_or_default().trim().trim_start_matches("/**");
        let mut docs = layout::comment_lines(docs.strip_suffix("*/").unwrap_or(docs));
        if let Some(output_name) = output_name {
            docs::paragraph(&mut docs, &format!("`{output_name}` as clients send it."));
        }
        Ok(format!("{}  export {text};\n", docs::comment(&docs, 2)))
    }

    fn input_name(&self, name: &str, direction: Direction) -> Option<String> {
        let has_two = direction == Direction::Input && self.two_names.contains(name);
        has_two.then(|| input_name(name))
    }

    /// The names of the types that `roots` contain, directly or not.
    fn reachable(
        &self,
        roots: &[Type],
        direction: Direction,
    ) -> Result<BTreeSet<String>, TypeScriptError> {
        let mut found = BTreeSet::new();
        let mut open = Vec::new();
        for ty in roots {
            let nodes = syntax::parse(&ty.text()?);
            let names = nodes.and_then(|nodes| self.names(&nodes, direction));
            open.extend(
                names.map_err(|reason| TypeScriptError::Type {
                    rust: ty.rust().to_owned(),
                    reason,
                })?,
            );
        }
        while let Some(name) = open.pop() {
            let Some(parsed) = self.types.get(&name) else { continue };
            if found.insert(name) {
                open.extend(self.names_in(parsed, direction)?);
            }
        }
        Ok(found)
    }

    /// The names of declared types in a type.
    fn names(&self, nodes: &[Node], direction: Direction) -> Result<BTreeSet<String>, String> {
        let mut found = BTreeSet::new();
        resolve(nodes, direction, &mut |name| {
            if self.types.contains_key(name) {
                found.insert(name.to_owned());
            }
            None
        })?;
        Ok(found)
    }

    fn names_in(
        &self,
        parsed: &Parsed,
        direction: Direction,
    ) -> Result<BTreeSet<String>, TypeScriptError> {
        let names = self.names(&parsed.body, direction).map_err(parsed.error())?;
        Ok(names.difference(&parsed.parameters).cloned().collect())
    }

    /// The types whose input and output differ, in their own fields or in a type that they contain.
    fn differing(&self) -> Result<BTreeSet<String>, TypeScriptError> {
        let mut found = BTreeSet::new();
        let mut contained = BTreeMap::new();
        for (name, parsed) in &self.types {
            let body =
                |direction| resolve(&parsed.body, direction, &mut |_| None).map_err(parsed.error());
            if body(Direction::Input)? != body(Direction::Output)? {
                found.insert(name.clone());
            }
            contained.insert(name, self.names_in(parsed, Direction::Output)?);
        }
        loop {
            let known = found.len();
            let more = contained.iter().filter(|(_, names)| !found.is_disjoint(names));
            let more: Vec<_> = more.map(|(name, _)| (*name).clone()).collect();
            found.extend(more);
            if found.len() == known {
                return Ok(found);
            }
        }
    }

    /// Fails if the name of an input type is that of another type or of a type parameter.
    fn check_input_names(&self, procedure: &str) -> Result<(), TypeScriptError> {
        for name in &self.two_names {
            let input = input_name(name);
            let other = self.types.iter().find_map(|(other, parsed)| {
                let is_taken = *other == input || parsed.parameters.contains(&input);
                is_taken.then_some(parsed.rust)
            });
            if let (Some(other), Some(parsed)) = (other, self.types.get(name)) {
                return Err(TypeScriptError::InputName {
                    procedure: procedure.to_owned(),
                    name: input,
                    rust: [parsed.rust, other].map(str::to_owned),
                });
            }
        }
        Ok(())
    }
}

impl Parsed {
    fn of(declaration: Declaration) -> Result<Self, TypeScriptError> {
        let Declaration { rust, docs, text } = declaration;
        let (head, body) = syntax::declaration(&text)
            .map_err(|reason| TypeScriptError::Type { rust: rust.to_owned(), reason })?;
        let lists = head.iter().filter_map(|node| match node {
            Node::Group { open: '<', members, .. } => Some(members),
            _ => None,
        });
        let parameters = lists.flatten().filter_map(|member| match member.first() {
            Some(Node::Token { text, kind: Kind::Word, .. }) => Some(text.clone()),
            _ => None,
        });
        let parameters = parameters.collect();
        Ok(Self { rust, docs, head, parameters, body })
    }

    fn error(&self) -> impl Fn(String) -> TypeScriptError + use<> {
        let rust = self.rust;
        move |reason| TypeScriptError::Type { rust: rust.to_owned(), reason }
    }
}

/// The name of the input type of a type with two names.
fn input_name(name: &str) -> String {
    format!("{name}Input")
}

/// The types that clients send, and those that the server sends.
fn roots(contract: &Description) -> (Vec<Type>, Vec<Type>) {
    let payload = |payload: &Payload| -> Vec<Type> {
        match payload {
            Payload::Fields(fields) => fields.iter().map(|(_, field)| field.ty).collect(),
            Payload::Whole(Field { ty, .. }) => vec![*ty],
        }
    };
    let input = contract.incoming.iter().flat_map(|event| payload(&event.payload)).collect();
    let answers = contract.incoming.iter().flat_map(|event| [event.answer, event.error]);
    let output = contract.outgoing.iter().flat_map(|event| payload(&event.payload));
    (input, output.chain(answers.flatten()).collect())
}
