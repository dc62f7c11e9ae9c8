use super::payload::{NeverImplemented, ViaNothing, ViaSerde};
use crate::typescript::Type;

/// A type that `typescript` can apply to. Built like [`Payload`](super::Payload), for the same reason.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no TypeScript type",
    label = "has no TypeScript type",
    note = "add `#[parlor::payload(typescript)]` to `{Self}`, or to the type inside it; types of `chrono`, `url` and `uuid` have one with the feature of that name",
    note = "for a type of another crate, set the TypeScript type on a field of a `#[payload(typescript)]`, such as `#[ts(type = \"string\")]`"
)]
pub trait HasTypeScript<Via = ViaSerde> {
    /// Always `Self`.
    type This: ts_rs::TS + ?Sized;
    /// The type's description for the generator.
    fn typescript() -> Type
    where
        Self: 'static;
}

#[diagnostic::do_not_recommend]
impl<T: ts_rs::TS + ?Sized> HasTypeScript<ViaSerde> for T {
    type This = T;
    fn typescript() -> Type
    where
        T: 'static,
    {
        Type::of::<T>()
    }
}

#[diagnostic::do_not_recommend]
impl<T: NeverImplemented + ts_rs::TS + ?Sized> HasTypeScript<ViaNothing> for T {
    type This = T;
    fn typescript() -> Type
    where
        T: 'static,
    {
        Type::of::<T>()
    }
}
