//! The description of a contract. Generated code builds it, and the generator reads it.

use std::any::TypeId;

use super::Type;

/// A contract with its events.
#[derive(Debug, Clone)]
pub struct Description {
    /// Differs between contracts of the same name.
    pub(super) id: TypeId,
    pub(super) name: &'static str,
    pub(super) docs: &'static [&'static str],
    pub(super) incoming: Vec<Event>,
    pub(super) outgoing: Vec<Event>,
}

/// An incoming or outgoing event.
#[derive(Debug, Clone)]
pub struct Event {
    pub(super) name: &'static str,
    pub(super) docs: &'static [&'static str],
    /// The note of its `#[deprecated]`.
    pub(super) deprecated: Option<&'static str>,
    pub(super) payload: Payload,
    pub(super) answer: Option<Type>,
    /// The typed error of a call.
    pub(super) error: Option<Type>,
}

#[derive(Debug, Clone)]
pub(super) enum Payload {
    /// An object with these fields, and their names on the wire.
    Fields(Vec<(&'static str, Field)>),
    /// A `#[payload]` argument.
    Whole(Field),
}

/// A field of a payload, or the whole payload.
#[derive(Debug, Clone)]
pub struct Field {
    pub(super) docs: &'static [&'static str],
    pub(super) ty: Type,
    /// Whether an absent field gets the default of its type.
    pub(super) default: bool,
    pub(super) rules: Vec<Rule>,
}

/// A rule of `#[validate(..)]`.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the attribute")]
pub enum Rule {
    Length { min: Option<f64>, max: Option<f64> },
    Range { min: Option<f64>, max: Option<f64> },
    Pattern(&'static str),
    Email,
    Url,
    Inner(Vec<Rule>),
    Nested,
    Custom,
}

impl Description {
    /// A contract without events. `C` identifies it.
    pub fn new<C: 'static>(name: &'static str, docs: &'static [&'static str]) -> Self {
        Self { id: TypeId::of::<C>(), name, docs, incoming: Vec::new(), outgoing: Vec::new() }
    }

    /// Adds an incoming event.
    pub fn incoming(&mut self, event: Event) {
        self.incoming.push(event);
    }

    /// Adds an outgoing event.
    pub fn outgoing(&mut self, event: Event) {
        self.outgoing.push(event);
    }
}

impl Event {
    /// An event without fields.
    pub fn new(name: &'static str, docs: &'static [&'static str]) -> Self {
        let payload = Payload::Fields(Vec::new());
        Self { name, docs, deprecated: None, payload, answer: None, error: None }
    }

    /// Marks the event as deprecated. The note may be empty.
    #[must_use]
    pub fn deprecated(mut self, note: &'static str) -> Self {
        self.deprecated = Some(note);
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &'static str, field: Field) -> Self {
        if let Payload::Fields(fields) = &mut self.payload {
            fields.push((name, field));
        }
        self
    }

    /// Makes `field` the whole payload.
    #[must_use]
    pub fn payload(mut self, field: Field) -> Self {
        self.payload = Payload::Whole(field);
        self
    }

    /// Makes the event a call.
    #[must_use]
    pub fn answer(mut self, ty: Type) -> Self {
        self.answer = Some(ty);
        self
    }

    /// Sets the typed error of a call.
    #[must_use]
    pub fn error(mut self, ty: Type) -> Self {
        self.error = Some(ty);
        self
    }
}

impl Field {
    /// A field without rules.
    pub fn new(docs: &'static [&'static str], ty: Type) -> Self {
        Self { docs, ty, default: false, rules: Vec::new() }
    }

    /// Makes the field optional: an absent one gets the default of its type.
    #[must_use]
    pub fn default(mut self) -> Self {
        self.default = true;
        self
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}
