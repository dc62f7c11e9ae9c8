//! Digests of what is sent. `macros/src/digest.rs` computes those of single events and types.

use std::marker::PhantomData;

/// What is sent for an event or a `#[payload]` type: its digest, and the shapes of the types in it.
///
/// These are functions, because a type may contain itself.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Of the event or type itself. It includes the names of the types in it, but not their fields.
    pub digest: u64,
    /// The shapes of the types in it.
    pub types: &'static [fn() -> Option<Shape>],
}

/// A type with `#[payload]`.
pub trait HasShape {
    /// What is sent for a value of the type.
    const SHAPE: Shape;
}

/// `ShapeOf::<T>::shape` is the inherent function for a type with `#[payload]`, else the one of [`NoShape`].
pub struct ShapeOf<T: ?Sized>(PhantomData<T>);

impl<T: HasShape + ?Sized> ShapeOf<T> {
    /// The shape of the type.
    pub fn shape() -> Option<Shape> {
        Some(T::SHAPE)
    }
}

/// The fallback of [`ShapeOf`].
pub trait NoShape {
    /// No shape.
    fn shape() -> Option<Shape> {
        None
    }
}

impl<T: ?Sized> NoShape for ShapeOf<T> {}

impl Shape {
    /// The digest of all that is sent. Each type counts once, in the order in which it is found.
    pub(crate) fn digest(self) -> u64 {
        let mut found = vec![self.digest];
        let mut waiting = vec![self.types.iter()];
        while let Some(types) = waiting.last_mut() {
            match types.next() {
                None => drop(waiting.pop()),
                Some(shape) => {
                    if let Some(shape) = shape().filter(|shape| !found.contains(&shape.digest)) {
                        found.push(shape.digest);
                        waiting.push(shape.types.iter());
                    }
                }
            }
        }
        fnv_1a(found.iter().flat_map(|digest| digest.to_le_bytes()))
    }
}

fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
