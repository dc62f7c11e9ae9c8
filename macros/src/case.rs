//! The spelling of names on the wire.

use syn::LitStr;

/// A value of `rename_all`.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Camel,
    Snake,
    Kebab,
    Pascal,
    ScreamingSnake,
}

const CASES: [(&str, Case); 5] = [
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("kebab-case", Case::Kebab),
    ("PascalCase", Case::Pascal),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
];

impl Case {
    /// Reads the value of `rename_all`.
    pub(crate) fn read(literal: &LitStr) -> syn::Result<Self> {
        let value = literal.value();
        CASES.iter().find(|(name, _)| *name == value).map(|(_, case)| *case).ok_or_else(|| {
            let known = CASES.map(|(name, _)| format!("\"{name}\"")).join(", ");
            syn::Error::new(literal.span(), format!("unknown case: `rename_all` takes {known}"))
        })
    }

    /// Converts a `snake_case` name.
    pub(crate) fn apply(self, name: &str) -> String {
        match self {
            Self::Camel => {
                let pascal = pascal(name);
                let mut chars = pascal.chars();
                chars
                    .next()
                    .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
            }
            Self::Snake => name.to_owned(),
            Self::Kebab => name.replace('_', "-"),
            Self::Pascal => pascal(name),
            Self::ScreamingSnake => name.to_uppercase(),
        }
    }
}

/// Converts `join_room` to `JoinRoom`.
pub(crate) fn pascal(name: &str) -> String {
    let words = name.split('_').map(str::chars);
    words
        .flat_map(|mut word| word.next().into_iter().flat_map(char::to_uppercase).chain(word))
        .collect()
}
