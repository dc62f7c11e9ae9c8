//! The files of the TypeScript runtime, from `runtime/ts/src`.
//!
//! A client has its entry points and what they import, directly or not. So a module that only the hook
//! imports is written with the hook only.

use std::collections::BTreeMap;
use std::ops::Range;

/// All files by name.
pub(super) const FILES: &[(&str, &str)] = &[
    ("backoff.ts", include_str!("../../ts/src/backoff.ts")),
    ("bytes.ts", include_str!("../../ts/src/bytes.ts")),
    ("callError.ts", include_str!("../../ts/src/callError.ts")),
    ("callStore.ts", include_str!("../../ts/src/callStore.ts")),
    ("calls.ts", include_str!("../../ts/src/calls.ts")),
    ("check.ts", include_str!("../../ts/src/check.ts")),
    ("checkOptions.ts", include_str!("../../ts/src/checkOptions.ts")),
    ("client.ts", include_str!("../../ts/src/client.ts")),
    ("close.ts", include_str!("../../ts/src/close.ts")),
    ("closeCodes.ts", include_str!("../../ts/src/closeCodes.ts")),
    ("connection.ts", include_str!("../../ts/src/connection.ts")),
    ("connectionKey.ts", include_str!("../../ts/src/connectionKey.ts")),
    ("connectionState.ts", include_str!("../../ts/src/connectionState.ts")),
    ("contract.ts", include_str!("../../ts/src/contract.ts")),
    ("debug.ts", include_str!("../../ts/src/debug.ts")),
    ("disposable.ts", include_str!("../../ts/src/disposable.ts")),
    ("errorCode.ts", include_str!("../../ts/src/errorCode.ts")),
    ("events.ts", include_str!("../../ts/src/events.ts")),
    ("fakeRouter.ts", include_str!("../../ts/src/fakeRouter.ts")),
    ("fakeServer.ts", include_str!("../../ts/src/fakeServer.ts")),
    ("fakeServerTypes.ts", include_str!("../../ts/src/fakeServerTypes.ts")),
    ("fakeSession.ts", include_str!("../../ts/src/fakeSession.ts")),
    ("fakeWebSocket.ts", include_str!("../../ts/src/fakeWebSocket.ts")),
    ("handlers.ts", include_str!("../../ts/src/handlers.ts")),
    ("heartbeat.ts", include_str!("../../ts/src/heartbeat.ts")),
    ("identity.ts", include_str!("../../ts/src/identity.ts")),
    ("message.ts", include_str!("../../ts/src/message.ts")),
    ("numbers.ts", include_str!("../../ts/src/numbers.ts")),
    ("options.ts", include_str!("../../ts/src/options.ts")),
    ("pageEvents.ts", include_str!("../../ts/src/pageEvents.ts")),
    ("react.ts", include_str!("../../ts/src/react.ts")),
    ("reactNative.ts", include_str!("../../ts/src/reactNative.ts")),
    ("rules.ts", include_str!("../../ts/src/rules.ts")),
    ("session.ts", include_str!("../../ts/src/session.ts")),
    ("sharedSockets.ts", include_str!("../../ts/src/sharedSockets.ts")),
    ("socket.ts", include_str!("../../ts/src/socket.ts")),
    ("subject.ts", include_str!("../../ts/src/subject.ts")),
    ("svelte.ts", include_str!("../../ts/src/svelte.ts")),
    ("testing.ts", include_str!("../../ts/src/testing.ts")),
    ("timer.ts", include_str!("../../ts/src/timer.ts")),
    ("url.ts", include_str!("../../ts/src/url.ts")),
    ("useCall.ts", include_str!("../../ts/src/useCall.ts")),
    ("useConnection.ts", include_str!("../../ts/src/useConnection.ts")),
    ("useEvent.ts", include_str!("../../ts/src/useEvent.ts")),
    ("useSharedSocket.ts", include_str!("../../ts/src/useSharedSocket.ts")),
    ("vue.ts", include_str!("../../ts/src/vue.ts")),
    ("welcome.ts", include_str!("../../ts/src/welcome.ts")),
];

/// The entry point that every client has. `index.ts` exports it.
pub(super) const CLIENT: &str = "client";

/// The entry points with a file of their own beside `index.ts`, and whether they are written by default.
pub(super) const OPTIONAL: [(&str, bool); 5] =
    [("react", true), ("reactNative", false), ("svelte", false), ("testing", true), ("vue", false)];

/// The text of a module of [`FILES`].
fn source(module: &str) -> Option<&'static str> {
    let name = |file: &str| file.strip_suffix(".ts") == Some(module);
    FILES.iter().find(|(file, _)| name(file)).map(|(_, text)| *text)
}

