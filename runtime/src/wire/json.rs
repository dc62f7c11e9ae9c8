//! Writes the JSON that `serde_json` writes, with faster strings: `serde_json` checks each byte of a
//! string, and events are mostly text.

use std::fmt;

use serde::Serialize;
use serde::ser::{Error, Impossible, SerializeMap, SerializeStruct, Serializer};

/// Bytes of a string scanned per step.
const BLOCK: usize = 16;

/// Appends `value` as JSON. Unless it is a string or an object, it is serialized twice, which every
/// `Serialize` must allow.
pub(crate) fn encode<T: Serialize + ?Sized>(
    value: &T,
    json: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let start = json.len();
    if value.serialize(Texts(json)).is_ok() {
        return Ok(());
    }
    json.truncate(start);
    serde_json::to_writer(json, value)
}

/// Appends a string as JSON.
pub(super) fn encode_text(text: &str, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    if !is_plain(text.as_bytes()) {
        return serde_json::to_writer(json, text);
    }
    json.reserve(text.len() + 2);
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
    Ok(())
}

/// Returns whether a string needs no escapes.
fn is_plain(text: &[u8]) -> bool {
    let (blocks, rest) = text.as_chunks();
    let rest_is_plain = || match text.last_chunk() {
        // One block that overlaps the previous one is faster than single bytes.
        Some(last) => is_plain_block(last),
        None => rest.iter().all(|byte| PLAIN[usize::from(*byte)]),
    };
    blocks.iter().all(is_plain_block) && (rest.is_empty() || rest_is_plain())
}

/// Without an early return and without the table, a block takes a few instructions.
fn is_plain_block(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(true, |plain, byte| plain & is_plain_byte(*byte))
}

/// Returns whether a byte needs no escape (RFC 8259 §7). All bytes of non-ASCII characters need none.
const fn is_plain_byte(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// [`is_plain_byte`] as a table.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x80 {
        plain[byte as usize] = is_plain_byte(byte);
        byte += 1;
    }
    plain
};

/// Serializes strings and objects. All other values fail with [`NoText`], and `serde_json` writes them.
struct Texts<'a>(&'a mut Vec<u8>);

/// `serde_json` has to write the value. If the value is wrong, `serde_json` returns the error.
#[derive(Debug)]
struct NoText;

impl fmt::Display for NoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither a string nor an object")
    }
}

impl std::error::Error for NoText {}

impl Error for NoText {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! no_text {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, NoText> {
            Err(NoText)
        })*
    };
}

impl<'a> Serializer for Texts<'a> {
    type Ok = ();
    type Error = NoText;
    type SerializeSeq = Impossible<(), NoText>;
    type SerializeTuple = Impossible<(), NoText>;
    type SerializeTupleStruct = Impossible<(), NoText>;
    type SerializeTupleVariant = Impossible<(), NoText>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Impossible<(), NoText>;

    fn serialize_str(self, text: &str) -> Result<(), NoText> {
        encode_text(text, self.0).map_err(NoText::custom)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, NoText> {
        self.0.push(b'{');
        Ok(Object { json: self.0, is_empty: true })
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Object<'a>, NoText> {
        // `serde_json` has private structs that are no objects, such as `RawValue`. Their names start with `$`.
        if name.starts_with('$') { Err(NoText) } else { self.serialize_map(None) }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoText> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoText> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NoText> {
        Err(NoText)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), NoText> {
        Err(NoText)
    }

    no_text! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

struct Object<'a> {
    json: &'a mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    fn write_comma(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.json.push(b',');
        }
    }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = NoText;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoText> {
        self.write_comma();
        let start = self.json.len();
        key.serialize(Texts(self.json))?;
        // A struct cannot be a key.
        if self.json.get(start) == Some(&b'"') { Ok(()) } else { Err(NoText) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoText> {
        self.json.push(b':');
        encode(value, self.json).map_err(NoText::custom)
    }

    fn end(self) -> Result<(), NoText> {
        self.json.push(b'}');
        Ok(())
    }
}

impl SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = NoText;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NoText> {
        self.serialize_entry(key, value)
    }

    fn end(self) -> Result<(), NoText> {
        SerializeMap::end(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::{RawValue, to_raw_value};

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct Name(String);

    #[derive(Debug, Clone, Serialize)]
    enum Shape {
        Point,
        Named(Name),
        Pair(u8, Name),
        Wide { name: Name, width: Option<Name> },
    }

    #[derive(Debug, Serialize)]
    struct Nested {
        name: Name,
        #[serde(skip_serializing_if = "Option::is_none")]
        nickname: Option<Name>,
        shape: Shape,
        raw: Box<RawValue>,
        numbers: BTreeMap<i16, f64>,
        #[serde(flatten)]
        names: BTreeMap<Name, Vec<char>>,
    }

    fn name() -> impl Strategy<Value = Name> {
        prop_oneof!["[ -~]{0,40}", ".{0,40}", "[\\x00-\\x7f]{0,20}"].prop_map(Name)
    }

    fn shape() -> impl Strategy<Value = Shape> {
        prop_oneof![
            Just(Shape::Point),
            name().prop_map(Shape::Named),
            (any::<u8>(), name()).prop_map(|(number, name)| Shape::Pair(number, name)),
            (name(), proptest::option::of(name()))
                .prop_map(|(name, width)| Shape::Wide { name, width }),
        ]
    }

    fn nested() -> impl Strategy<Value = Nested> {
        let option = proptest::option::of(name());
        let numbers = proptest::collection::btree_map(any::<i16>(), any::<f64>(), 0..3);
        let chars = proptest::collection::vec(any::<char>(), 0..3);
        let names = proptest::collection::btree_map(name(), chars, 0..3);
        (name(), option, shape(), name(), numbers, names).prop_map(
            |(name, nickname, shape, raw, numbers, names)| {
                let raw = to_raw_value(&raw).expect("JSON");
                Nested { name, nickname, shape, raw, numbers, names }
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

    #[test]
    fn value_without_json_form_fails() {
        let by_struct = BTreeMap::from([(BTreeMap::from([("a", 1)]), 1)]);
        let mut json = Vec::new();
        let error = encode(&by_struct, &mut json).expect_err("an object cannot be a key");
        assert!(error.to_string().contains("key"), "{error}");
    }
}
