//! Writes the client to a folder. Equal files are not touched, and files of others not overwritten.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

use super::TypeScriptError;

/// The first line of every file. It marks the files that Parlor wrote.
pub(super) const MARK: &str =
    "// Written by Parlor from the procedures of the server; do not edit.\n";

/// The result of [`TypeScript::write`](super::TypeScript::write). Paths are relative to the folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Written {
    /// The files that are new or different.
    pub changed: Vec<String>,
    /// Files of an earlier version that are no longer part of the client.
    pub removed: Vec<String>,
}

/// Returns what [`write`] has to change in the folder.
pub(super) fn compare(
    folder: &Path,
    files: &BTreeMap<String, String>,
) -> Result<Written, TypeScriptError> {
    let mut found = Written::default();
    for (name, text) in files {
        match read(&folder.join(name))? {
            Some(existing) if existing == *text => {}
            Some(existing) if !existing.starts_with(MARK) => {
                return Err(TypeScriptError::Foreign { path: folder.join(name) });
            }
            _ => found.changed.push(name.clone()),
        }
    }
    for below in ["", "parlor/"] {
        for name in names(&folder.join(below))? {
            let name = format!("{below}{name}");
            if files.contains_key(&name) {
                continue;
            }
            if read(&folder.join(&name))?.is_some_and(|existing| existing.starts_with(MARK)) {
                found.removed.push(name);
            }
        }
    }
    Ok(found)
}

/// Writes new and different files, and removes superfluous ones.
pub(super) fn write(
    folder: &Path,
    files: &BTreeMap<String, String>,
) -> Result<Written, TypeScriptError> {
    let written = compare(folder, files)?;
    for name in &written.changed {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        replace(&path, files.get(name).map_or("", String::as_str)).map_err(at(&path))?;
    }
    for name in &written.removed {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            // A concurrent test removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(at(&path))?,
        }
    }
    Ok(written)
}

/// Replaces a file atomically: a concurrent test may read or write the same file.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_file_name(format!(".parlor-{}-{next}", process::id()));
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, path))
        .inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// The text of a file, or `None` if it does not exist. Line ends are converted to those of Unix: git may
/// have checked out others.
fn read(path: &Path) -> Result<Option<String>, TypeScriptError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// The sorted names of the files in a folder, without hidden files. Empty if there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, TypeScriptError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(folder))?;
        if entry.file_type().map_err(at(folder))?.is_file() {
            names
                .extend(entry.file_name().into_string().ok().filter(|name| !name.starts_with('.')));
        }
    }
    names.sort();
    Ok(names)
}

fn at(path: &Path) -> impl Fn(io::Error) -> TypeScriptError {
    move |source| TypeScriptError::Io { path: path.to_owned(), source }
}
