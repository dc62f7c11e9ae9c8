use std::path::PathBuf;

/// Why TypeScript cannot be made of the procedures, or not be written; it says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypeScriptError {
    /// No mounted procedure has TypeScript.
    #[error("no mounted procedure has TypeScript: write `#[procedure(typescript)]` on its trait")]
    Nothing,
    /// What is wrong with the router, in the words of [`ServeError`](crate::ServeError).
    #[error("{0}")]
    Router(String),
    /// A procedure is mounted outside of the base path.
    #[error(
        "`{path}` is not below `{base}`: set the path that all procedures share with `.base(\"..\")`"
    )]
    OutsideBase {
        /// Where it is mounted.
        path: String,
        /// The base path.
        base: String,
    },
    /// Two different contracts have one name.
    #[error(
        "the procedures at `{}` and `{}` are both named `{name}`: give one of them another name \
         with `#[procedure(name = \"..\")]`",
        paths[0], paths[1]
    )]
    TwoContracts {
        /// The name.
        name: String,
        /// Where they are mounted.
        paths: [String; 2],
    },
    /// TypeScript cannot have this name.
    #[error("{what} cannot be named `{name}` in TypeScript: {reason}. Rename it with `{fix}`")]
    Name {
        /// What has the name.
        what: String,
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
        /// How to give it another one.
        fix: &'static str,
    },
    /// A segment of a path cannot be a property of the client.
    #[error("`{path}` cannot be reached through the client: its segment `{segment}` {reason}")]
    Segment {
        /// The path.
        path: String,
        /// The segment.
        segment: String,
        /// Why not.
        reason: &'static str,
    },
    /// Two types of one procedure have one name, and are not the same.
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
    /// A type cannot be written in TypeScript.
    #[error("`{rust}` cannot be written in TypeScript: {reason}")]
    Type {
        /// The type in Rust.
        rust: String,
        /// Why not.
        reason: String,
    },
    /// A file in the folder is not Parlor's.
    #[error(
        "{} was not written by Parlor and would be lost: write to a folder of its own",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// What is in the folder was made of other procedures.
    #[error(
        "{} is not what the procedures say ({}): write it anew with `router.typescript().write(..)`",
        folder.display(), files.join(", ")
    )]
    Stale {
        /// The folder.
        folder: PathBuf,
        /// The files that are missing, too many or different.
        files: Vec<String>,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
}
