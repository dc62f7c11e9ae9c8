use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::percent::decode_escape;
use crate::reject::Reject;

/// Problems are cut after this many characters: a type may have many fields.
const MAX_TEXT: usize = 200;

/// Why the query of a request is not of the expected type. It contains no text of the client, which may be
/// secret: no value, and no name that is not a field of the type. So it does not say what an own
/// `Deserialize` passes to [`custom`](serde::de::Error::custom).
///
/// As a [`Reject`] it is 400 in plain mode, and the close code 4506 in Parlor mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    subject: Subject,
    problem: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Or a parameter that is not known yet.
    Query,
    /// A parameter whose name is not a field.
    Parameter,
    /// The parameter of this field.
    Field(&'static str),
}

impl QueryError {
    /// The name of the wrong parameter, if it is one, and a field of the type has this name.
    pub fn parameter(&self) -> Option<&str> {
        match self.subject {
            Subject::Field(name) => Some(name),
            Subject::Query | Subject::Parameter => None,
        }
    }

    fn new(problem: impl fmt::Display) -> Self {
        Self { subject: Subject::Query, problem: cut(&problem.to_string()) }
    }

    /// The error of `subject`, unless it has one already.
    fn at(mut self, subject: Subject) -> Self {
        if self.subject == Subject::Query {
            self.subject = subject;
        }
        self
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Subject::Query => write!(f, "the query {}", self.problem),
            Subject::Parameter => write!(f, "a query parameter {}", self.problem),
            Subject::Field(name) => write!(f, "the query parameter `{name}` {}", self.problem),
        }
    }
}

impl std::error::Error for QueryError {}

impl From<QueryError> for Reject {
    fn from(error: QueryError) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// Leaves out values and unknown names.
impl Error for QueryError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("is wrong")
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(format_args!("is not {expected}"))
    }

    fn invalid_type(_: Unexpected, expected: &dyn Expected) -> Self {
        Self::new(format_args!("is not {expected}"))
    }

    fn invalid_value(_: Unexpected, expected: &dyn Expected) -> Self {
        Self::new(format_args!("is not {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format_args!("is none of {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format_args!("is unknown; expected are {}", expected.join(", ")))
            .at(Subject::Parameter)
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new("is missing").at(Subject::Field(name))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new("is given twice").at(Subject::Field(name))
    }
}

/// Escapes what is not printable, and cuts long text.
fn cut(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).take(MAX_TEXT).collect()
}

/// Deserializes the parameters of a query (`application/x-www-form-urlencoded`).
pub(super) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, QueryError> {
    T::deserialize(Query(query))
}

struct Query<'q>(&'q str);

impl<'de> Deserializer<'de> for Query<'de> {
    type Error = QueryError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        visitor.visit_map(Parameters::read(self.0, None)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, QueryError> {
        visitor.visit_map(Parameters::read(self.0, Some(fields))?)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match byte {
            b'+' => (b' ', after),
            b'%' => decode_escape(after).ok_or("has a `%` without two hex digits")?,
            byte => (byte, after),
        };
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| "is not UTF-8")
}

type Parameter<'q> = (Cow<'q, str>, Cow<'q, str>);

struct Parameters<'q> {
    left: std::vec::IntoIter<Parameter<'q>>,
    /// The one whose name was read and whose value was not.
    current: Option<Parameter<'q>>,
    fields: Fields,
}

/// The fields of the type, if it is a struct. Other types have all parameters.
type Fields = Option<&'static [&'static str]>;

impl<'q> Parameters<'q> {
    /// Parameters that are no fields are not checked: a proxy or a campaign may have added them. They are read too,
    /// because the type may refuse them.
    fn read(query: &'q str, fields: Fields) -> Result<Self, QueryError> {
        let mut names = HashSet::new();
        let mut parameters = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let error = |name, problem| QueryError::new(problem).at(subject(fields, name));
            let name = match decode(name) {
                Ok(name) => name,
                Err(_) if fields.is_some() => Cow::Borrowed(name),
                Err(problem) => return Err(error(name, problem)),
            };
            if fields.is_some_and(|fields| !fields.contains(&&*name)) {
                parameters.push((name, Cow::Borrowed(value)));
                continue;
            }
            let value = decode(value).map_err(|problem| error(&name, problem))?;
            if !names.insert(name.clone()) {
                return Err(error(&name, "is given twice"));
            }
            parameters.push((name, value));
        }
        Ok(Self { left: parameters.into_iter(), current: None, fields })
    }
}

