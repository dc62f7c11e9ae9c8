//! `#[deprecated]` on a payload type warns of what users write with it, and of nothing that is generated.

#![deny(warnings)]

use parlor::prelude::*;

#[payload]
#[deprecated = "use `Text`"]
pub struct Old {
    text: String,
}

#[payload(typescript)]
#[deprecated]
#[serde(tag = "type")]
pub enum Kind {
    Text { text: String },
    Other,
}

#[payload(typescript)]
#[deprecated]
#[derive(Clone)]
#[serde(from = "String", into = "String")]
pub struct Name(String);

/// Deprecated types in a deprecated one.
#[payload]
#[allow(deprecated)]
#[deprecated]
pub struct Older {
    old: Vec<Old>,
    kind: Kind,
    next: Option<Box<Older>>,
}

#[allow(deprecated)]
#[payload]
pub struct Message {
    text: String,
    old: Option<Old>,
    name: Name,
}

#[payload]
pub enum Entry {
    Text(String),
    #[allow(deprecated)]
    Kind(Kind),
    #[allow(deprecated)]
    Named { name: Name },
}

#[allow(deprecated)]
impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[allow(deprecated)]
impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[procedure]
pub trait Chat {
    #[allow(deprecated)]
    #[incoming]
    async fn say(&mut self, old: Old, message: Message) -> Older;

    #[allow(deprecated)]
    #[outgoing]
    fn said(old: Old, all: Vec<Kind>, older: Older, name: Name);

    #[outgoing]
    fn entered(message: Message, entry: Entry);
}

#[allow(deprecated)]
#[procedure(typescript)]
pub trait Feed {
    #[outgoing]
    fn added(kind: Kind, name: Name);
}

fn main() {}
