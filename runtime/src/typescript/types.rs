//! The user's types, through `ts-rs`.

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

    /// The name of the type in Rust, with paths.
    pub(super) fn rust(&self) -> &'static str {
        self.rust
    }

    /// Returns whether the type is an `Option`.
    pub(super) fn is_optional(&self) -> bool {
        self.optional
    }

    /// The type in TypeScript.
    pub(super) fn text(&self) -> Result<String, TypeScriptError> {
        catch_panic(self.rust, || (self.name)(&config()))
    }

    /// Adds the declarations of the user's types that it contains.
    pub(super) fn declare(&self, declarations: &mut Declarations) -> Result<(), TypeScriptError> {
        catch_panic(self.rust, || (self.collect)(declarations))
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rust)
    }
}

/// Large integers are `number`, because `JSON.parse` returns a `number` for every number.
fn config() -> Config {
    Config::new().with_large_int("number")
}

/// Catches panics: `ts-rs` panics for types that it does not support, such as a tuple in `#[ts(inline)]`.
fn catch_panic<T>(rust: &str, call: impl FnOnce() -> T) -> Result<T, TypeScriptError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        TypeScriptError::Type {
            rust: rust.to_owned(),
            reason: text.unwrap_or("`ts-rs` panicked").to_owned(),
        }
    })
}

/// The declarations of the types of one procedure, by name.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    pub(super) types: BTreeMap<String, Declaration>,
    seen: HashSet<TypeId>,
    /// Two different types of the same name.
    pub(super) collision: Option<Collision>,
}

/// One declaration, as `ts-rs` writes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declaration {
    pub(super) rust: &'static str,
    /// A complete comment, including `/**`.
    pub(super) docs: Option<String>,
    /// `type Name<T> = ..;`
    pub(super) text: String,
}

#[derive(Debug, Clone)]
pub(super) struct Collision {
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
            // `#[ts(repr(enum))]`: the wire carries one of the values of the enum.
            text = format!("type {name} = {};", T::inline(&config));
        }
        let rust = type_name::<T::WithoutGenerics>();
        let found = Declaration { rust, docs: T::docs(), text };
        match self.types.get(&name) {
            Some(other) if other.text != found.text => {
                self.collision.get_or_insert(Collision { name, rust: [other.rust, rust] });
            }
            Some(_) => {}
            None => drop(self.types.insert(name, found)),
        }
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + ?Sized + 'static>(&mut self) {
        // Only user's types have an output path.
        if T::output_path().is_some() && self.seen.insert(TypeId::of::<T>()) {
            self.add::<T>();
            T::visit_dependencies(self);
        }
    }
}
