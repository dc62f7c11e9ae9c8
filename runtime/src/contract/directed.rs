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

/// The TypeScript type of a type that serde converts: `Input` is what clients send, and `Output` is what the
/// server sends. Only `#[ts(as = ..)]` names it.
pub struct Converted<Input: ?Sized, Output: ?Sized>(PhantomData<Input>, PhantomData<Output>);

impl<Input: TS + ?Sized, Output: TS + ?Sized> TS for Converted<Input, Output> {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;
    const IS_ENUM: bool = Input::IS_ENUM || Output::IS_ENUM;
    fn name(config: &Config) -> String {
        format!("$converted<{}, {}>", Input::name(config), Output::name(config))
    }
    fn inline(config: &Config) -> String {
        Self::name(config)
    }
    fn visit_dependencies(visitor: &mut impl TypeVisitor)
    where
        Self: 'static,
    {
        visitor.visit::<Input>();
        Input::visit_generics(visitor);
        visitor.visit::<Output>();
        Output::visit_generics(visitor);
    }
}

/// The TypeScript type `T`, written without its name.
pub struct Unnamed<T: ?Sized>(PhantomData<T>);

impl<T: TS + ?Sized> TS for Unnamed<T> {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;
    const IS_ENUM: bool = T::IS_ENUM;
    fn name(config: &Config) -> String {
        T::inline(config)
    }
    fn inline(config: &Config) -> String {
        T::inline(config)
    }
    fn visit_generics(visitor: &mut impl TypeVisitor)
    where
        Self: 'static,
    {
        T::visit_dependencies(visitor);
    }
}
