//! Paths to parts of a payload, as in `tags[2]` or `author.name`.

/// Prepends a field, or an index such as `[2]`, to the path inside it.
pub(super) fn prepend(path: &mut String, outer: &str) {
    if !matches!(path.as_bytes(), [] | [b'[', ..]) && !outer.is_empty() {
        path.insert(0, '.');
    }
    path.insert_str(0, outer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_separated_by_dots_and_indexes_by_nothing() {
        let mut path = String::new();
        for (outer, expected) in [
            ("name", "name"),
            ("[2]", "[2].name"),
            ("[1]", "[1][2].name"),
            ("authors", "authors[1][2].name"),
            ("", "authors[1][2].name"),
            ("book", "book.authors[1][2].name"),
        ] {
            prepend(&mut path, outer);
            assert_eq!(path, expected);
        }
    }
}
