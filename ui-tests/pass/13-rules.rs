//! Every rule, on every kind of field that it applies to.

#![deny(warnings)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use parlor::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, garde::Validate)]
pub struct Author {
    #[garde(length(min = 1))]
    pub name: String,
}

const MOST: usize = 10;

fn no_spam(text: &str) -> Result<(), &'static str> {
    if text.contains("buy") { Err("spam") } else { Ok(()) }
}

fn even(number: &u64) -> Result<(), String> {
    if number % 2 == 0 { Ok(()) } else { Err(format!("{number} is odd")) }
}

#[procedure]
pub trait Rules {
    #[incoming]
    async fn strings(
        &mut self,
        #[validate(length(min = 1, max = MOST), custom(no_spam))] text: String,
        #[validate(length(equal = 2))] country: Option<String>,
        #[validate(email)] email: String,
        #[validate(url)] url: Option<String>,
        #[validate(pattern("^\\w+$"))] word: String,
        #[validate(custom(no_spam), pattern(r"^\d+$"))] maybe: Option<String>,
        #[validate(length(max = 3))] shared: Box<str>,
    );

    #[incoming]
    async fn numbers(
        &mut self,
        #[validate(range(min = 1, max = 10), custom(even))] count: u64,
        #[validate(range(min = -1.5))] x: f64,
        #[validate(range(max = i8::MAX))] small: Option<i8>,
        #[validate(range(equal = 7))] seven: u8,
    ) -> u8;

    #[incoming]
    async fn collections(
        &mut self,
        #[validate(length(max = MOST), inner(length(max = 20), pattern("^a")))] tags: Vec<String>,
        #[validate(inner(inner(range(max = 9))))] grid: Vec<Vec<u8>>,
        #[validate(length(max = 2))] map: HashMap<String, u8>,
        #[validate(length(max = 2))] tree: BTreeMap<String, u8>,
        #[validate(length(max = 2), inner(email))] set: HashSet<String>,
        #[validate(inner(range(max = 9)))] numbers: BTreeSet<u8>,
        #[validate(inner(nested))] queue: VecDeque<Author>,
        #[validate(length(min = 2))] pair: [u8; 2],
    );

    #[incoming]
    async fn structs(
        &mut self,
        #[validate(nested)] author: Author,
        #[validate(nested)] other: Option<Author>,
    );

    #[incoming]
    async fn like_their_functions(
        &mut self,
        #[validate(custom(no_spam))] no_spam: String,
        #[validate(custom(even), range(max = 9))] even: Option<u64>,
        #[validate(inner(custom(even)))] r#type: Vec<u64>,
    );

    #[outgoing]
    fn author(
        #[payload]
        #[validate(nested)]
        author: Author,
    );

    #[outgoing]
    fn names(
        #[payload]
        #[validate(length(max = 3), inner(length(max = 9)))]
        names: Vec<String>,
    );

    #[outgoing]
    fn text(
        #[payload]
        #[validate(length(max = 3))]
        text: String,
    );
}

fn main() {}
