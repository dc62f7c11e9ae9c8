//! One call for each shape, which returns its argument.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use parlor::prelude::*;
use url::Url;
use uuid::Uuid;

use crate::types::{
    Adjacent, Color, Defaults, Everything, External, Flat, Integers, Internal, Meters, Nothing,
    Page, Pair, Person, Refusal, Renamed, Tree, Untagged,
};

/// Sends every shape in both directions.
#[procedure(typescript)]
pub trait Shapes {
    #[incoming]
    async fn integers(&mut self, value: Integers) -> Integers {
        value
    }
    #[incoming]
    async fn double(&mut self, value: f64) -> f64 {
        value
    }
    #[incoming]
    async fn single(&mut self, value: f32) -> f32 {
        value
    }
    #[incoming]
    async fn flag(&mut self, value: bool) -> bool {
        value
    }
    #[incoming]
    async fn letter(&mut self, value: char) -> char {
        value
    }
    #[incoming]
    async fn text(&mut self, value: String) -> String {
        value
    }
    #[incoming]
    async fn unit(&mut self, value: ()) -> () {
        let () = value;
    }
    #[incoming]
    async fn maybe(&mut self, value: Option<String>) -> Option<String> {
        value
    }
    #[incoming]
    async fn list(&mut self, value: Vec<i64>) -> Vec<i64> {
        value
    }
    #[incoming]
    async fn lists(&mut self, value: Vec<Vec<Option<String>>>) -> Vec<Vec<Option<String>>> {
        value
    }
    #[incoming]
    async fn tuple(&mut self, value: (u8, String, bool)) -> (u8, String, bool) {
        value
    }
    #[incoming]
    async fn array(&mut self, value: [i32; 3]) -> [i32; 3] {
        value
    }
    #[incoming]
    async fn set(&mut self, value: BTreeSet<String>) -> BTreeSet<String> {
        value
    }
    #[incoming]
    async fn hash_set(&mut self, value: HashSet<u32>) -> HashSet<u32> {
        value
    }
    #[incoming]
    async fn by_name(&mut self, value: HashMap<String, f64>) -> HashMap<String, f64> {
        value
    }
    #[incoming]
    async fn by_number(&mut self, value: BTreeMap<u32, String>) -> BTreeMap<u32, String> {
        value
    }
    #[incoming]
    async fn by_integer(&mut self, value: HashMap<i64, bool>) -> HashMap<i64, bool> {
        value
    }
    #[incoming]
    async fn by_color(&mut self, value: BTreeMap<Color, u8>) -> BTreeMap<Color, u8> {
        value
    }
    #[incoming]
    async fn nested(&mut self, value: Person) -> Person {
        value
    }
    #[incoming]
    async fn generic(&mut self, value: Page<Person>) -> Page<Person> {
        value
    }
    #[incoming]
    async fn generic_twice(&mut self, value: Page<Page<u8>>) -> Page<Page<u8>> {
        value
    }
    #[incoming]
    async fn newtype(&mut self, value: Meters) -> Meters {
        value
    }
    #[incoming]
    async fn tuple_struct(&mut self, value: Pair) -> Pair {
        value
    }
    #[incoming]
    async fn unit_struct(&mut self, value: Nothing) -> Nothing {
        value
    }
    #[incoming]
    async fn unit_variants(&mut self, value: Color) -> Color {
        value
    }
    #[incoming]
    async fn external(&mut self, value: External) -> External {
        value
    }
    #[incoming]
    async fn internal(&mut self, value: Internal) -> Internal {
        value
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
    async fn renamed(&mut self, value: Renamed) -> Renamed {
        value
    }
    #[incoming]
    async fn flat(&mut self, value: Flat) -> Flat {
        value
    }
    #[incoming]
    async fn boxed(&mut self, value: Box<Tree>) -> Box<Tree> {
        value
    }
    #[incoming]
    async fn shared(&mut self, value: Arc<Person>) -> Arc<Person> {
        value
    }
    #[incoming]
    async fn moment(&mut self, value: DateTime<Utc>) -> DateTime<Utc> {
        value
    }
    #[incoming]
    async fn day(&mut self, value: NaiveDate) -> NaiveDate {
        value
    }
    #[incoming]
    async fn id(&mut self, value: Uuid) -> Uuid {
        value
    }
    #[incoming]
    async fn link(&mut self, value: Url) -> Url {
        value
    }
    #[incoming]
    async fn json(&mut self, value: serde_json::Value) -> serde_json::Value {
        value
    }

    /// Returns fields that may be absent as the server decodes them.
    #[incoming]
    async fn defaults(&mut self, value: Defaults) -> Defaults {
        value
    }
    /// Several fields, of which one has another name on the wire.
    #[incoming]
    async fn fields(
        &mut self,
        #[field(name = "user-id")] user_id: u64,
        #[field(default)] tags: Vec<String>,
        nick: Option<String>,
        r#type: Color,
    ) -> (u64, Vec<String>, Option<String>, Color) {
        (user_id, tags, nick, r#type)
    }
    /// Its payload is a string.
    #[incoming]
    async fn whole_text(&mut self, #[payload] text: String) -> String {
        text
    }
    /// Its payload is an enum.
    #[incoming]
    async fn whole_enum(&mut self, #[payload] value: Internal) -> Internal {
        value
    }
    /// Its payload is a list.
    #[incoming]
    async fn whole_list(&mut self, #[payload] list: Vec<Option<i32>>) -> Vec<Option<i32>> {
        list
    }
    /// Has no fields, and its answer has no content.
    #[incoming]
    async fn touch(&mut self) -> () {}

    /// Causes the event `sent_back`.
    #[incoming]
    async fn send_back(&mut self, #[payload] everything: Everything);
    /// The argument of `send_back`.
    #[outgoing]
    fn sent_back(#[payload] everything: Everything);
}

/// Rules that both sides check, and rules that only the server checks.
#[procedure(typescript)]
pub trait Rules {
    /// Counts characters, not bytes or UTF-16 units.
    #[incoming]
    async fn text(&mut self, #[validate(length(min = 2, max = 4))] value: String) -> () {
        drop(value);
    }
    #[incoming]
    async fn maybe(&mut self, #[validate(length(min = 2))] value: Option<String>) -> () {
        drop(value);
    }
    #[incoming]
    async fn number(&mut self, #[validate(range(min = -1, max = 10))] value: i32) -> () {
        let _ = value;
    }
    #[incoming]
    async fn real(&mut self, #[validate(range(min = 0.5, max = 1.5))] value: f64) -> () {
        let _ = value;
    }
    #[incoming]
    async fn slug(&mut self, #[validate(pattern("^[a-z]+(-[a-z]+)*$"))] value: String) -> () {
        drop(value);
    }
    #[incoming]
    async fn any_letters(&mut self, #[validate(pattern(r"^\p{L}.\p{L}$"))] value: String) -> () {
        drop(value);
    }
    #[incoming]
    async fn tags(
        &mut self,
        #[validate(length(max = 2), inner(length(equal = 2)))] value: Vec<String>,
    ) -> () {
        drop(value);
    }
    #[incoming]
    async fn map(
        &mut self,
        #[validate(length(min = 1, max = 2))] value: HashMap<String, u8>,
    ) -> () {
        drop(value);
    }
    #[incoming]
    async fn email(&mut self, #[validate(email)] value: String) -> () {
        drop(value);
    }
    #[incoming]
    async fn url(&mut self, #[validate(url)] value: String) -> () {
        drop(value);
    }
    #[incoming]
    async fn whole(
        &mut self,
        #[payload]
        #[validate(length(min = 1, max = 3))]
        text: String,
    ) -> () {
        drop(text);
    }
    /// Only the server checks this rule.
    #[incoming]
    async fn polite(&mut self, #[validate(custom(polite))] value: String) -> () {
        drop(value);
    }
    /// Accepts even numbers up to 100.
    #[incoming]
    async fn halve(&mut self, number: u32) -> Result<u32, Refusal> {
        match number {
            101.. => Err(Refusal::TooLarge { max: 100, nearest: None }),
            _ if number % 2 == 1 => Err(Refusal::Odd),
            _ => Ok(number / 2),
        }
    }
}

fn polite(text: &str) -> Result<(), &'static str> {
    if text.contains("please") { Ok(()) } else { Err("say please") }
}

/// Rejects every client.
#[procedure(typescript)]
pub trait Locked {
    #[incoming]
    async fn touch(&mut self) {}
}
