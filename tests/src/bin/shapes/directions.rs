//! Types that clients send in another form than the server. Each call returns its argument.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    clippy::option_option,
    reason = "serde passes references to fields, and each type is one to test"
)]

use std::collections::BTreeMap;

use parlor::prelude::*;
use serde::Serialize;

use crate::types::{Address, Page};

/// Sends each type in both directions.
#[procedure(typescript)]
pub trait Directions {
    #[incoming]
    async fn options(&mut self, value: Options) -> Options {
        value
    }
    #[incoming]
    async fn defaults(&mut self, value: FieldDefaults) -> FieldDefaults {
        value
    }
    #[incoming]
    async fn all_defaults(&mut self, value: Settings) -> Settings {
        value
    }
    #[incoming]
    async fn omitted(&mut self, value: Omitted) -> Omitted {
        value
    }
    /// Sets the fields that only the server sends, from those that only clients send.
    #[incoming]
    async fn one_way(&mut self, value: OneWay) -> OneWay {
        let seen = (!value.hint.is_empty()).then_some(value.hint.len());
        OneWay { id: value.password.len(), seen, ..value }
    }
    #[incoming]
    async fn strict(&mut self, value: Strict) -> Strict {
        value
    }
    #[incoming]
    async fn two_names(&mut self, value: TwoNames) -> TwoNames {
        value
    }
    #[incoming]
    async fn cases(&mut self, value: Cases) -> Cases {
        value
    }
    #[incoming]
    async fn tagged(&mut self, value: Tagged) -> Tagged {
        value
    }
    #[incoming]
    async fn tuple(&mut self, value: Position) -> Position {
        value
    }
    #[incoming]
    async fn explicit(&mut self, value: Explicit) -> Explicit {
        value
    }
    #[incoming]
    async fn flat(&mut self, value: Flat) -> Flat {
        Flat { internal: value.internal.answered(), ..value }
    }
    #[incoming]
    async fn internal(&mut self, value: Internal) -> Internal {
        value.answered()
    }
    #[incoming]
    async fn flat_map(&mut self, value: FlatMap) -> FlatMap {
        value
    }
    #[incoming]
    async fn external(&mut self, value: External) -> External {
        match value {
            External::OldName => External::NewName(FieldDefaults::default()),
            other => other,
        }
    }
    #[incoming]
    async fn adjacent(&mut self, value: Adjacent) -> Adjacent {
        value
    }
    #[incoming]
    async fn untagged(&mut self, value: Untagged) -> Untagged {
        value
    }
    #[incoming]
    async fn nested(&mut self, value: Nested) -> Nested {
        value
    }
    #[incoming]
    async fn generic(&mut self, value: Page<FieldDefaults>) -> Page<FieldDefaults> {
        value
    }
    #[incoming]
    async fn containers(
        &mut self,
        value: BTreeMap<String, Vec<Option<Settings>>>,
    ) -> BTreeMap<String, Vec<Option<Settings>>> {
        value
    }
    #[incoming]
    async fn converted(&mut self, value: Converted) -> Converted {
        value
    }
    #[incoming]
    async fn checked(&mut self, value: Checked) -> Checked {
        value
    }
    #[incoming]
    async fn written(&mut self, value: Written<u8>) -> Written<u8> {
        value
    }
    /// The whole payload.
    #[incoming]
    async fn whole(&mut self, #[payload] value: FieldDefaults) -> FieldDefaults {
        value
    }
    /// Has one form.
    #[incoming]
    async fn same(&mut self, value: Same) -> Same {
        value
    }
}

#[payload(typescript)]
pub struct Options {
    pub plain: Option<String>,
    #[serde(default)]
    pub default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    #[ts(type = "string | null")]
    pub required: Option<String>,
    pub inside: Option<Option<String>>,
    pub own: Option<Box<Options>>,
}

#[payload(typescript)]
#[derive(Default)]
pub struct FieldDefaults {
    #[serde(default)]
    pub count: u32,
    #[serde(default = "five")]
    pub five: u8,
    #[serde(default)]
    pub list: Vec<Address>,
    pub required: bool,
}

fn five() -> u8 {
    5
}

/// All of its fields have a default.
#[payload(typescript)]
#[serde(default)]
pub struct Settings {
    pub volume: u8,
    pub name: String,
    pub address: Option<Address>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { volume: 11, name: "Ada".to_owned(), address: None }
    }
}

