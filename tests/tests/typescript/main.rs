//! What is written for TypeScript: a golden folder, what `tsc` says of it, and every refusal.

mod contracts;
mod refusals;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use contracts::{Anyone, ChatServer, ChatSocket, EverythingServer, EverythingSocket};
use contracts::{HiddenServer, HiddenSocket};
use parlor::Router;
use parlor::typescript::TypeScriptError;
use parlor_tests::skip_without;

/// A folder that is gone when the test is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            env::temp_dir().join(format!("parlor-typescript-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn router() -> Router {
    let chat = || ChatServer::new(|_: ChatSocket| async { Ok(Anyone) });
    Router::new()
        .procedure("/api/chat/wsChat", chat())
        .procedure("/api/support-chat", chat())
        .procedure("/api/chat", EverythingServer::new(|_: EverythingSocket| async { Ok(Anyone) }))
        .procedure("/internal", HiddenServer::new(|_: HiddenSocket| async { Ok(Anyone) }))
}

/// The contract's part of what is written is as committed. The runtime's files have tests of their own.
#[test]
fn it_is_the_golden_folder() {
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
fn tsc_takes_it() {
    let tools = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/ts/node_modules"));
    let tsc = tools.join(".bin/tsc");
    if !tsc.exists() && skip_without("`npm ci --prefix runtime/ts` gets the `tsc` that it needs") {
        return;
    }
    for (extension, resolution) in [("", "bundler"), (".js", "nodenext")] {
        let folder = Folder::new(&format!("tsc-{resolution}"));
        let client = router().typescript().import_extension(extension);
        client.write(folder.0.join("api")).expect("written");
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
            .args(["usage.ts", "api/react.ts"].iter().filter(|file| folder.0.join(file).exists()))
            .current_dir(&folder.0)
            .output()
            .expect("tsc runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn what_is_equal_is_not_touched() {
    let folder = Folder::new("twice");
    let client = router().typescript();
    assert!(matches!(client.check(&folder.0), Err(TypeScriptError::Stale { .. })));
    let first = client.write(&folder.0).expect("written");
    assert_eq!(first.changed, client.files().expect("files").into_keys().collect::<Vec<_>>());
    // Long ago, so that a file that is touched shows it.
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

    // As git may check it out elsewhere.
    let index = folder.0.join("index.ts");
    let text = fs::read_to_string(&index).expect("text").replace('\n', "\r\n");
    fs::write(&index, text).expect("writable");
    client.check(&folder.0).expect("current");
}

#[test]
fn stale_files_are_told_and_go() {
    let folder = Folder::new("stale");
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

/// As when several tests write the same folder.
#[test]
fn many_may_write_at_once() {
    let folder = Folder::new("at-once");
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
    let left = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    for below in ["", "parlor"] {
        for file in fs::read_dir(folder.0.join(below)).expect("readable") {
            assert!(!left(&file.expect("a file").file_name()), "a draft is left");
        }
    }
}

/// The client takes the rules of the longest path that its URL ends with.
#[test]
fn every_path_has_rules_of_its_own() {
    let everything = EverythingServer::new(|_: EverythingSocket| async { Ok(Anyone) });
    let plain = contracts::PlainServer::new(|_: contracts::PlainSocket| async { Ok(Anyone) });
    let router =
        Router::new().procedure("/api/chat", everything).procedure("/api/plain/chat", plain);
    let rules = &router.typescript().files().expect("files")["parlor/rules.ts"];
    assert!(rules.contains("  \"plain/chat\": {},\n"), "{rules}");
}

#[test]
fn files_of_others_are_not_overwritten() {
    let folder = Folder::new("foreign");
    fs::create_dir_all(&folder.0).expect("made");
    fs::write(folder.0.join("index.ts"), "export const mine = 1;\n").expect("writable");
    let error = router().typescript().write(&folder.0).expect_err("not Parlor's");
    assert!(matches!(error, TypeScriptError::Foreign { .. }), "{error}");
    assert!(!folder.0.join("parlor").exists(), "nothing else is written");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = Folder::new("file");
    fs::write(&folder.0, "").expect("writable");
    let error = router().typescript().write(&folder.0).expect_err("a file is there");
    assert!(error.to_string().contains("parlor-typescript-file"), "{error}");
    let _ = fs::remove_file(&folder.0);
}

#[test]
fn the_hook_can_be_left_out() {
    let files = router().typescript().react(false).files().expect("files");
    for (name, text) in files {
        assert!(!name.ends_with("react.ts") && !text.contains("from \"react\""), "{name}");
    }
}