/// The modules that the entry points consist of, with their texts. `generated` has the texts that
/// replace those of [`FILES`].
pub(super) fn modules<'a>(
    entry_points: impl Iterator<Item = &'a str>,
    generated: &'a BTreeMap<&str, String>,
) -> BTreeMap<&'a str, &'a str> {
    let mut found = BTreeMap::new();
    let mut open: Vec<&str> = entry_points.collect();
    while let Some(module) = open.pop() {
        let text = generated.get(module).map(String::as_str).or_else(|| source(module));
        let Some(text) = text.filter(|_| !found.contains_key(module)) else { continue };
        found.insert(module, text);
        open.extend(imports(text).into_iter().map(|import| &text[import]));
    }
    found
}

/// The names that the client exports. A contract of the same name would hide them.
pub(super) fn exported() -> Vec<&'static str> {
    let client = source(CLIENT).unwrap_or_default();
    let mut names = Vec::new();
    for part in client.split("\nexport ").skip(1) {
        let part = part.strip_prefix("type {").or_else(|| part.strip_prefix('{')).map_or_else(
            || part.split_whitespace().nth(1).unwrap_or_default(),
            |list| list.split('}').next().unwrap_or_default(),
        );
        let part = part.split(['(', '<', ':', ';', '=']).next().unwrap_or_default();
        names.extend(part.split(',').filter_map(|name| name.split_whitespace().last()));
    }
    names
}

/// The extension of imports in `runtime/ts/src`.
const EXTENSION: &str = ".js";

/// Where the text has the names of modules that it imports, without `./` and the extension.
fn imports(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for quote in [" \"./", "(\"./"] {
        for (at, _) in text.match_indices(quote) {
            let start = at + quote.len();
            let end = text[start..].find('"').map_or(text.len(), |length| start + length);
            let is_import = ["from", "import"].iter().any(|word| text[..at].ends_with(word));
            if let Some(module) = text[start..end].strip_suffix(EXTENSION).filter(|_| is_import) {
                found.push(start..start + module.len());
            }
        }
    }
    found.sort_by_key(|import| import.start);
    found
}

/// Replaces the extension in the imports of a file by `extension`.
pub(super) fn with_imports(text: &str, extension: &str) -> String {
    let mut changed = String::new();
    let mut copied = 0;
    for import in imports(text) {
        changed.extend([&text[copied..import.end], extension]);
        copied = import.end + EXTENSION.len();
    }
    changed + &text[copied..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_list_equals_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/ts/src");
        let files = std::fs::read_dir(folder).expect("the folder is readable").map(|file| {
            file.expect("the entry is readable")
                .file_name()
                .into_string()
                .expect("the name is UTF-8")
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        let listed: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(listed, files, "FILES differs from {folder}");
    }

    #[test]
    fn every_entry_point_has_a_file() {
        for name in OPTIONAL.iter().map(|(name, _)| *name).chain([CLIENT]) {
            assert!(source(name).is_some(), "runtime/ts/src/{name}.ts is not in FILES");
        }
    }

    #[test]
    fn every_file_belongs_to_an_entry_point() {
        let entry_points = OPTIONAL.iter().map(|(name, _)| *name).chain([CLIENT]);
        // The generated rules of a contract import it.
        let (generated, check) = (BTreeMap::new(), "check");
        let found = modules(entry_points.chain([check]), &generated);
        for (file, _) in FILES {
            let module = file.strip_suffix(".ts").expect("a TypeScript file");
            assert!(found.contains_key(module), "no entry point imports {file}");
        }
    }

    #[test]
    fn modules_are_what_the_entry_points_import() {
        let client = BTreeMap::from([
            ("client", "import(\"./debug.js\"); export * from \"./rules.js\";".to_owned()),
            ("debug", "import type { A } from \"./client.js\";".to_owned()),
            ("rules", "import { check } from \"./check.js\";".to_owned()),
            ("check", String::new()),
        ]);
        let found: Vec<_> = modules(["client"].into_iter(), &client).into_keys().collect();
        assert_eq!(found, ["check", "client", "debug", "rules"]);
        let generated = BTreeMap::new();
        let found = modules([CLIENT].into_iter(), &generated);
        assert!(!found.contains_key("sharedSockets"), "only the hook needs it");
        assert!(modules(["react"].into_iter(), &generated).contains_key("sharedSockets"));
    }

    #[test]
    fn exported_names_contain_the_api_of_the_client() {
        let exported = exported();
        for name in ["createClient", "connect", "Socket"] {
            assert!(exported.contains(&name), "{name} is not in {exported:?}");
        }
    }

    #[test]
    fn only_imports_get_the_extension() {
        let text = "import type { A } from \"./a.js\";\nexport * from \"./b.js\";\n\
                    import(\"./c.js\"); import \"./d.js\"; say(\"./e.js\"); const x = \"./f.js\";";
        assert_eq!(
            with_imports(text, ""),
            "import type { A } from \"./a\";\nexport * from \"./b\";\n\
             import(\"./c\"); import \"./d\"; say(\"./e.js\"); const x = \"./f.js\";"
        );
        assert_eq!(with_imports(text, ".js"), text);
    }
}
