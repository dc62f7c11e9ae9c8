//! The rules of `#[validate(..)]`: those of garde, without its derive.
//!
//! Each function takes the path of the field, a reference to its value, and the bounds of the rule. No
//! violation contains the value. The traits define which types a rule applies to; their error messages
//! are for wrong uses of `#[validate]`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::sync::Arc;

use garde::rules::length::{chars, simple};

use crate::wire::Violation;

/// Checks the length: the characters of a string, or the elements of a collection.
pub fn length<T: Length + ?Sized>(
    path: &str,
    value: &T,
    min: Option<usize>,
    max: Option<usize>,
) -> Result<(), Violation> {
    let bounds = (min.unwrap_or(0), max.unwrap_or(usize::MAX));
    value.check_length(bounds).map_err(|error| Violation::within(path, "length", error, min, max))
}

/// Checks that the number is within the bounds.
pub fn range<T: Number<B> + ?Sized, B: Display + Copy>(
    path: &str,
    value: &T,
    min: Option<B>,
    max: Option<B>,
) -> Result<(), Violation> {
    value.check_range(min, max).map_err(|error| Violation::within(path, "range", error, min, max))
}

/// Checks that the string has the form of an email address.
#[cfg(feature = "validate-email")]
pub fn email<T: Text + ?Sized>(path: &str, value: &T) -> Result<(), Violation> {
    garde::rules::email::apply(&value.text(), ())
        .map_err(|error| Violation::new(path, "email", error.to_string()))
}

/// Checks that the string is a URL.
#[cfg(feature = "validate-url")]
pub fn url<T: Text + ?Sized>(path: &str, value: &T) -> Result<(), Violation> {
    garde::rules::url::apply(&value.text(), ())
        .map_err(|error| Violation::new(path, "url", error.to_string()))
}

/// A regular expression, compiled at first use. `None` if it does not compile.
#[cfg(feature = "validate-pattern")]
pub type Pattern = std::sync::LazyLock<Option<regex::Regex>>;

/// Compiles a pattern. The macro has parsed it, so this fails only for a pattern that is too large.
#[cfg(feature = "validate-pattern")]
pub fn compile(pattern: &str) -> Option<regex::Regex> {
    regex::Regex::new(pattern)
        .inspect_err(|error| tracing::error!(%error, "a pattern of `#[validate]` does not compile; every value violates it"))
        .ok()
}

/// Checks that the pattern matches anywhere in the string. `^` and `$` anchor it.
#[cfg(feature = "validate-pattern")]
pub fn pattern<T: Text + ?Sized>(
    path: &str,
    value: &T,
    pattern: &Pattern,
) -> Result<(), Violation> {
    match pattern.as_ref() {
        Some(pattern) if pattern.is_match(value.text()) => Ok(()),
        Some(pattern) => {
            Err(Violation::new(path, "pattern", format!("does not match `{}`", pattern.as_str())))
        }
        None => Err(Violation::new(path, "pattern", "the pattern is too large to be matched")),
    }
}

/// Checks each element.
pub fn inner<'a, T: Inner + ?Sized>(
    path: &str,
    value: &'a T,
    check: impl Fn(&'a T::Element) -> Result<(), Violation>,
) -> Result<(), Violation> {
    value.elements().enumerate().try_for_each(|(index, element)| {
        check(element).map_err(|violation| violation.below(&format!("{path}[{index}]")))
    })
}

/// Checks the rules of the value's own type.
pub fn nested<T: Nested + ?Sized>(path: &str, value: &T) -> Result<(), Violation> {
    value.check_nested().map_err(|violation| violation.below(path))
}

/// Checks the value with a user's function.
pub fn custom<T: ?Sized, E: Display>(
    path: &str,
    value: &T,
    check: impl FnOnce(&T) -> Result<(), E>,
) -> Result<(), Violation> {
    check(value).map_err(|error| Violation::new(path, "custom", error.to_string()))
}

/// A type that the rule `length` applies to.
#[diagnostic::on_unimplemented(
    message = "the rule `length` applies to strings and collections only",
    label = "this rule does not fit the field"
)]
pub trait Length {
    #[doc(hidden)]
    fn check_length(&self, bounds: (usize, usize)) -> Result<(), garde::Error>;
}

