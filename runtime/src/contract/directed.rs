use std::marker::PhantomData;

use ts_rs::{Config, TS, TypeVisitor};

/// The TypeScript type of a field that clients do not send as the server does: `T`, with a mark that the
/// generator reads. Only `#[ts(as = ..)]` names it.
///
/// `INPUT` and `OUTPUT` say whether the field is in what clients send, and in what the server sends: `a` always,
/// `s` sometimes, `n` never, and `v` sometimes, but not as `null`.
pub struct Directed<T: ?Sized, const INPUT: char, const OUTPUT: char>(PhantomData<T>);

impl<T: TS + ?Sized, const INPUT: char, const OUTPUT: char> TS for Directed<T, INPUT, OUTPUT> {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;
    fn name(config: &Config) -> String {
        mark(INPUT, OUTPUT, &T::name(config))
    }
    fn inline(config: &Config) -> String {
        mark(INPUT, OUTPUT, &T::inline(config))
    }
    fn visit_dependencies(visitor: &mut impl TypeVisitor)
    where
        Self: 'static,
    {
        T::visit_dependencies(visitor);
    }
    fn visit_generics(visitor: &mut impl TypeVisitor)
    where
        Self: 'static,
    {
        T::visit_generics(visitor);
        visitor.visit::<T>();
    }
}

/// The macro writes the same for a type that the user set.
fn mark(input: char, output: char, ty: &str) -> String {
    format!("$field_{input}{output}<{ty}>")
}
