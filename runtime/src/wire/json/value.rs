use std::fmt;

use serde::Serialize;
use serde::ser::{self, Error, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use super::error::EncodeError;
use super::key::Key;
use super::text::{encode_display, encode_text};

/// The most arrays and objects around a value: what `serde_json` reads. It also ends the recursion of a
/// value that contains itself.
const MAX_DEPTH: u8 = 127;

/// Serializes a value as `serde_json` does, but refuses what the same type cannot read again: numbers that
/// are not finite, which `serde_json` writes as `null`, and deep nesting.
pub(super) struct Value<'a> {
    json: &'a mut Vec<u8>,
    /// The arrays and objects around it.
    depth: u8,
}

impl<'a> Value<'a> {
    pub(super) fn new(json: &'a mut Vec<u8>) -> Self {
        Self { json, depth: 0 }
    }

    /// Begins an array or object. Returns its depth.
    fn begin(&mut self, bracket: u8) -> Result<u8, EncodeError> {
        if self.depth == MAX_DEPTH {
            return Err(EncodeError::too_deep(MAX_DEPTH));
        }
        self.json.push(bracket);
        Ok(self.depth + 1)
    }

    /// `{"variant":`
    fn begin_variant(&mut self, variant: &str) -> Result<(), EncodeError> {
        self.depth = self.begin(b'{')?;
        encode_text(variant, self.json);
        self.json.push(b':');
        Ok(())
    }

    fn begin_array(mut self) -> Result<Array<'a>, EncodeError> {
        let depth = self.begin(b'[')?;
        Ok(Array { json: self.json, depth, len: 0 })
    }

    fn begin_object(mut self) -> Result<Object<'a>, EncodeError> {
        let depth = self.begin(b'{')?;
        Ok(Object { json: self.json, depth, is_empty: true, key: 0 })
    }
}

macro_rules! written {
    ($($method:ident($type:ty) $write:ident;)*) => {
        $(fn $method(self, value: $type) -> Result<(), EncodeError> {
            // Cannot fail: a vector accepts all bytes.
            let _ = CompactFormatter.$write(self.json, value);
            Ok(())
        })*
    };
}

macro_rules! finite {
    ($($method:ident($type:ty) $write:ident;)*) => {
        $(fn $method(self, value: $type) -> Result<(), EncodeError> {
            if !value.is_finite() {
                return Err(EncodeError::not_finite(value.into()));
            }
            let _ = CompactFormatter.$write(self.json, value);
            Ok(())
        })*
    };
}

impl<'a> Serializer for Value<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = Variant<Array<'a>>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = Variant<Object<'a>>;

    fn serialize_str(self, text: &str) -> Result<(), EncodeError> {
        encode_text(text, self.json);
        Ok(())
    }

    fn serialize_char(self, char: char) -> Result<(), EncodeError> {
        self.serialize_str(char.encode_utf8(&mut [0; 4]))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        encode_display(value, self.json).map_err(EncodeError::custom)
    }

    written! {
        serialize_bool(bool) write_bool;
        serialize_i8(i8) write_i8;
        serialize_i16(i16) write_i16;
        serialize_i32(i32) write_i32;
        serialize_i64(i64) write_i64;
        serialize_i128(i128) write_i128;
        serialize_u8(u8) write_u8;
        serialize_u16(u16) write_u16;
        serialize_u32(u32) write_u32;
        serialize_u64(u64) write_u64;
        serialize_u128(u128) write_u128;
        serialize_bytes(&[u8]) write_byte_array;
    }

    finite! {
        serialize_f32(f32) write_f32;
        serialize_f64(f64) write_f64;
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.json.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let mut object = self.begin_object()?;
        object.entry(variant, value)?;
        object.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, EncodeError> {
        self.begin_array()
    }

    fn serialize_tuple(self, _: usize) -> Result<Array<'a>, EncodeError> {
        self.begin_array()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Array<'a>, EncodeError> {
        self.begin_array()
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<Array<'a>>, EncodeError> {
        self.begin_variant(variant)?;
        Ok(Variant { variant, inner: self.begin_array()? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, EncodeError> {
        self.begin_object()
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Struct<'a>, EncodeError> {
        // `serde_json` has private structs that are no objects, such as `RawValue`.
        if name.starts_with("$serde_json::private::") {
            return Ok(Struct::Private(name, self.json));
        }
        Ok(Struct::Object(self.begin_object()?))
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<Object<'a>>, EncodeError> {
        self.begin_variant(variant)?;
        Ok(Variant { variant, inner: self.begin_object()? })
    }
}

pub(super) struct Array<'a> {
    json: &'a mut Vec<u8>,
    depth: u8,
    len: usize,
}

impl Array<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if self.len > 0 {
            self.json.push(b',');
        }
        value
            .serialize(Value { json: self.json, depth: self.depth })
            .map_err(|error| error.in_element(self.len))?;
        self.len += 1;
        Ok(())
    }

    fn finish(self) {
        self.json.push(b']');
    }
}

