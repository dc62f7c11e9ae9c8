//! Payloads of every shape, with and without TypeScript, with other derives and attributes.

#![deny(warnings)]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parlor::prelude::*;

#[payload]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plain {
    user_id: String,
}

#[payload(typescript)]
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T>
where
    T: Clone,
{
    pub items: Vec<T>,
    pub by_name: HashMap<String, Option<Arc<T>>>,
    pub fixed: [u8; 2],
    pub next: Option<Box<Page<T>>>,
}

#[payload(typescript)]
pub struct Id(u64);

#[payload(typescript)]
pub struct Pair(Id, Option<Id>);

#[payload(typescript)]
pub struct Unit;

#[payload(typescript)]
pub struct Empty {}

#[payload(typescript)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum External {
    OneTwo,
    Tuple(u8, Option<u8>),
    Struct { some_field: Option<u8> },
}

#[payload(typescript)]
#[serde(tag = "type")]
pub enum Internal {
    One,
    Two(Empty),
    Three { some_field: Id },
}

#[payload(typescript)]
#[serde(tag = "type", content = "value")]
pub enum Adjacent {
    One,
    Two(Id, Id),
}

#[payload(typescript)]
#[serde(untagged)]
pub enum Untagged {
    Number(f64),
    Map(BTreeMap<u32, (String, bool)>),
}

#[payload(typescript)]
#[serde(transparent)]
#[ts(rename = "Through")]
pub struct Transparent {
    pub r#type: Vec<Id>,
}

/// Ends: */ here.
#[payload(typescript)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// And here: */
    #[serde(rename = "say \"hi\"", alias = "hi")]
    pub hi: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Plain2>,
    #[serde(skip)]
    pub hidden: Hidden,
}

#[payload(typescript)]
#[serde(from = "String", into = "String")]
#[derive(Clone)]
pub struct Plain2(String);

#[derive(Default)]
pub struct Hidden;

impl From<String> for Plain2 {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Plain2> for String {
    fn from(plain: Plain2) -> Self {
        plain.0
    }
}

#[procedure(typescript)]
pub trait Shapes {
    #[incoming]
    async fn say(
        &mut self,
        page: Page<Id2>,
        pair: Pair,
        #[validate(range(max = 0xFF_u8))] small: u8,
        #[validate(range(min = -1, max = i64::MAX))] large: i64,
        #[validate(range(max = 5_000_000_000))] wide: u64,
        #[validate(length(min = 1, max = usize::MAX))] text: String,
    ) -> Result<Untagged, External>;

    #[outgoing]
    #[deprecated]
    fn told(internal: Internal, adjacent: Adjacent, attributes: Attributes, through: Transparent);

    #[outgoing]
    fn whole(#[payload] unit: (Unit, Empty));
}

/// Serde's own camelCase panics here.
#[payload(typescript)]
pub struct Accents {
    pub été_indien: Été,
}

#[payload(typescript)]
pub enum Été {
    Ère { à_midi: u8 },
}

#[payload(typescript)]
#[derive(Clone)]
pub struct Id2(u32);

fn main() {
    #[payload(typescript)]
    struct Inner {
        text: String,
    }

    #[procedure(typescript)]
    trait InAFunction {
        #[incoming]
        async fn say(&mut self, inner: Inner);
    }

    let json = serde_json::to_string(&Plain { user_id: "ada".to_owned() }).unwrap();
    assert_eq!(json, r#"{"userId":"ada"}"#);
    let json = serde_json::to_string(&External::Struct { some_field: None }).unwrap();
    assert_eq!(json, r#"{"STRUCT":{"someField":null}}"#);
    let json = serde_json::to_string(&Accents { été_indien: Été::Ère { à_midi: 1 } }).unwrap();
    assert_eq!(json, r#"{"étéIndien":{"ère":{"àMidi":1}}}"#);
}
