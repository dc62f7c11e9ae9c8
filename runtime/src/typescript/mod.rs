//! The TypeScript client of the mounted procedures: [`Router::typescript`](crate::Router::typescript).
//!
//! A procedure takes part with `#[procedure(typescript)]`, and the types in its events with
//! [`#[payload(typescript)]`](macro@crate::payload). A test writes the client, or holds the committed
//! one to the procedures; no server runs:
//!
//! ```
//! use parlor::prelude::*;
//!
//! #[procedure(typescript)]
//! pub trait Chat {
//!     /// Says `text` to everyone in `room`.
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

mod description;
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
mod types;

use std::collections::BTreeMap;
use std::path::Path;

pub use description::{Description, Event, Field, Rule};
pub use error::TypeScriptError;
pub use folder::Written;
pub(crate) use types::Type;

use description::Payload;
use folder::MARK;

/// The TypeScript client to be, with its settings: made by
/// [`Router::typescript`](crate::Router::typescript).
#[derive(Debug, Clone)]
#[must_use = "nothing is written before `write`"]
pub struct TypeScript {
    procedures: BTreeMap<String, Description>,
    mistake: Option<String>,
    base: String,
    import_extension: String,
    react: bool,
}

impl TypeScript {
    pub(crate) fn new(
        procedures: impl IntoIterator<Item = (String, Description)>,
        mistake: Option<String>,
    ) -> Self {
        Self {
            procedures: procedures.into_iter().collect(),
            mistake,
            base: "/api".to_owned(),
            import_extension: String::new(),
            react: true,
        }
    }

    /// The path that all procedures share, to which `baseUrl` points; `/api` by default.
    ///
    /// What follows it in a procedure's path is how the client names it: `/api/chat/wsChat` is
    /// `client.chat.wsChat`.
    pub fn base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// What files are imported with, such as `".js"` for Node's own ES modules, or `".ts"`. Nothing by
    /// default, as bundlers have it.
    pub fn import_extension(mut self, extension: impl Into<String>) -> Self {
        self.import_extension = extension.into();
        self
    }

    /// Whether there is a React hook, in `react.ts`; there is by default. Nothing else imports React.
    pub fn react(mut self, react: bool) -> Self {
        self.react = react;
        self
    }

    /// The files by their paths in the folder.
    pub fn files(&self) -> Result<BTreeMap<String, String>, TypeScriptError> {
        if let Some(mistake) = &self.mistake {
            return Err(TypeScriptError::Router(mistake.clone()));
        }
        if self.procedures.is_empty() {
            return Err(TypeScriptError::Nothing);
        }
        let extension = &self.import_extension;
        let export = |module: &str| format!("export * from \"./parlor/{module}{extension}\";\n");
        let mut files = BTreeMap::new();
        let mut add = |name: String, text: &str| {
            // What nobody is to edit, nobody is to lint.
            let text = format!("{MARK}/* eslint-disable */\n\n{}", text.trim_start());
            // Git may have checked out Parlor itself with other line ends.
            files.insert(name, text.replace("\r\n", "\n"));
        };
        add("index.ts".to_owned(), &format!("{}\n{}", export("client"), self.contracts()?));
        let rules = self.rules()?;
        for (name, text) in runtime_files::FILES {
            match *name {
                "react.ts" if !self.react => continue,
                "react.ts" => add((*name).to_owned(), &export("react")),
                _ => {}
            }
            let text = if *name == "rules.ts" { &rules } else { *text };
            add(format!("parlor/{name}"), &runtime_files::with_imports(text, extension));
        }
        Ok(files)
    }

    /// Writes the files to a folder of their own, which is made if it is not there.
    ///
    /// A file that is equal is not touched, so that nothing is built anew. Files of an earlier time
    /// that are no longer part are removed; files that Parlor has not written are left alone, and an
    /// error where one is in the way.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<Written, TypeScriptError> {
        folder::write(folder.as_ref(), &self.files()?)
    }

    /// Whether the folder is what [`write`](Self::write) would make it, else
    /// [`TypeScriptError::Stale`]: for a test that holds committed files to the procedures.
    pub fn check(&self, folder: impl AsRef<Path>) -> Result<(), TypeScriptError> {
        let folder = folder.as_ref();
        let mut found = folder::compare(folder, &self.files()?)?;
        found.changed.append(&mut found.removed);
        if found.changed.is_empty() {
            return Ok(());
        }
        Err(TypeScriptError::Stale { folder: folder.to_owned(), files: found.changed })
    }

    /// `AppRouter`, and all contracts by name.
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

    /// `rules.ts`: what clients check before they send.
    fn rules(&self) -> Result<String, TypeScriptError> {
        let mut text = String::from(
            "import type { Rules } from \"./check.js\";\n\n\
             /** The rules of each procedure, by its path. */\n\
             export const rules: Record<string, Rules> = {\n",
        );
        for (path, contract) in &self.procedures {
            let events: String = contract.incoming.iter().filter_map(rules_of).collect();
            let path = names::quoted(paths::below(path, &self.base)?);
            // Also without rules, lest it be given those of a path that ends alike.
            let rules =
                if events.is_empty() { "{}".to_owned() } else { format!("{{\n{events}  }}") };
            text.extend(["  ", &path, ": ", &rules, ",\n"]);
        }
        text.push_str("};\n");
        Ok(text)
    }
}

/// The rules of an event's fields; a whole payload has the field `""`.
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
