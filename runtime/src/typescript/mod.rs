//! The TypeScript client of the mounted procedures: [`Router::typescript`](crate::Router::typescript).
//!
//! The client contains each procedure with `#[procedure(typescript)]`. The types in its events need
//! [`#[payload(typescript)]`](macro@crate::payload). A test writes the client, or checks that the
//! committed client is up to date. No server runs:
//!
//! ```
//! use parlor::prelude::*;
//!
//! #[procedure(typescript)]
//! pub trait Chat {
//!     /// Sends `text` to everyone in `room`.
//!     #[incoming]
//!     async fn send_message(&mut self, room: String, text: String);
//!
//!     #[outgoing]
//!     fn new_message(#[payload] message: Message);
//! }
//!
//! #[payload(typescript)]
//! pub struct Message {
//!     pub room: String,
//!     pub text: String,
//!     pub user_id: String,
//! }
//! # struct Guest;
//! # impl Chat for Guest { async fn send_message(&mut self, _: String, _: String) {} }
//! # fn router() -> Router {
//! #     Router::new().procedure("/api/chat/wsChat", ChatServer::new(|_: ChatSocket| async { Ok(Guest) }))
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("parlor-doc-{}", std::process::id()));
//! # let folder = folder.to_str().unwrap_or_default();
//!
//! // "web/src/api", for example.
//! router().typescript().write(folder)?;
//! router().typescript().check(folder)?; // fails when the files are stale
//! # std::fs::remove_dir_all(folder)?;
//! # Ok(())
//! # }
//! ```

mod declared;
mod description;
mod direction;
mod docs;
mod error;
mod folder;
mod index;
mod layout;
mod names;
mod paths;
#[cfg(feature = "validate-pattern")]
mod pattern;
mod rules;
mod runtime_files;
mod syntax;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use description::{Description, Event, Field, Rule};
pub use error::TypeScriptError;
pub use folder::Written;
pub(crate) use types::Type;

use description::Payload;
use folder::MARK;

/// Generates the TypeScript client. Made by [`Router::typescript`](crate::Router::typescript).
#[derive(Debug, Clone)]
#[must_use = "nothing is written until `write` is called"]
pub struct TypeScript {
    procedures: BTreeMap<String, Description>,
    router_error: Option<String>,
    base: String,
    import_extension: String,
    /// The entry points that have files beside `index.ts`.
    entry_points: BTreeSet<&'static str>,
}

impl TypeScript {
    pub(crate) fn new(
        procedures: impl IntoIterator<Item = (String, Description)>,
        router_error: Option<String>,
    ) -> Self {
        Self {
            procedures: procedures.into_iter().collect(),
            router_error,
            base: "/api".to_owned(),
            import_extension: String::new(),
            entry_points: runtime_files::OPTIONAL
                .into_iter()
                .filter_map(|(name, by_default)| by_default.then_some(name))
                .collect(),
        }
    }

    /// The common path of all procedures, which `baseUrl` refers to. Default: `/api`.
    ///
    /// The rest of a procedure's path becomes its name in the client: `/api/chat/wsChat` becomes
    /// `client.chat.wsChat`.
    pub fn base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// The extension in imports, such as `".js"` for Node's ES modules, or `".ts"`, with or without the dot.
    /// Default: none, for bundlers.
    pub fn import_extension(mut self, extension: impl Into<String>) -> Self {
        let extension = extension.into();
        let is_complete = extension.is_empty() || extension.starts_with('.');
        self.import_extension = if is_complete { extension } else { format!(".{extension}") };
        self
    }

    /// Whether to write the React hooks, `react.ts`. Default: `true`. No other file imports React.
    pub fn react(self, react: bool) -> Self {
        self.entry_point("react", react)
    }

    /// Whether to write `reactNative.ts`: what tells a client that the app or the network is back in React
    /// Native. Default: `false`.
    pub fn react_native(self, react_native: bool) -> Self {
        self.entry_point("reactNative", react_native)
    }

    /// Whether to write the stores for Svelte, `svelte.ts`. Default: `false`. No other file imports Svelte.
    pub fn svelte(self, svelte: bool) -> Self {
        self.entry_point("svelte", svelte)
    }

    /// Whether to write the composables for Vue, `vue.ts`. Default: `false`. No other file imports Vue.
    pub fn vue(self, vue: bool) -> Self {
        self.entry_point("vue", vue)
    }

    fn entry_point(mut self, name: &'static str, is_written: bool) -> Self {
        if is_written {
            self.entry_points.insert(name);
        } else {
            self.entry_points.remove(name);
        }
        self
    }

