//! The types of the events.

use std::collections::HashMap;

use parlor::prelude::*;

#[payload(typescript)]
pub struct Integers {
    pub u8: u8,
    pub i8: i8,
    pub u16: u16,
    pub i16: i16,
    pub u32: u32,
    pub i32: i32,
    pub u64: u64,
    pub i64: i64,
    pub u128: u128,
    pub i128: i128,
    pub usize: usize,
}

#[payload(typescript)]
pub struct Person {
    pub full_name: String,
    pub address: Address,
    pub friends: Vec<Person>,
}

#[payload(typescript)]
pub struct Address {
    pub lines: Vec<String>,
    pub country: Option<String>,
}

#[payload(typescript)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
    pub first: Option<T>,
}

#[payload(typescript)]
pub struct Meters(pub f64);

#[payload(typescript)]
pub struct Pair(pub u8, pub Option<String>);

#[payload(typescript)]
pub struct Nothing;

#[payload(typescript)]
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub enum Color {
    Red,
    DarkGreen,
    #[serde(rename = "light blue \"#9cf\"")]
    LightBlue,
}

#[payload(typescript)]
pub enum External {
    Unit,
    New(Pair),
    Tuple(u8, Option<String>),
    Struct { some_field: u8, other: Option<u8> },
}

#[payload(typescript)]
#[serde(tag = "kind")]
pub enum Internal {
    Unit,
    New(Address),
    Struct { some_field: i64, other: Option<Box<Internal>> },
}

#[payload(typescript)]
#[serde(tag = "kind", content = "value")]
pub enum Adjacent {
    Unit,
    New(f64),
    Tuple(u8, Option<String>),
    Struct { some_field: u8 },
}

#[payload(typescript)]
#[serde(untagged)]
pub enum Untagged {
    Number(i64),
    Text(String),
    Tuple(bool, u8),
    Struct { some_field: bool },
    Unit,
}

#[payload(typescript)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Renamed {
    pub first_name: String,
    #[serde(rename = "it's \"odd\" \\")]
    pub odd: u8,
    #[serde(rename = "$dollar-ä")]
    pub dollar: Option<bool>,
    pub r#type: Color,
}

#[payload(typescript)]
pub struct Flat {
    #[serde(flatten)]
    pub address: Address,
    pub own: u8,
}

#[payload(typescript)]
pub struct Tree {
    pub value: i32,
    pub children: Vec<Tree>,
}

#[payload(typescript)]
pub struct Defaults {
    #[serde(default)]
    pub count: u32,
    #[serde(default = "five")]
    pub five: u8,
    pub option: Option<String>,
    #[serde(default)]
    pub list: Vec<u8>,
}

fn five() -> u8 {
    5
}

#[payload(typescript)]
pub struct Everything {
    pub number: i64,
    pub text: String,
    pub maybe: Option<String>,
    pub by_name: HashMap<String, Vec<Option<bool>>>,
    pub person: Person,
    pub adjacent: Vec<Adjacent>,
    pub json: serde_json::Value,
}

/// Why a number is not halved.
#[payload(typescript)]
#[serde(tag = "reason")]
pub enum Refusal {
    Odd,
    TooLarge { max: u32, nearest: Option<u32> },
}
