//! Code of a lower layer does not use a higher one: CONTRIBUTING.md lists the folders.

use std::fs;
use std::path::{Path, PathBuf};

/// Files or folders of `runtime/src`, and the modules that their code does not use.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("session", &["server", "client"]),
    ("rooms", &["server", "client", "handle"]),
    ("handle", &["server", "client"]),
    ("client", &["server", "session", "rooms", "handle"]),
    ("wire", &["server", "session", "rooms", "handle", "client", "contract"]),
    ("typescript", &["server", "session", "rooms", "handle", "client", "contract"]),
];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            sources(&entry.expect("an entry").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

#[test]
fn lower_layers_do_not_use_higher_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src");
    for (folder, forbidden) in FORBIDDEN {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files);
        assert!(!files.is_empty(), "no source in {folder}");
        for file in files {
            let source = fs::read_to_string(&file).expect("a source");
            let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                for module in forbidden {
                    let is_used = line.contains(&format!("crate::{module}::"));
                    assert!(!is_used, "{} uses {module}: {line}", file.display());
                }
            }
        }
    }
}
