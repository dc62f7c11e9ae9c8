//! The files of the TypeScript runtime, from `runtime/ts/src`.

/// The files by name. `react.ts` is the hook; no other file needs React.
pub(super) const FILES: &[(&str, &str)] = &[
    ("backoff.ts", include_str!("../../ts/src/backoff.ts")),
    ("bytes.ts", include_str!("../../ts/src/bytes.ts")),
    ("callError.ts", include_str!("../../ts/src/callError.ts")),
    ("calls.ts", include_str!("../../ts/src/calls.ts")),
    ("check.ts", include_str!("../../ts/src/check.ts")),
    ("client.ts", include_str!("../../ts/src/client.ts")),
    ("closeCodes.ts", include_str!("../../ts/src/closeCodes.ts")),
    ("connection.ts", include_str!("../../ts/src/connection.ts")),
    ("contract.ts", include_str!("../../ts/src/contract.ts")),
    ("errorCode.ts", include_str!("../../ts/src/errorCode.ts")),
    ("eventIterator.ts", include_str!("../../ts/src/eventIterator.ts")),
    ("handlers.ts", include_str!("../../ts/src/handlers.ts")),
    ("heartbeat.ts", include_str!("../../ts/src/heartbeat.ts")),
    ("message.ts", include_str!("../../ts/src/message.ts")),
    ("pageEvents.ts", include_str!("../../ts/src/pageEvents.ts")),
    ("react.ts", include_str!("../../ts/src/react.ts")),
    ("rules.ts", include_str!("../../ts/src/rules.ts")),
    ("session.ts", include_str!("../../ts/src/session.ts")),
    ("sharedSockets.ts", include_str!("../../ts/src/sharedSockets.ts")),
    ("socket.ts", include_str!("../../ts/src/socket.ts")),
    ("timer.ts", include_str!("../../ts/src/timer.ts")),
    ("url.ts", include_str!("../../ts/src/url.ts")),
    ("welcome.ts", include_str!("../../ts/src/welcome.ts")),
];

/// The file that exports everything but the hook.
const CLIENT: &str = "client.ts";

/// The names that the client exports. A contract of the same name would hide them.
pub(super) fn exported() -> Vec<&'static str> {
    let client = FILES.iter().find(|(name, _)| *name == CLIENT).map_or("", |(_, text)| text);
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

/// Replaces the extension `.js` in the imports of a file by `extension`.
pub(super) fn with_imports(text: &str, extension: &str) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some(start) = [" \"./", "(\"./"].iter().filter_map(|mark| rest.find(mark)).min() {
        let (before, specifier) = rest.split_at(start + 2);
        found.push_str(before);
        let end = specifier.find('"').unwrap_or(specifier.len());
        let (specifier, after) = specifier.split_at(end);
        let imports = ["from", "import"]
            .iter()
            .any(|word| before.trim_end_matches(['"', '(']).trim_end().ends_with(word));
        match specifier.strip_suffix(".js").filter(|_| imports) {
            Some(module) => found.extend([module, extension]),
            None => found.push_str(specifier),
        }
        rest = after;
    }
    found.push_str(rest);
    found
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