    /// The text of each file, by its path in the folder.
    pub fn files(&self) -> Result<BTreeMap<String, String>, TypeScriptError> {
        if let Some(error) = &self.router_error {
            return Err(TypeScriptError::Router(error.clone()));
        }
        if self.procedures.is_empty() {
            return Err(TypeScriptError::Nothing);
        }
        let extension = &self.import_extension;
        let export = |module: &str| format!("export * from \"./parlor/{module}{extension}\";\n");
        let mut files = BTreeMap::new();
        let mut add = |name: String, text: &str| {
            let text = format!("{MARK}/* eslint-disable */\n\n{}", text.trim_start());
            // Git may have checked out the runtime files of Parlor with other line ends.
            files.insert(name, text.replace("\r\n", "\n"));
        };
        add("index.ts".to_owned(), &format!("{}\n{}", export("client"), self.contracts()?));
        let generated = self.rules()?.map(|text| ("rules", text)).into_iter().collect();
        let entry_points = self.entry_points.iter().copied().chain([runtime_files::CLIENT]);
        for (name, text) in runtime_files::modules(entry_points, &generated) {
            if self.entry_points.contains(name) {
                add(format!("{name}.ts"), &export(name));
            }
            add(format!("parlor/{name}.ts"), &runtime_files::with_imports(text, extension));
        }
        Ok(files)
    }

    /// Writes the files to a folder for them alone. Creates the folder if it does not exist.
    ///
    /// Equal files are not touched, so that build tools do not rebuild them. Files of an earlier version
    /// that are no longer part of the client are removed. Files that Parlor did not write are not changed;
    /// if one has the path of a generated file, this is an error.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<Written, TypeScriptError> {
        folder::write(folder.as_ref(), &self.files()?)
    }

    /// Fails with [`TypeScriptError::Stale`] if [`write`](Self::write) would change the folder. For a test
    /// that checks committed files.
    pub fn check(&self, folder: impl AsRef<Path>) -> Result<(), TypeScriptError> {
        let folder = folder.as_ref();
        let mut found = folder::compare(folder, &self.files()?)?;
        found.changed.append(&mut found.removed);
        if found.changed.is_empty() {
            return Ok(());
        }
        Err(TypeScriptError::Stale { folder: folder.to_owned(), files: found.changed })
    }

    /// The interface `AppRouter`, and the types of all contracts.
    fn contracts(&self) -> Result<String, TypeScriptError> {
        let exported = runtime_files::exported();
        let mut tree = paths::Node::default();
        let mut contracts: BTreeMap<&str, (&str, &Description)> = BTreeMap::new();
        for (path, contract) in &self.procedures {
            let name = contract.name;
            names::procedure(name, &exported)?;
            let (first, known) = contracts.entry(name).or_insert((path, contract));
            if known.id != contract.id {
                return Err(TypeScriptError::TwoContracts {
                    name: name.to_owned(),
                    paths: [(*first).to_owned(), path.clone()],
                });
            }
            tree.insert(paths::below(path, &self.base)?, name)?;
        }
        let mut text = tree.interface(&self.base);
        for (_, contract) in contracts.values() {
            text.push('\n');
            text.push_str(&index::procedure(contract)?);
        }
        Ok(text)
    }

    /// `rules.ts`: the rules that clients check before they send. `None` if there are none: the file of the
    /// runtime then keeps the code that checks out of the client.
    fn rules(&self) -> Result<Option<String>, TypeScriptError> {
        let mut text = String::from(
            "import { createCheck } from \"./check.js\";\n\n\
             /** Checks messages by the rules of each procedure, by its path. */\n\
             export const checkRules = createCheck({\n",
        );
        let mut any = false;
        let mut all_paths = Vec::new();
        for (path, contract) in &self.procedures {
            let events: String = contract.incoming.iter().filter_map(rules_of).collect();
            any |= !events.is_empty();
            let path = names::quoted(paths::below(path, &self.base)?);
            // Also without rules: the client looks rules up by the end of the path.
            let rules =
                if events.is_empty() { "{}".to_owned() } else { format!("{{\n{events}  }}") };
            text.extend(["  ", &path, ": ", &rules, ",\n"]);
            all_paths.push(path);
        }
        text.push_str(
            "});\n\n/** The paths of the procedures. */\nexport const paths: readonly string[] = [",
        );
        text.extend([&all_paths.join(", "), "];\n"]);
        Ok(any.then_some(text))
    }
}

/// The rules of an event's fields. A whole payload has the key `""`.
fn rules_of(event: &Event) -> Option<String> {
    let whole;
    let fields: &[(&str, Field)] = match &event.payload {
        Payload::Fields(fields) => fields,
        Payload::Whole(field) => {
            whole = [("", field.clone())];
            &whole
        }
    };
    let fields = fields.iter().filter_map(|(name, field)| {
        let rules = rules::literal(&field.rules, field.ty.rust())?;
        Some(format!("      {}: {rules},\n", names::key(name)))
    });
    let fields: String = fields.collect();
    (!fields.is_empty()).then(|| format!("    {}: {{\n{fields}    }},\n", names::key(event.name)))
}