pub(super) struct Object<'a> {
    json: &'a mut Vec<u8>,
    depth: u8,
    is_empty: bool,
    /// Where the last key starts.
    key: usize,
}

impl Object<'_> {
    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.json.push(b',');
        }
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), EncodeError> {
        self.comma();
        encode_text(key, self.json);
        self.json.push(b':');
        value
            .serialize(Value { json: self.json, depth: self.depth })
            .map_err(|error| error.in_entry(key))
    }

    fn finish(self) {
        self.json.push(b'}');
    }
}

/// An object, or a private struct of `serde_json` with its name.
pub(super) enum Struct<'a> {
    Object(Object<'a>),
    Private(&'static str, &'a mut Vec<u8>),
}

/// The field of a private struct. `serde_json` knows what it means.
struct PrivateStruct<'a, T: ?Sized> {
    name: &'static str,
    key: &'static str,
    value: &'a T,
}

impl<T: Serialize + ?Sized> Serialize for PrivateStruct<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct(self.name, 1)?;
        ser::SerializeStruct::serialize_field(&mut fields, self.key, self.value)?;
        ser::SerializeStruct::end(fields)
    }
}

impl ser::SerializeStruct for Struct<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Object(object) => object.entry(key, value),
            Self::Private(name, json) => {
                serde_json::to_writer(&mut **json, &PrivateStruct { name, key, value })
                    .map_err(EncodeError::custom)
            }
        }
    }

    fn end(self) -> Result<(), EncodeError> {
        if let Self::Object(object) = self {
            object.finish();
        }
        Ok(())
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.comma();
        self.key = self.json.len();
        key.serialize(Key(self.json))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key_end = self.json.len();
        self.json.push(b':');
        value.serialize(Value { json: self.json, depth: self.depth }).map_err(|error| {
            let key = self.json.get(self.key..key_end).map(serde_json::from_slice::<String>);
            error.in_entry(&key.and_then(Result::ok).unwrap_or_default())
        })
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish();
        Ok(())
    }
}

/// The content of a variant, inside the object `{"variant":..}`.
pub(super) struct Variant<T> {
    variant: &'static str,
    inner: T,
}

impl ser::SerializeStructVariant for Variant<Object<'_>> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.inner.entry(key, value).map_err(|error| error.in_entry(self.variant))
    }

    fn end(self) -> Result<(), EncodeError> {
        self.inner.json.extend_from_slice(b"}}");
        Ok(())
    }
}

impl ser::SerializeTupleVariant for Variant<Array<'_>> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.inner.element(value).map_err(|error| error.in_entry(self.variant))
    }

    fn end(self) -> Result<(), EncodeError> {
        self.inner.json.extend_from_slice(b"]}");
        Ok(())
    }
}

macro_rules! array {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for Array<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish();
                Ok(())
            }
        })*
    };
}

array! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
}
