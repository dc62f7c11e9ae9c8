use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::*;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Name(String);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In two parts, with and without escapes.
        write!(f, "{}\u{7f}{}", self.0, self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Unit;

#[derive(Debug, Clone, Serialize)]
enum Shape {
    Point,
    Named(Name),
    Pair(u8, Name),
    Wide { name: Name, width: Option<Name> },
    Empty {},
}

/// Keys of each type that JSON allows.
#[derive(Debug, Clone, Serialize)]
struct Keys {
    bools: BTreeMap<bool, Option<()>>,
    signed: BTreeMap<i8, (i16, i32, i64, i128)>,
    unsigned: BTreeMap<u8, (u16, u32, u64, u128)>,
    wide: BTreeMap<i128, BTreeMap<u128, u8>>,
    chars: BTreeMap<char, Option<Unit>>,
    options: BTreeMap<Option<u64>, [u8; 2]>,
    units: BTreeMap<Side, Side>,
    displayed: BTreeMap<Displayed, Displayed>,
    newtypes: BTreeMap<Name, BTreeMap<i64, BTreeMap<u32, Vec<u8>>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Side {
    #[serde(rename = "on the \"left\"")]
    Left,
    Right,
}

/// Serialized as what it displays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Displayed(Name);

impl Serialize for Displayed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Serialized as bytes.
#[derive(Debug, Clone)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// A map with keys that are floats.
#[derive(Debug, Clone)]
struct Floats(Vec<(f64, f32)>);

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[derive(Debug, Serialize)]
struct Nested {
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<Name>,
    shapes: Vec<Shape>,
    raw: Box<RawValue>,
    value: serde_json::Value,
    numbers: BTreeMap<i16, f64>,
    floats: Floats,
    bytes: Bytes,
    keys: Keys,
    #[serde(flatten)]
    names: BTreeMap<Name, Vec<char>>,
    #[serde(flatten)]
    flat: Shape,
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof!["[ -~]{0,40}", ".{0,40}", "[\\x00-\\x7f]{0,20}"].prop_map(Name)
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Point),
        Just(Shape::Empty {}),
        name().prop_map(Shape::Named),
        (any::<u8>(), name()).prop_map(|(number, name)| Shape::Pair(number, name)),
        wide(),
    ]
}

fn wide() -> impl Strategy<Value = Shape> {
    (name(), proptest::option::of(name())).prop_map(|(name, width)| Shape::Wide { name, width })
}

fn keys() -> impl Strategy<Value = Keys> {
    type Numbers = (i8, i16, i32, i64, i128, u8, u16, u32, u64, u128);
    (any::<bool>(), any::<char>(), any::<Numbers>(), name()).prop_map(
        |(bool, char, (a, b, c, d, e, f, g, h, i, j), name)| Keys {
            bools: [(bool, None)].into(),
            signed: [(a, (b, c, d, e))].into(),
            unsigned: [(f, (g, h, i, j))].into(),
            wide: [(e, [(j, f)].into())].into(),
            chars: [(char, Some(Unit))].into(),
            options: [(Some(i), [f, f])].into(),
            units: [(Side::Left, Side::Right), (Side::Right, Side::Left)].into(),
            displayed: [(Displayed(name.clone()), Displayed(name.clone()))].into(),
            newtypes: [(name, [(d, [(h, vec![f])].into())].into())].into(),
        },
    )
}

fn nested() -> impl Strategy<Value = Nested> {
    let option = proptest::option::of(name());
    let shapes = proptest::collection::vec(shape(), 0..4);
    let numbers = proptest::collection::btree_map(any::<i16>(), any::<f64>(), 0..3);
    let floats = proptest::collection::vec((any::<f64>(), any::<f32>()), 0..3);
    let bytes = proptest::collection::vec(any::<u8>(), 0..3);
    let chars = proptest::collection::vec(any::<char>(), 0..3);
    let names = proptest::collection::btree_map(name(), chars, 0..3);
    (name(), option, shapes, name(), (numbers, floats, bytes), keys(), names, wide()).prop_map(
        |(name, nickname, shapes, raw, (numbers, floats, bytes), keys, names, flat)| Nested {
            name,
            nickname,
            value: serde_json::json!({"shapes": &shapes, "more": [null, true, 1.5, &raw]}),
            shapes,
            raw: to_raw_value(&raw).expect("JSON"),
            numbers,
            floats: Floats(floats),
            bytes: Bytes(bytes),
            keys,
            names,
            flat,
        },
    )
}

fn encoded<T: Serialize + ?Sized>(value: &T) -> String {
    let mut json = b"before ".to_vec();
    encode(value, &mut json).expect("JSON");
    String::from_utf8(json).expect("valid UTF-8").split_off("before ".len())
}

proptest! {
    #[test]
    fn json_equals_that_of_serde_json(nested in nested()) {
        prop_assert_eq!(encoded(&nested), serde_json::to_string(&nested).expect("JSON"));
    }
}

