//! The rules of `#[validate(..)]`: garde's, called without its derive.
//!
//! Each takes the path of the field, a reference to its value, and the rule's bounds; none echoes
//! the value. The traits say which values a rule is for, in words that a wrong use shows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::sync::Arc;

use garde::rules::length::{chars, simple};

use crate::wire::Violation;

/// Has the value an allowed length? Characters of strings are counted, elements of collections.
pub fn length<T: Length + ?Sized>(
    path: &str,
    value: &T,
    min: Option<usize>,
    max: Option<usize>,
) -> Result<(), Violation> {
    let bounds = (min.unwrap_or(0), max.unwrap_or(usize::MAX));
    value.check_length(bounds).map_err(|error| Violation::within(path, "length", error, min, max))
}

/// Is the number within bounds?
pub fn range<T: Number<B> + ?Sized, B: Display + Copy>(
    path: &str,
    value: &T,
    min: Option<B>,
    max: Option<B>,
) -> Result<(), Violation> {
    value.check_range(min, max).map_err(|error| Violation::within(path, "range", error, min, max))
}

/// Does the string look like an email address?
#[cfg(feature = "validate-email")]
pub fn email<T: Text + ?Sized>(path: &str, value: &T) -> Result<(), Violation> {
    garde::rules::email::apply(&value.text(), ())
        .map_err(|error| Violation::new(path, "email", error.to_string()))
}

/// Is the string a URL?
#[cfg(feature = "validate-url")]
pub fn url<T: Text + ?Sized>(path: &str, value: &T) -> Result<(), Violation> {
    garde::rules::url::apply(&value.text(), ())
        .map_err(|error| Violation::new(path, "url", error.to_string()))
}

/// A regular expression that is compiled when first needed; `None` if it cannot be.
#[cfg(feature = "validate-pattern")]
pub type Pattern = std::sync::LazyLock<Option<regex::Regex>>;

/// Compiles a pattern. The macro has parsed it, so only one that is too large fails.
#[cfg(feature = "validate-pattern")]
pub fn compile(pattern: &str) -> Option<regex::Regex> {
    regex::Regex::new(pattern)
        .inspect_err(|error| tracing::error!(%error, "a pattern of `#[validate]` matches nothing"))
        .ok()
}

/// Does the string match? The pattern may match anywhere: `^` and `$` pin it.
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

/// Does each element keep its rules?
pub fn inner<'a, T: Inner + ?Sized>(
    path: &str,
    value: &'a T,
    check: impl Fn(&'a T::Element) -> Result<(), Violation>,
) -> Result<(), Violation> {
    value.elements().enumerate().try_for_each(|(index, element)| {
        check(element).map_err(|violation| violation.below(&format!("{path}[{index}]")))
    })
}

/// Does the value keep the rules of its own type?
pub fn nested<T: Nested + ?Sized>(path: &str, value: &T) -> Result<(), Violation> {
    value.check_nested().map_err(|violation| violation.below(path))
}

/// Does the value please a function of the user's?
pub fn custom<T: ?Sized, E: Display>(
    path: &str,
    value: &T,
    check: impl FnOnce(&T) -> Result<(), E>,
) -> Result<(), Violation> {
    check(value).map_err(|error| Violation::new(path, "custom", error.to_string()))
}

/// What has a length.
#[diagnostic::on_unimplemented(
    message = "the rule `length` is for strings and collections",
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

/// What has a range: the numbers. `B` is the number itself.
#[diagnostic::on_unimplemented(
    message = "the rule `range` is for numbers",
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
                // Comparisons with NaN are all false, so garde finds it in every range.
                if self.partial_cmp(self).is_none() {
                    return Err(garde::Error::new("not a number"));
                }
                garde::rules::range::apply(self, (min, max))
            }
        }
    )* };
}

number!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64);

/// What is a string.
#[diagnostic::on_unimplemented(
    message = "this rule is for strings",
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

/// What has elements.
#[diagnostic::on_unimplemented(
    message = "the rule `inner` is for collections",
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

/// What has rules of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules of its own",
    label = "`nested` needs rules to check",
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
