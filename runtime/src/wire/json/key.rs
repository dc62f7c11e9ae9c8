use std::fmt;

use serde::Serialize;
use serde::ser::{Impossible, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use super::error::EncodeError;
use super::text::{encode_display, encode_text};

/// Serializes the key of a map as a string, as `serde_json` does.
pub(super) struct Key<'a>(pub(super) &'a mut Vec<u8>);

#[cold]
fn not_a_key() -> EncodeError {
    EncodeError::new(
        "a key of a JSON object must be a string, a number, a boolean or a unit variant: \
         send a list of pairs instead, `Vec<(K, V)>`",
    )
}

macro_rules! quoted {
    ($($method:ident($type:ty) $write:ident;)*) => {
        $(fn $method(self, key: $type) -> Result<(), EncodeError> {
            self.0.push(b'"');
            // Cannot fail: a vector accepts all bytes.
            let _ = CompactFormatter.$write(&mut *self.0, key);
            self.0.push(b'"');
            Ok(())
        })*
    };
}

macro_rules! quoted_if_finite {
    ($($method:ident($type:ty) $write:ident;)*) => {
        $(fn $method(self, key: $type) -> Result<(), EncodeError> {
            if !key.is_finite() {
                return Err(EncodeError::not_finite(key.into()));
            }
            self.0.push(b'"');
            let _ = CompactFormatter.$write(&mut *self.0, key);
            self.0.push(b'"');
            Ok(())
        })*
    };
}

macro_rules! refused {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, EncodeError> {
            Err(not_a_key())
        })*
    };
}

impl Serializer for Key<'_> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Impossible<(), EncodeError>;
    type SerializeTuple = Impossible<(), EncodeError>;
    type SerializeTupleStruct = Impossible<(), EncodeError>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Impossible<(), EncodeError>;
    type SerializeStruct = Impossible<(), EncodeError>;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    fn serialize_str(self, key: &str) -> Result<(), EncodeError> {
        encode_text(key, self.0);
        Ok(())
    }

    fn serialize_char(self, key: char) -> Result<(), EncodeError> {
        self.serialize_str(key.encode_utf8(&mut [0; 4]))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Result<(), EncodeError> {
        key.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        key: &T,
    ) -> Result<(), EncodeError> {
        key.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        Err(not_a_key())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, key: &T) -> Result<(), EncodeError> {
        encode_display(key, self.0).map_err(serde::ser::Error::custom)
    }

    quoted! {
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
    }

    quoted_if_finite! {
        serialize_f32(f32) write_f32;
        serialize_f64(f64) write_f64;
    }

    refused! {
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}