fn subject(fields: Fields, name: &str) -> Subject {
    let field = fields.unwrap_or_default().iter().find(|field| **field == name);
    field.map_or(Subject::Parameter, |field| Subject::Field(field))
}

impl<'de> MapAccess<'de> for Parameters<'_> {
    type Error = QueryError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, QueryError> {
        self.current = self.left.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        seed.deserialize(Value(Cow::Borrowed(name)))
            .map(Some)
            .map_err(|error| error.at(subject(self.fields, name)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, QueryError> {
        let Some((name, value)) = self.current.take() else {
            return Err(QueryError::new("is read out of order"));
        };
        seed.deserialize(Value(value)).map_err(|error| error.at(subject(self.fields, &name)))
    }
}

/// A name or a value: text that is parsed as the type that is asked for.
struct Value<'q>(Cow<'q, str>);

impl<'q> Value<'q> {
    fn text(self) -> CowStrDeserializer<'q, QueryError> {
        self.0.into_deserializer()
    }
}

macro_rules! parse {
    ($($method:ident, $type:ident, $visit:ident $(, $is_valid:path)?;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
            match self.0.parse::<$type>() {
                Ok(value) $(if $is_valid(value))? => visitor.$visit(value),
                _ => Err(QueryError::new(concat!("is not of type ", stringify!($type)))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = QueryError;

    parse! {
        deserialize_bool, bool, visit_bool;
        deserialize_i8, i8, visit_i8;
        deserialize_i16, i16, visit_i16;
        deserialize_i32, i32, visit_i32;
        deserialize_i64, i64, visit_i64;
        deserialize_i128, i128, visit_i128;
        deserialize_u8, u8, visit_u8;
        deserialize_u16, u16, visit_u16;
        deserialize_u32, u32, visit_u32;
        deserialize_u64, u64, visit_u64;
        deserialize_u128, u128, visit_u128;
        deserialize_f32, f32, visit_f32, f32::is_finite;
        deserialize_f64, f64, visit_f64, f64::is_finite;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        self.text().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, QueryError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, QueryError> {
        self.text().deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Sort {
        Up,
        Down,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Name(String);

    #[derive(Debug, Deserialize, PartialEq)]
    struct Search {
        text: Name,
        page: Option<u32>,
        #[serde(default)]
        sort: Option<Sort>,
        #[serde(default)]
        all: bool,
    }

    #[test]
    fn query_is_read_as_struct() {
        let search = parse::<Search>("text=a+b%26%C3%A4=&&page=7&sort=down&all=true&utm=x&flag");
        assert_eq!(
            search.expect("a search"),
            Search {
                text: Name("a b&\u{e4}=".to_owned()),
                page: Some(7),
                sort: Some(Sort::Down),
                all: true
            }
        );
        let search = parse::<Search>("text=").expect("a search");
        assert_eq!((search.page, search.sort, search.all), (None, None, false));
    }

    #[test]
    fn error_names_parameter_and_problem_and_no_value() {
        for (query, message) in [
            ("", "the query parameter `text` is missing"),
            ("text=x&page=secret", "the query parameter `page` is not of type u32"),
            ("text=x&page=-1", "the query parameter `page` is not of type u32"),
            ("text=x&all=", "the query parameter `all` is not of type bool"),
            ("text=x&sort=secret", "the query parameter `sort` is none of up, down"),
            ("text=x&all=1", "the query parameter `all` is not of type bool"),
            ("text=x&text=secret", "the query parameter `text` is given twice"),
            ("text=x&%74ext=secret", "the query parameter `text` is given twice"),
            ("text=%ff", "the query parameter `text` is not UTF-8"),
            ("text=%4", "the query parameter `text` has a `%` without two hex digits"),
        ] {
            let error = parse::<Search>(query).expect_err(query);
            assert_eq!(error.to_string(), message);
            let reject = Reject::from(error);
            assert_eq!((reject.status().as_u16(), reject.code().0), (400, 4506));
        }
    }

    #[test]
    fn error_of_unknown_parameter_or_list_says_what_is_expected() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code, reason = "only the error is tested")]
        struct Strict {
            list: Vec<u32>,
        }
        for query in ["a%00=1", "s3cret", "s3cret=1&list=1", "%6cists=1"] {
            let error = parse::<Strict>(query).expect_err("an unknown parameter");
            assert_eq!(error.parameter(), None);
            assert_eq!(error.to_string(), "a query parameter is unknown; expected are list");
        }
        let error = parse::<Strict>("list=1").expect_err("a list").to_string();
        assert_eq!(error, "the query parameter `list` is not a sequence");
    }

    #[test]
    fn parameter_that_type_does_not_have_is_ignored_whatever_it_is() {
        for other in ["utm=100%", "utm=a&utm=b", "utm=%ff", "%zz=1", "%ff&%ff", "=&=", "utm=%&utm"]
        {
            for query in [format!("text=a&{other}"), format!("{other}&text=a")] {
                let search = parse::<Search>(&query);
                assert_eq!(search.map(|search| search.text), Ok(Name("a".into())), "{query}");
            }
        }
    }

    #[test]
    fn empty_option_is_none_and_number_is_finite() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct View {
            since: Option<u64>,
            name: Option<String>,
            zoom: Option<f64>,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only the error is tested")]
        struct Narrow {
            zoom: f32,
        }
        let none = View { since: None, name: None, zoom: None };
        assert_eq!(parse::<View>("since=&name&zoom="), Ok(none));
        let some = View { since: Some(0), name: Some("a".into()), zoom: Some(-1.5) };
        assert_eq!(parse::<View>("since=0&name=a&zoom=-1.5"), Ok(some));
        for zoom in ["NaN", "inf", "-Infinity", "1e999"] {
            let error = parse::<View>(&format!("zoom={zoom}")).expect_err(zoom).to_string();
            assert_eq!(error, "the query parameter `zoom` is not of type f64");
            let error = parse::<Narrow>(&format!("zoom={zoom}")).expect_err(zoom).to_string();
            assert_eq!(error, "the query parameter `zoom` is not of type f32");
        }
    }

    #[test]
    fn error_of_own_deserialize_does_not_repeat_value() {
        #[derive(Debug)]
        struct Token;
        impl<'de> Deserialize<'de> for Token {
            fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
                let text = String::deserialize(text)?;
                match text.len() {
                    1 => Err(D::Error::invalid_length(1, &"a token")),
                    2 => Err(D::Error::invalid_value(Unexpected::Str(&text), &"a token")),
                    _ => Err(D::Error::custom(format_args!("no token is `{text}`"))),
                }
            }
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only the error is tested")]
        struct Login {
            token: Token,
        }
        for (query, message) in [
            ("token=s3cret", "the query parameter `token` is wrong"),
            ("token=s", "the query parameter `token` is not a token"),
            ("token=s3", "the query parameter `token` is not a token"),
        ] {
            assert_eq!(parse::<Login>(query).expect_err(query).to_string(), message);
        }
        // The names of a map are those of the client.
        for (query, message) in [
            ("s3cret=x", "a query parameter is not of type u32"),
            ("%zzs3cret", "a query parameter has a `%` without two hex digits"),
            ("s3cret=1&s3cret=2", "a query parameter is given twice"),
            ("s3cret=%ff", "a query parameter is not UTF-8"),
            ("%ff=x", "a query parameter is not UTF-8"),
        ] {
            assert_eq!(parse::<HashMap<String, u32>>(query).expect_err(query).to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn error_has_no_text_of_client(query in "(s3|Q|%zz|%ff|[=&]){0,8}") {
            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(dead_code, reason = "only the error is tested")]
            struct Strict { page: u32 }
            if let Err(error) = parse::<Strict>(&query) {
                let text = error.to_string();
                prop_assert!(!text.contains(['3', 'Q', 'z']), "{text}");
            }
        }

        #[test]
        fn any_query_is_read_or_refused(query in "[a-c=&%+0-9f\u{e4}]{0,30}") {
            drop(parse::<Search>(&query));
            if let Ok(map) = parse::<HashMap<String, String>>(&query) {
                let pairs = query.split('&').filter(|pair| !pair.is_empty()).count();
                prop_assert_eq!(map.len(), pairs);
            }
        }
    }
}