#[payload(typescript)]
pub struct Omitted {
    #[serde(skip_serializing_if = "is_zero")]
    pub count: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<u8>,
    #[serde(skip_serializing_if = "is_short")]
    pub short: Option<String>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn is_short(text: &Option<String>) -> bool {
    text.as_ref().is_some_and(|text| text.len() < 3)
}

#[payload(typescript)]
pub struct OneWay {
    #[serde(skip_deserializing)]
    pub id: usize,
    #[serde(skip_serializing)]
    pub password: String,
    #[serde(skip_serializing, default)]
    pub hint: String,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub seen: Option<usize>,
    pub name: String,
}

#[payload(typescript)]
#[serde(deny_unknown_fields)]
pub struct Strict {
    #[serde(default)]
    pub text: String,
    #[serde(alias = "colour")]
    pub color: String,
}

#[payload(typescript)]
#[serde(rename_all(serialize = "camelCase", deserialize = "snake_case"))]
pub struct TwoNames {
    pub user_id: u64,
    #[serde(rename(serialize = "text", deserialize = "it's \"body\""))]
    pub body: String,
    #[serde(rename(deserialize = "kind"), default)]
    pub message_kind: Option<String>,
    #[serde(rename = "same")]
    pub both: bool,
}

/// Each rule for names.
#[payload(typescript)]
#[serde(rename_all_fields(serialize = "kebab-case", deserialize = "PascalCase"))]
pub enum Cases {
    #[serde(rename_all(serialize = "UPPERCASE", deserialize = "lowercase"))]
    Upper {
        one_field: u8,
    },
    #[serde(rename_all(serialize = "SCREAMING_SNAKE_CASE", deserialize = "SCREAMING-KEBAB-CASE"))]
    Screaming {
        one_field: u8,
    },
    Kebab {
        one_field: u8,
    },
}

/// Its tag is written, and not read.
#[payload(typescript)]
#[serde(tag = "type", deny_unknown_fields)]
pub struct Tagged {
    pub value: u8,
}

/// An element that is absent has its default.
#[payload(typescript)]
pub struct Position(pub i32, pub Option<i32>, #[serde(default)] pub i32);

#[payload(typescript)]
pub struct Explicit {
    #[serde(default, with = "text")]
    #[ts(type = "`${number}`")]
    pub number: u32,
    #[serde(default, with = "text")]
    #[ts(as = "String")]
    pub other: u32,
}

mod text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[payload(typescript)]
pub struct Flat {
    #[serde(flatten)]
    pub settings: FieldDefaults,
    #[serde(flatten)]
    pub internal: Internal,
    pub own: Option<u8>,
}

#[payload(typescript)]
pub struct FlatMap {
    #[serde(default)]
    pub count: u8,
    #[serde(flatten, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, serde_json::Value>,
}

#[payload(typescript)]
#[serde(tag = "kind")]
pub enum Internal {
    #[serde(skip_serializing)]
    Ask {
        #[serde(default)]
        text: String,
    },
    #[serde(skip_deserializing)]
    Answered {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<u64>,
    },
    #[serde(alias = "colour")]
    Color(Address),
    #[serde(skip_serializing, skip_deserializing)]
    #[expect(dead_code, reason = "neither side sends it")]
    Never,
    /// Has a name of its own in TypeScript, which is that on the wire.
    #[serde(skip_serializing, rename = "hello")]
    #[ts(rename = "hello")]
    Hello,
    #[serde(rename(serialize = "out", deserialize = "in"))]
    Two,
    #[serde(other)]
    Other,
}

impl Internal {
    /// Replaces the variant that only clients send by the one that only the server sends.
    fn answered(self) -> Self {
        match self {
            Self::Ask { text } => Self::Answered { text, by: None },
            Self::Hello => Self::Answered { text: "hello".to_owned(), by: Some(1) },
            other => other,
        }
    }
}

#[payload(typescript)]
#[serde(rename_all(serialize = "SCREAMING-KEBAB-CASE", deserialize = "snake_case"))]
pub enum External {
    #[serde(skip_serializing)]
    OldName,
    #[serde(skip_deserializing)]
    NewName(FieldDefaults),
    BothNames {
        #[serde(default)]
        value: u8,
    },
    Tuple(u8, #[serde(default)] u8),
}

#[payload(typescript)]
#[serde(tag = "kind", content = "value")]
pub enum Adjacent {
    Settings(Settings),
    Struct {
        #[serde(default)]
        text: String,
    },
    #[serde(other)]
    Other,
}

#[payload(typescript)]
#[serde(untagged)]
pub enum Untagged {
    Settings(FieldDefaults),
    Text(String),
    Struct {
        #[serde(default)]
        text: String,
        number: u8,
    },
}

#[payload(typescript)]
pub struct Nested {
    pub inner: Box<Inner>,
    pub page: Page<Inner>,
}

/// It has no attributes; a type inside it does.
#[payload(typescript)]
pub struct Inner {
    pub settings: Settings,
    pub all: Vec<(u8, FieldDefaults)>,
}

/// A text that is written as its length.
#[payload(typescript)]
#[serde(from = "String", into = "usize")]
#[derive(Clone)]
pub struct Converted(pub String);

impl From<String> for Converted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Converted> for usize {
    fn from(converted: Converted) -> Self {
        converted.0.len()
    }
}

/// It is read from another type, and written as it is.
#[payload(typescript)]
#[serde(try_from = "Unchecked", rename_all = "SCREAMING_SNAKE_CASE", tag = "type")]
pub struct Checked {
    pub checked_name: String,
    pub settings: Settings,
}

#[payload(typescript)]
pub struct Unchecked {
    #[serde(default)]
    pub name: String,
    pub settings: Settings,
}

impl TryFrom<Unchecked> for Checked {
    type Error = &'static str;

    fn try_from(unchecked: Unchecked) -> Result<Self, Self::Error> {
        let Unchecked { name: checked_name, settings } = unchecked;
        if checked_name.len() > 3 {
            return Err("the name is too long");
        }
        Ok(Self { checked_name, settings })
    }
}

/// It is read as it is, and written as another type.
#[payload(typescript)]
#[serde(into = "Vec<T>", tag = "kind", bound(serialize = "T: Serialize + Clone"))]
#[derive(Clone)]
pub enum Written<T> {
    None,
    Range {
        #[serde(default)]
        start: Option<T>,
        end: T,
    },
}

impl<T> From<Written<T>> for Vec<T> {
    fn from(written: Written<T>) -> Self {
        match written {
            Written::None => Self::new(),
            Written::Range { start, end } => start.into_iter().chain([end]).collect(),
        }
    }
}

#[payload(typescript)]
pub struct Same {
    pub text: String,
    pub list: Vec<[u8; 2]>,
}
