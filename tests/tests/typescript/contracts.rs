//! Contracts with every type and rule that TypeScript can express.

#![allow(dead_code, unreachable_pub, reason = "as in a library; no event is sent")]
#![allow(clippy::unused_unit, clippy::needless_pass_by_ref_mut, reason = "as users may write it")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use parlor::prelude::*;

/// The longest text.
const LONGEST: usize = 1000;

/// A chat with rooms.
///
/// It has more than one line of docs, */ and a "quote".
#[procedure(typescript)]
pub trait Chat {
    /// Says `text` to everyone in `room`.
    #[incoming]
    async fn send_message(
        &mut self,
        room: String,
        /// What is said.
        #[validate(length(min = 1, max = LONGEST))]
        text: String,
    );

    /// Enters `room`. Returns the users in it.
    #[incoming]
    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError>;

    #[incoming]
    async fn leave_room(&mut self, room: String);

    /// Asks for nothing, and is answered with nothing.
    #[incoming]
    async fn touch(&mut self) -> ();

    #[incoming]
    #[deprecated(since = "0.1.0", note = "use `send_message`")]
    async fn say(&mut self, text: String);

    #[cfg(any())]
    #[incoming]
    async fn never(&mut self, nothing: NotThere);

    #[outgoing]
    fn new_message(#[payload] message: Message);

    #[outgoing]
    fn user_joined(room: String, user_id: String, nick: Option<String>);

    #[cfg(not(any()))]
    #[outgoing(name = "it's \"left\"\n")]
    fn user_left(#[field(name = "user-id")] user_id: u64);
}

/// What people say.
#[payload(typescript)]
#[derive(Debug, Clone)]
pub struct Message {
    /// Where it was said.
    pub room: String,
    pub text: String,
    pub user_id: String,
    /// In ms since 1970. Not */ the end.
    pub timestamp: u64,
    pub reply_to: Option<Box<Message>>,
}

/// Why a user cannot enter.
#[payload(typescript)]
#[serde(tag = "error")]
#[derive(Debug)]
pub enum JoinError {
    NoEntry { message: String, retry_after: Option<u32> },
    Full,
}

/// Every shape that serde knows.
#[procedure(typescript, name = "Shapes", rename_all = "snake_case")]
pub trait Everything {
    #[incoming]
    async fn numbers(
        &mut self,
        small: u8,
        large: i128,
        #[validate(range(min = -0.5, max = 5e9))] real: f64,
        #[validate(range(max = 0.1))] rounded: f32,
        flag: bool,
        letter: char,
    ) -> (u8, String);

    #[incoming]
    async fn absent(
        &mut self,
        option: Option<String>,
        #[field(default)] default: Vec<u32>,
        #[validate(length(max = 10), inner(length(equal = 2)))] both: Option<Vec<String>>,
    ) -> Option<u8>;

    #[incoming]
    async fn strings(
        &mut self,
        #[validate(email)] email: String,
        #[validate(url)] url: String,
        #[validate(pattern("^[a-z0-9]+(-[a-z0-9]+)*$"))] slug: String,
        #[validate(pattern(r"^\w+$"))] word: String,
        #[validate(custom(polite))] polite: String,
        #[validate(length(min = 1, max = 2))] set: HashSet<String>,
    );

    #[incoming]
    async fn whole(
        &mut self,
        /// The text is the whole message.
        #[payload]
        #[validate(length(min = 1))]
        text: String,
    ) -> Page<Everywhere>;

    /// Its types have another form than the answer of `whole`.
    #[incoming]
    async fn send(&mut self, page: Page<Everywhere>, all: BTreeMap<Kind, Vec<Arc<External>>>);

    #[outgoing]
    fn containers(
        tuple: (u8, Option<String>),
        array: [u8; 3],
        map: BTreeMap<String, Arc<Named>>,
        by_kind: BTreeMap<Kind, u8>,
        nested: Vec<Option<Vec<Pair>>>,
        json: serde_json::Value,
    );

    #[outgoing]
    fn enums(external: External, adjacent: Adjacent, untagged: Untagged, kind: Kind, tree: Tree);

    #[outgoing]
    fn others(
        when: chrono::DateTime<chrono::Utc>,
        day: chrono::NaiveDate,
        id: uuid::Uuid,
        link: url::Url,
        meters: Meters,
        through: Through,
        transparent: Transparent,
        nothing: Nothing,
        renamed: other::Kind,
        tagged: Tagged,
    );
}

fn polite(text: &str) -> Result<(), &'static str> {
    if text.contains("please") { Ok(()) } else { Err("say please") }
}

#[payload(typescript)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

#[payload(typescript)]
pub struct Everywhere {
    #[serde(flatten)]
    pub named: Named,
    #[serde(skip)]
    pub hidden: NotThere,
    #[serde(rename = "it's \"quoted\"\\")]
    pub odd: String,
    pub r#type: String,
    #[serde(with = "seconds")]
    #[ts(type = "number")]
    pub duration: std::time::Duration,
    #[serde(deserialize_with = "Option::deserialize")]
    #[ts(as = "Option<u8>")]
    pub may_not_be_absent: Option<u8>,
    #[serde(default)]
    pub may_be_absent: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_be_left_out: Vec<u8>,
    #[serde(default, skip_serializing)]
    pub is_left_out: Option<u8>,
    #[serde(skip_deserializing)]
    pub is_not_read: u8,
    #[serde(rename(serialize = "written", deserialize = "read"))]
    pub has_two_names: Option<u8>,
    pub été_indien: u8,
}

/// Not on the wire.
#[derive(Default)]
pub struct NotThere;

#[payload(typescript)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Named {
    pub first_name: String,
}