#[diagnostic::do_not_recommend]
impl Length for str {
    fn check_length(&self, bounds: (usize, usize)) -> Result<(), garde::Error> {
        chars::apply(&self, bounds)
    }
}

#[diagnostic::do_not_recommend]
impl<T> Length for [T] {
    fn check_length(&self, bounds: (usize, usize)) -> Result<(), garde::Error> {
        simple::apply(&self, bounds)
    }
}

macro_rules! length {
    ($rule:ident: $([$($generics:tt)*] $type:ty),* $(,)?) => { $(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Length for $type {
            fn check_length(&self, bounds: (usize, usize)) -> Result<(), garde::Error> {
                $rule::apply(self, bounds)
            }
        }
    )* };
}

length!(chars: [] String, [] Box<str>, [] Arc<str>, ['a] Cow<'a, str>);
length!(simple:
    [T] Vec<T>, [T, const N: usize] [T; N], [T] Box<[T]>, [T] VecDeque<T>, [T] BTreeSet<T>,
    [T, S] HashSet<T, S>, [K, V] BTreeMap<K, V>, [K, V, S] HashMap<K, V, S>,
);

/// A type that the rule `range` applies to: a number. `B` is the same type.
#[diagnostic::on_unimplemented(
    message = "the rule `range` applies to numbers only",
    label = "this rule does not fit the field"
)]
pub trait Number<B> {
    #[doc(hidden)]
    fn check_range(&self, min: Option<B>, max: Option<B>) -> Result<(), garde::Error>;
}

macro_rules! number {
    ($($type:ty),*) => { $(
        #[diagnostic::do_not_recommend]
        impl Number<$type> for $type {
            fn check_range(&self, min: Option<$type>, max: Option<$type>) -> Result<(), garde::Error> {
                // All comparisons with NaN are false, so garde accepts NaN for every range.
                if self.partial_cmp(self).is_none() {
                    return Err(garde::Error::new("not a number"));
                }
                garde::rules::range::apply(self, (min, max))
            }
        }
    )* };
}

number!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64);

/// A type that rules for strings apply to.
#[diagnostic::on_unimplemented(
    message = "this rule applies to strings only",
    label = "this rule does not fit the field"
)]
pub trait Text {
    #[doc(hidden)]
    fn text(&self) -> &str;
}

macro_rules! text {
    ($($type:ty),*) => { $(
        #[diagnostic::do_not_recommend]
        impl Text for $type {
            fn text(&self) -> &str {
                self
            }
        }
    )* };
}

text!(str, String, Box<str>, Arc<str>, Cow<'_, str>);

/// A type that the rule `inner` applies to.
#[diagnostic::on_unimplemented(
    message = "the rule `inner` applies to collections only",
    label = "this rule does not fit the field"
)]
pub trait Inner {
    #[doc(hidden)]
    type Element: ?Sized;
    #[doc(hidden)]
    fn elements(&self) -> impl Iterator<Item = &Self::Element>;
}

macro_rules! inner {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => { $(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Inner for $type {
            type Element = T;
            fn elements(&self) -> impl Iterator<Item = &T> {
                self.iter()
            }
        }
    )* };
}

inner!(
    [T] [T], [T] Vec<T>, [T, const N: usize] [T; N], [T] Box<[T]>, [T] VecDeque<T>,
    [T] BTreeSet<T>, [T, S] HashSet<T, S>,
);

/// A type that the rule `nested` applies to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules of its own",
    label = "`nested` needs a type with rules",
    note = "derive `garde::Validate` for `{Self}`"
)]
pub trait Nested {
    #[doc(hidden)]
    fn check_nested(&self) -> Result<(), Violation>;
}

#[diagnostic::do_not_recommend]
impl<T> Nested for T
where
    T: garde::Validate + ?Sized,
    T::Context: Default,
{
    fn check_nested(&self) -> Result<(), Violation> {
        let Err(report) = self.validate() else { return Ok(()) };
        match report.iter().next() {
            Some((path, error)) => {
                Err(Violation::new(path.to_string(), "nested", error.to_string()))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
