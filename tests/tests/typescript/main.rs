//! The generated TypeScript: a golden folder, a check with `tsc`, and each error.

mod contracts;
mod errors;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use contracts::{AnySession, ChatServer, ChatSocket, EverythingServer, EverythingSocket};
use contracts::{HiddenServer, HiddenSocket};
use parlor::Router;
use parlor::typescript::{TypeScript, TypeScriptError};
use parlor_tests::skip_without;

/// A folder that is removed when the test ends.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new(name: &str) -> Self {
        let folder =
            env::temp_dir().join(format!("parlor-typescript-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn router() -> Router {
    let chat = || ChatServer::new(|_: ChatSocket| async { Ok(AnySession) });
    Router::new()
        .procedure("/api/chat/wsChat", chat())
        .procedure("/api/support-chat", chat())
        .procedure(
            "/api/chat",
            EverythingServer::new(|_: EverythingSocket| async { Ok(AnySession) }),
        )
        .procedure("/internal", HiddenServer::new(|_: HiddenSocket| async { Ok(AnySession) }))
}

fn with_all_entry_points() -> TypeScript {
    router().typescript().vue(true).svelte(true).react_native(true)
}

/// Compares the files that depend on the contract. The files of the runtime have their own tests.
#[test]
fn generated_files_match_golden_folder() {
    let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/typescript/golden"));
    let files = router().typescript().files().expect("files");
    let overwrite = env::var_os("PARLOR_OVERWRITE").is_some_and(|value| value == "1");
    for (name, file) in [("index.ts", "index.ts"), ("rules.ts", "parlor/rules.ts")] {
        let (path, text) = (golden.join(name), &files[file]);
        if overwrite {
            fs::write(&path, text).expect("writable");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(
            *text == committed,
            "{} should be\n{text}\n`PARLOR_OVERWRITE=1` writes it",
            path.display()
        );
    }
    for (name, text) in &files {
        assert!(text.starts_with("// Written by Parlor"), "{name}");
    }
}

#[test]
fn generated_files_pass_tsc() {
    let tools = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/ts/node_modules"));
    let tsc = tools.join(".bin/tsc");
    if !tsc.exists() && skip_without("`npm ci --prefix runtime/ts` gets the `tsc` that it needs") {
        return;
    }
    for (extension, resolution) in [("", "bundler"), (".js", "nodenext")] {
        let folder = TempFolder::new(&format!("tsc-{resolution}"));
        // The dot is optional.
        let client = with_all_entry_points().import_extension(extension.trim_start_matches('.'));
        let written = client.write(folder.0.join("api")).expect("written").changed;
        let entry_points = written.iter().filter(|file| !file.starts_with("parlor/"));
        let usage = include_str!("usage.ts").replace(
            "./api\"",
            &match extension {
                "" => "./api\"".to_owned(),
                extension => format!("./api/index{extension}\""),
            },
        );
        fs::write(folder.0.join("usage.ts"), usage).expect("writable");
        fs::write(folder.0.join("package.json"), r#"{"type": "module"}"#).expect("writable");
        #[cfg(unix)]
        std::os::unix::fs::symlink(tools, folder.0.join("node_modules")).expect("linked");
        let module = if resolution == "nodenext" { "nodenext" } else { "esnext" };
        let output = Command::new(&tsc)
            .args(["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--isolatedModules"])
            .args(["--exactOptionalPropertyTypes", "--verbatimModuleSyntax", "--types", ""])
            .args(["--target", "es2022", "--lib", "es2022,dom,dom.iterable"])
            .args(["--module", module, "--moduleResolution", resolution])
            // Of the frameworks' own declarations, some need more libraries.
            .args(["--skipLibCheck", "usage.ts"])
            .args(entry_points.map(|file| format!("api/{file}")))
            .current_dir(&folder.0)
            .output()
            .expect("tsc runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn unchanged_files_are_not_rewritten() {
    let folder = TempFolder::new("twice");
    let client = router().typescript();
    assert!(matches!(client.check(&folder.0), Err(TypeScriptError::Stale { .. })));
    let first = client.write(&folder.0).expect("written");
    assert_eq!(first.changed, client.files().expect("files").into_keys().collect::<Vec<_>>());
    // An old time stamp shows whether a file is rewritten.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for name in &first.changed {
        let file = fs::File::options().write(true).open(folder.0.join(name)).expect("writable");
        file.set_modified(long_ago).expect("set");
    }
    let second = client.write(&folder.0).expect("written");
    assert!(second.changed.is_empty() && second.removed.is_empty(), "{second:?}");
    for name in &first.changed {
        let modified = fs::metadata(folder.0.join(name)).and_then(|file| file.modified());
        assert_eq!(modified.expect("a time"), long_ago, "{name}");
    }
    client.check(&folder.0).expect("current");

    // Git may check files out with CRLF.
    let index = folder.0.join("index.ts");
    let text = fs::read_to_string(&index).expect("text").replace('\n', "\r\n");
    fs::write(&index, text).expect("writable");
    client.check(&folder.0).expect("current");
}

#[test]
fn stale_files_are_reported_and_removed() {
    let folder = TempFolder::new("stale");
    let client = router().typescript();
    client.write(&folder.0).expect("written");
    let mark = "// Written by Parlor from the procedures of the server; do not edit.\n";
    fs::write(folder.0.join("parlor/old.ts"), mark).expect("writable");
    fs::write(folder.0.join("parlor/mine.ts"), "// mine\n").expect("writable");
    let index = folder.0.join("index.ts");
    let text = fs::read_to_string(&index).expect("text") + "// more\n";
    fs::write(&index, text).expect("writable");

    let error = client.check(&folder.0).expect_err("stale");
    assert!(error.to_string().contains("(index.ts, parlor/old.ts)"), "{error}");
    let written = client.write(&folder.0).expect("written");
    assert_eq!(
        (written.changed, written.removed),
        (vec!["index.ts".to_owned()], vec!["parlor/old.ts".to_owned()],)
    );
    assert!(folder.0.join("parlor/mine.ts").exists());
}

/// Several tests may write the same folder.
#[test]
fn concurrent_writes_leave_complete_files() {
    let folder = TempFolder::new("at-once");
    let one = router().typescript();
    let other = router().typescript().import_extension(".js").react(false);
    std::thread::scope(|scope| {
        for index in 0..8 {
            let (folder, client) = (&folder.0, if index % 2 == 0 { &one } else { &other });
            scope.spawn(move || {
                for _ in 0..20 {
                    client.write(folder).expect("written");
                }
            });
        }
    });
    one.write(&folder.0).expect("written");
    one.check(&folder.0).expect("current");
    let is_temporary = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    for folder_name in ["", "parlor"] {
        for file in fs::read_dir(folder.0.join(folder_name)).expect("readable") {
            assert!(!is_temporary(&file.expect("a file").file_name()), "a temporary file is left");
        }
    }
}

/// The client uses the rules of the longest path that its URL ends with.
#[test]
fn each_path_has_its_own_rules() {
    let everything = EverythingServer::new(|_: EverythingSocket| async { Ok(AnySession) });
    let plain = contracts::PlainServer::new(|_: contracts::PlainSocket| async { Ok(AnySession) });
    let router =
        Router::new().procedure("/api/chat", everything).procedure("/api/plain/chat", plain);
    let rules = &router.typescript().files().expect("files")["parlor/rules.ts"];
    assert!(rules.contains("  \"plain/chat\": {},\n"), "{rules}");
}

#[test]
fn foreign_file_is_not_overwritten() {
    let folder = TempFolder::new("foreign");
    fs::create_dir_all(&folder.0).expect("made");
    fs::write(folder.0.join("index.ts"), "export const mine = 1;\n").expect("writable");
    let error = router().typescript().write(&folder.0).expect_err("not Parlor's");
    assert!(matches!(error, TypeScriptError::Foreign { .. }), "{error}");
    assert!(!folder.0.join("parlor").exists(), "nothing else is written");
}

#[test]
fn unwritable_folder_is_named_in_error() {
    let folder = TempFolder::new("file");
    fs::write(&folder.0, "").expect("writable");
    let error = router().typescript().write(&folder.0).expect_err("a file is there");
    assert!(error.to_string().contains("parlor-typescript-file"), "{error}");
    let _ = fs::remove_file(&folder.0);
}

#[test]
fn framework_that_is_not_wanted_has_no_files() {
    let without = router().typescript().react(false).files().expect("files");
    for (name, text) in &without {
        assert!(!name.ends_with("react.ts") && !text.contains("from \"react\""), "{name}");
    }
    assert!(!without.contains_key("parlor/sharedSockets.ts"), "only the hook needs it");
    assert_eq!(
        without,
        with_all_entry_points()
            .react(false)
            .vue(false)
            .svelte(false)
            .react_native(false)
            .files()
            .expect("files")
    );
    let default = router().typescript().files().expect("files");
    assert!(default.contains_key("react.ts"));
    for name in ["vue.ts", "svelte.ts", "reactNative.ts"] {
        assert!(!default.contains_key(name) && !default.contains_key(&format!("parlor/{name}")));
    }
}
