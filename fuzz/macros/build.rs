//! Copies the modules of `parlor-macros`, because a proc-macro crate exports only its macros.

use std::io::Result;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<()> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../macros/src");
    println!("cargo::rerun-if-changed={}", sources.display());
    let copy = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("src");
    copy_folder(&sources, &copy)?;
    let root = copy.join("lib.rs");
    let text = fs::read_to_string(&root)?;
    let kept = |line: &&str| line.starts_with("mod ") && *line != "mod tests;";
    fs::write(&root, text.lines().filter(kept).collect::<Vec<_>>().join("\n"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}
