//! Files in a folder: what is equal stays untouched, what is not Parlor's is not overwritten.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

use super::TypeScriptError;

/// The first line of every file that is written.
pub(super) const MARK: &str =
    "// Written by Parlor from the procedures of the server; do not edit.\n";

/// What [`TypeScript::write`](super::TypeScript::write) has done; paths are within the folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Written {
    /// The files that were not there, or are different now.
    pub changed: Vec<String>,
    /// The files of an earlier time that are no longer part.
    pub removed: Vec<String>,
}

/// What there is to do in a folder.
pub(super) fn compare(
    folder: &Path,
    files: &BTreeMap<String, String>,
) -> Result<Written, TypeScriptError> {
    let mut found = Written::default();
    for (name, text) in files {
        match read(&folder.join(name))? {
            Some(there) if there == *text => {}
            Some(there) if !there.starts_with(MARK) => {
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
            if read(&folder.join(&name))?.is_some_and(|there| there.starts_with(MARK)) {
                found.removed.push(name);
            }
        }
    }
    Ok(found)
}

/// Makes the folder what it should be.
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
            // Another was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(at(&path))?,
        }
    }
    Ok(written)
}

/// Writes a file so that nobody finds half of it, be it another test that writes the same.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_file_name(format!(".parlor-{}-{next}", process::id()));
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, path))
        .inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// The text of a file, if there is one; line ends are those of Unix, whatever git made of them.
fn read(path: &Path) -> Result<Option<String>, TypeScriptError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// The names of the files in a folder, in order, without hidden ones; none if it is not there.
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