#[payload(typescript)]
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    First,
    SecondOne,
    #[serde(rename = "third \"3\"")]
    Third,
}

#[payload(typescript)]
pub struct Pair(u8, Option<String>);

#[payload(typescript)]
pub enum External {
    Unit,
    New(Pair),
    Tuple(u8, Option<String>),
    Struct { some_field: u8, other: Option<u8> },
    Été { où: u8 },
}

#[payload(typescript)]
#[serde(tag = "kind", content = "value")]
pub enum Adjacent {
    Unit,
    New(Named),
    Struct { some_field: u8 },
}

#[payload(typescript)]
#[serde(untagged)]
pub enum Untagged {
    Number(i64),
    Text(String),
    Struct { some_field: bool },
}

/// Not every variant has the tag.
#[payload(typescript)]
#[serde(tag = "kind")]
pub enum Tagged {
    One {
        value: u8,
    },
    #[serde(untagged)]
    Other(Named),
}

/// It has itself in it.
#[payload(typescript)]
pub struct Tree {
    pub value: u8,
    pub children: Vec<Tree>,
}

#[payload(typescript)]
pub struct Meters(pub f64);

#[payload(typescript)]
#[serde(from = "Named", into = "Named")]
#[derive(Clone)]
pub struct Through {
    pub inner: String,
}

impl From<Named> for Through {
    fn from(named: Named) -> Self {
        Self { inner: named.first_name }
    }
}

impl From<Through> for Named {
    fn from(through: Through) -> Self {
        Self { first_name: through.inner }
    }
}

#[payload(typescript)]
#[serde(transparent)]
pub struct Transparent {
    pub inner: Vec<u8>,
}

#[payload(typescript)]
pub struct Nothing;

/// A type of the same name as another.
pub mod other {
    #[parlor::payload(typescript)]
    #[ts(rename = "OtherKind")]
    pub struct Kind {
        pub value: u8,
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

/// Without TypeScript.
#[procedure]
pub trait Hidden {
    #[incoming]
    async fn say(&mut self, _text: String) {}
}

/// Without rules.
#[procedure(typescript)]
pub trait Plain {
    #[incoming]
    async fn strings(&mut self, _email: String) {}
}

/// A session of all procedures.
pub struct AnySession;

impl Hidden for AnySession {}
impl Plain for AnySession {}

impl Chat for AnySession {
    async fn send_message(&mut self, _: String, _: String) {}
    async fn join_room(&mut self, _: String) -> Result<Vec<String>, JoinError> {
        Err(JoinError::Full)
    }
    async fn leave_room(&mut self, _: String) {}
    async fn touch(&mut self) {}
    async fn say(&mut self, _: String) {}
}

impl Everything for AnySession {
    async fn numbers(&mut self, _: u8, _: i128, _: f64, _: f32, _: bool, _: char) -> (u8, String) {
        (0, String::new())
    }
    async fn absent(
        &mut self,
        _: Option<String>,
        _: Vec<u32>,
        _: Option<Vec<String>>,
    ) -> Option<u8> {
        None
    }
    async fn strings(
        &mut self,
        _: String,
        _: String,
        _: String,
        _: String,
        _: String,
        _: HashSet<String>,
    ) {
    }
    async fn whole(&mut self, _: String) -> Page<Everywhere> {
        Page { items: Vec::new(), next: None }
    }
    async fn send(&mut self, _: Page<Everywhere>, _: BTreeMap<Kind, Vec<Arc<External>>>) {}
}
