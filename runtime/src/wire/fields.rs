//! The fields of an event as one object, with one instantiation per tuple of types.
//!
//! Events with the same types share their code, whatever their names. This keeps a contract of hundreds
//! of events cheap to compile.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::Error as ValueError;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde::{Deserialize, forward_to_deserialize_any};

use super::DecodeError;

/// Decodes the object that holds the fields `names` into a tuple.
///
/// Fields that are not in `names` are skipped. A field that occurs twice is an error, as in a type of
/// serde. An absent field is `None` for an `Option`, the default for [`Defaulted`], else
/// [`DecodeError::Missing`].
pub fn decode_fields<'de, T: Fields<'de>, D: Deserializer<'de>>(
    payload: D,
    names: &'static [&'static str],
) -> Result<T, DecodeError<D::Error>> {
    payload
        .deserialize_any(ObjectVisitor::<T> { names, fields: PhantomData })
        .map_err(DecodeError::Codec)?
        .map_err(DecodeError::Missing)
}

/// Decodes a payload into a user's type.
pub fn decode_payload<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    payload: D,
) -> Result<T, DecodeError<D::Error>> {
    T::deserialize(payload).map_err(DecodeError::Codec)
}

/// A tuple of up to 16 field types.
pub trait Fields<'de>: Sized {
    /// The fields that were read so far.
    type Slots;
    /// Slots without a field.
    fn empty() -> Self::Slots;
    /// Reads the next value of `map` into the slot `index`. Fails if the slot has a value.
    fn read<M: MapAccess<'de>>(
        slots: &mut Self::Slots,
        index: usize,
        names: &'static [&'static str],
        map: &mut M,
    ) -> Result<(), M::Error>;
    /// Returns the fields, or the name of one that is absent.
    fn take(slots: Self::Slots, names: &'static [&'static str]) -> Result<Self, &'static str>;
}

macro_rules! fields {
    ($($T:ident $index:tt),*) => {
        impl<'de, $($T: Deserialize<'de>),*> Fields<'de> for ($($T,)*) {
            type Slots = ($(Option<$T>,)*);

            #[allow(clippy::unused_unit, reason = "an event may have no fields")]
            fn empty() -> Self::Slots {
                ($(None::<$T>,)*)
            }

            fn read<MA: MapAccess<'de>>(
                slots: &mut Self::Slots,
                index: usize,
                names: &'static [&'static str],
                map: &mut MA,
            ) -> Result<(), MA::Error> {
                let _ = (&slots, names);
                match index {
                    $($index if slots.$index.is_some() => {
                        return Err(MA::Error::duplicate_field(names[$index]));
                    })*
                    $($index => slots.$index = Some(map.next_value()?),)*
                    _ => { map.next_value::<IgnoredAny>()?; }
                }
                Ok(())
            }

            fn take(slots: Self::Slots, names: &'static [&'static str]) -> Result<Self, &'static str> {
                let _ = (&slots, names);
                Ok(($(match slots.$index {
                    Some(value) => value,
                    None => absent(names[$index])?,
                },)*))
            }
        }

        impl<$($T: Serialize),*> Serialize for Object<($($T,)*)> {
            fn serialize<SE: Serializer>(&self, serializer: SE) -> Result<SE::Ok, SE::Error> {
                #[allow(unused_mut, reason = "an event may have no fields")]
                let mut map = serializer.serialize_map(Some(self.names.len()))?;
                $(map.serialize_entry(self.names[$index], &self.values.$index)?;)*
                map.end()
            }
        }
    };
}

fields!();
fields!(A 0);
fields!(A 0, B 1);
fields!(A 0, B 1, C 2);
fields!(A 0, B 1, C 2, D 3);
fields!(A 0, B 1, C 2, D 3, E 4);
fields!(A 0, B 1, C 2, D 3, E 4, F 5);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15);

/// The fields of an event to encode: an object with one entry per name.
pub struct Object<T> {
    /// The wire names, as many as there are values.
    pub names: &'static [&'static str],
    /// A tuple of the values, mostly borrowed.
    pub values: T,
}

/// The fields, or the name of one that is absent.
type Found<T> = Result<T, &'static str>;

struct ObjectVisitor<T> {
    names: &'static [&'static str],
    fields: PhantomData<T>,
}

impl<'de, T: Fields<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Found<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the event's fields")
    }

    /// `null` is an object without fields. Clients send it for an event that has none.
    fn visit_unit<E>(self) -> Result<Found<T>, E> {
        Ok(T::take(T::empty(), self.names))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Found<T>, M::Error> {
        let mut slots = T::empty();
        while let Some(index) = map.next_key_seed(Key(self.names))? {
            T::read(&mut slots, index, self.names, &mut map)?;
        }
        Ok(T::take(slots, self.names))
    }
}

/// Reads a key as its index in the names; `usize::MAX` for an unknown one.
struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, key: &str) -> Result<usize, E> {
        Ok(self.0.iter().position(|name| *name == key).unwrap_or(usize::MAX))
    }
}

/// A field with `#[field(default)]`: if it is absent, `T::default()`.
pub struct Defaulted<T>(pub T);

/// The newtype name by which [`Absent`] recognizes [`Defaulted`].
const DEFAULTED: &str = "$parlor::Defaulted";

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Defaulted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DefaultedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for DefaultedVisitor<T> {
            type Value = Defaulted<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or nothing")
            }

            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(Defaulted(T::default()))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                T::deserialize(deserializer).map(Defaulted)
            }
        }

        deserializer.deserialize_newtype_struct(DEFAULTED, DefaultedVisitor(PhantomData))
    }
}

/// The value of an absent field, or its name if `T` has none.
fn absent<'de, T: Deserialize<'de>>(name: &'static str) -> Result<T, &'static str> {
    T::deserialize(Absent).map_err(|_| name)
}

/// Deserializes an absent field: an option is `None`, [`Defaulted`] has its default, all else fails.
struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("absent"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if name == DEFAULTED { visitor.visit_none() } else { self.deserialize_any(visitor) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