/// A number of `serde_json` with its feature `arbitrary_precision`, which another crate may enable.
#[test]
fn private_struct_of_serde_json_is_what_serde_json_writes() {
    struct Number;

    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            const NAME: &str = "$serde_json::private::Number";
            let mut number = serializer.serialize_struct(NAME, 1)?;
            number.serialize_field(NAME, "1.50")?;
            number.end()
        }
    }

    assert_eq!(encoded(&[Number]), serde_json::to_string(&[Number]).expect("JSON"));
}

fn error<T: Serialize + ?Sized>(value: &T) -> String {
    encode(value, &mut Vec::new()).expect_err("not encoded").to_string()
}

#[test]
fn key_without_json_form_fails_with_path() {
    const KEY: &str = "a key of a JSON object must be a string";
    let by_pair = BTreeMap::from([((1, 2), 3)]);
    let nested = BTreeMap::from([("a \"b\"", vec![BTreeMap::new(), by_pair.clone()])]);
    assert!(error(&by_pair).starts_with(KEY));
    assert!(error(&nested).starts_with(&format!("`a \"b\"[1]`: {KEY}")), "{}", error(&nested));
    assert!(error(&BTreeMap::from([(None::<u8>, 1)])).starts_with(KEY));
    assert!(error(&BTreeMap::from([(Unit, 1)])).starts_with(KEY));
    assert!(error(&Floats(vec![(f64::NAN, 1.0)])).starts_with("NaN is no JSON number"));
    assert!(error(&Floats(vec![(f64::INFINITY, 1.0)])).starts_with("inf is no JSON number"));
}

/// Serialization and display fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fails;

impl Serialize for Fails {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}

impl fmt::Display for Fails {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

struct DisplayFails;

impl Serialize for DisplayFails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Fails)
    }
}

#[test]
fn error_of_serialize_or_display_has_path() {
    #[derive(Serialize)]
    enum Variants {
        Newtype(Fails),
        Tuple(u8, Fails),
        Struct { field: [Fails; 1] },
    }

    #[derive(Serialize)]
    struct Flat {
        #[serde(flatten)]
        inner: BTreeMap<u8, Variants>,
    }

    for (value, path) in [
        (Variants::Newtype(Fails), "[0].7.Newtype"),
        (Variants::Tuple(1, Fails), "[0].7.Tuple[1]"),
        (Variants::Struct { field: [Fails] }, "[0].7.Struct.field[0]"),
    ] {
        let value = [Flat { inner: [(7, value)].into() }];
        assert_eq!(error(&value), format!("`{path}`: on purpose"));
    }
    assert_eq!(error(&Fails), "on purpose");
    assert!(error(&(1, DisplayFails)).starts_with("`[1]`: "), "{}", error(&(1, DisplayFails)));
}

#[test]
fn number_that_is_not_finite_fails_with_path() {
    #[derive(Serialize)]
    struct Flat {
        #[serde(flatten)]
        more: BTreeMap<char, Option<f32>>,
    }

    for (result, expected) in [
        (error(&f64::NAN), "NaN is no"),
        (error(&[1.0, f32::INFINITY]), "`[1]`: inf is no"),
        (error(&BTreeMap::from([("a", Some(f64::NEG_INFINITY))])), "`a`: -inf is no"),
        (error(&Flat { more: [('x', None), ('y', Some(f32::NAN))].into() }), "`y`: NaN is no"),
    ] {
        assert!(result.starts_with(expected), "{result}");
    }
    assert_eq!(encoded(&(-0.0, None::<f64>, f32::MAX)), "[-0.0,null,3.4028235e+38]");
}

#[test]
fn depth_limit_is_that_of_serde_json() {
    #[derive(Serialize, serde::Deserialize)]
    enum Nested {
        None,
        Array(Vec<Nested>),
        Tuple(u8, Box<Nested>),
        Struct { inner: Box<Nested> },
        Newtype(Box<Nested>),
    }

    type Wrap = fn(Nested) -> Nested;
    let wraps: [(Wrap, usize); 4] = [
        (|inner| Nested::Array(vec![inner]), 2),
        (|inner| Nested::Tuple(1, Box::new(inner)), 2),
        (|inner| Nested::Struct { inner: Box::new(inner) }, 2),
        (|inner| Nested::Newtype(Box::new(inner)), 1),
    ];
    for (wrap, levels) in wraps {
        for depth in 127 / levels - 1..=127 / levels + 2 {
            let value = (0..depth).fold(Nested::None, |inner, _| wrap(inner));
            let is_read = serde_json::to_string(&value)
                .map(|json| serde_json::from_str::<Nested>(&json).is_ok())
                .expect("JSON");
            assert_eq!(encode(&value, &mut Vec::new()).is_ok(), is_read, "{depth}");
            assert_eq!(is_read, depth * levels <= 127);
        }
    }
}

#[test]
fn value_that_contains_itself_is_an_error() {
    struct Endless;

    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([("next", Self)])
        }
    }

    let error = error(&Endless);
    assert!(error.starts_with("`next.next.next.") && error.contains("127 levels"), "{error}");
}
