use std::path::PathBuf;

/// Why the TypeScript client cannot be generated or written. The message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypeScriptError {
    /// No mounted procedure has `#[procedure(typescript)]`.
    #[error("no mounted procedure has TypeScript: write `#[procedure(typescript)]` on its trait")]
    Nothing,
    /// The router has an error, with the message of [`ServeError`](crate::server::ServeError).
    #[error("{0}")]
    Router(String),
    /// A procedure is not mounted below the base path.
    #[error(
        "`{path}` is not below `{base}`: set the common path of all procedures with `.base(\"..\")`"
    )]
    OutsideBase {
        /// The path of the procedure.
        path: String,
        /// The base path.
        base: String,
    },
    /// Two different contracts have the same name.
    #[error(
        "the procedures at `{}` and `{}` are both named `{name}`: give one of them another name \
         with `#[procedure(name = \"..\")]`",
        paths[0], paths[1]
    )]
    TwoContracts {
        /// The name.
        name: String,
        /// Their paths.
        paths: [String; 2],
    },
    /// A name is not possible in TypeScript.
    #[error("{what} cannot be named `{name}` in TypeScript: {reason}. Rename it with `{fix}`")]
    Name {
        /// The item that has the name.
        what: String,
        /// The name.
        name: String,
        /// Why it is not possible.
        reason: &'static str,
        /// The attribute that renames it.
        fix: &'static str,
    },
    /// A segment of a path cannot be a property of the client.
    #[error(
        "`{path}` cannot be a property of the client: its segment `{segment}` {reason}; mount the \
         procedure at another path"
    )]
    Segment {
        /// The path.
        path: String,
        /// The segment.
        segment: String,
        /// Why it is not possible.
        reason: &'static str,
    },
    /// Two different types of one procedure have the same name.
    #[error(
        "in `{procedure}`, `{}` and `{}` are both named `{name}` in TypeScript: rename one of them \
         with `#[ts(rename = \"..\")]`",
        rust[0], rust[1]
    )]
    TwoTypes {
        /// The procedure.
        procedure: String,
        /// The name.
        name: String,
        /// The types in Rust.
        rust: [String; 2],
    },
    /// A type differs between what clients send and what the server sends, and the name of the former is
    /// that of another type.
    #[error(
        "in `{procedure}`, what clients send of `{}` is named `{name}` in TypeScript, and so is a type of \
         `{}`: rename one of them with `#[ts(rename = \"..\")]`",
        rust[0], rust[1]
    )]
    InputName {
        /// The procedure.
        procedure: String,
        /// The name of both.
        name: String,
        /// The types in Rust.
        rust: [String; 2],
    },
    /// A type cannot be written in TypeScript.
    #[error("`{rust}` cannot be written in TypeScript: {reason}")]
    Type {
        /// The type in Rust.
        rust: String,
        /// Why it is not possible.
        reason: String,
    },
    /// A file in the folder was not written by Parlor.
    #[error(
        "{} was not written by Parlor and would be overwritten: choose a folder for the client alone",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The files in the folder are not those of the procedures.
    #[error(
        "{} is stale ({}): write it again with `router.typescript().write(..)`",
        folder.display(), files.join(", ")
    )]
    Stale {
        /// The folder.
        folder: PathBuf,
        /// The files that are missing, superfluous or different.
        files: Vec<String>,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
}
