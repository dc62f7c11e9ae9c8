//! Types of the user's as `ts-rs` knows them.

use std::any::{TypeId, type_name};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ts_rs::{Config, TS, TypeVisitor};

use super::TypeScriptError;

/// A type of a field or answer.
#[derive(Clone, Copy)]
pub struct Type {
    rust: &'static str,
    optional: bool,
    name: fn(&Config) -> String,
    collect: fn(&mut Declarations),
}

impl Type {
    pub(crate) fn of<T: TS + ?Sized + 'static>() -> Self {
        Self {
            rust: type_name::<T>(),
            optional: T::IS_OPTION,
            name: T::name,
            collect: Declarations::root::<T>,
        }
    }

    /// Its name in Rust, with paths.
    pub(super) fn rust(&self) -> &'static str {
        self.rust
    }

    /// Whether it is an `Option`.
    pub(super) fn is_optional(&self) -> bool {
        self.optional
    }

    /// How TypeScript writes it.
    pub(super) fn text(&self) -> Result<String, TypeScriptError> {
        contain(self.rust, || (self.name)(&config()))
    }

    /// Adds the types of the user's that it is made of.
    pub(super) fn declare(&self, declarations: &mut Declarations) -> Result<(), TypeScriptError> {
        contain(self.rust, || (self.collect)(declarations))
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rust)
    }
}

/// `JSON.parse` makes a `number` of every number.
fn config() -> Config {
    Config::new().with_large_int("number")
}

/// `ts-rs` panics where it has no answer, as for a tuple in `#[ts(inline)]`.
fn contain<T>(rust: &str, ask: impl FnOnce() -> T) -> Result<T, TypeScriptError> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        TypeScriptError::Type {
            rust: rust.to_owned(),
            reason: text.unwrap_or("`ts-rs` panicked").to_owned(),
        }
    })
}

/// The declarations of one procedure's types, by name.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    pub(super) types: BTreeMap<String, Declaration>,
    seen: HashSet<TypeId>,
    /// Two types of one name.
    pub(super) clash: Option<Clash>,
}

/// One declaration, as `ts-rs` writes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declaration {
    pub(super) rust: &'static str,
    /// A whole comment, with its `/**`.
    pub(super) docs: Option<String>,
    /// `type Name<T> = ..;`
    pub(super) text: String,
}

#[derive(Debug, Clone)]
pub(super) struct Clash {
    pub(super) name: String,
    pub(super) rust: [&'static str; 2],
}

impl Declarations {
    fn root<T: TS + ?Sized + 'static>(&mut self) {
        self.visit::<T>();
        T::visit_generics(self);
        T::visit_dependencies(self);
    }

    fn add<T: TS + ?Sized + 'static>(&mut self) {
        let config = config();
        let name = T::ident(&config);
        let mut text = T::decl(&config);
        if text.starts_with("enum ") {
            // `#[ts(repr(enum))]`: what goes over the wire is one of its values.
            text = format!("type {name} = {};", T::inline(&config));
        }
        let rust = type_name::<T::WithoutGenerics>();
        let found = Declaration { rust, docs: T::docs(), text };
        match self.types.get(&name) {
            Some(other) if other.text != found.text => {
                self.clash.get_or_insert(Clash { name, rust: [other.rust, rust] });
            }
            Some(_) => {}
            None => drop(self.types.insert(name, found)),
        }
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + ?Sized + 'static>(&mut self) {
        // Only types of the user's have a file to be written to.
        if T::output_path().is_some() && self.seen.insert(TypeId::of::<T>()) {
            self.add::<T>();
            T::visit_dependencies(self);
        }
    }
}
