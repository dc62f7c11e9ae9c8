//! Paths to parts of a payload, as in `tags[2]` or `author.name`.

/// The most bytes of a path, and of other text of a client in an error.
const MAX_LENGTH: usize = 200;

/// Prepends a field, or an index such as `[2]`, to the path inside it. The end of a long path is cut.
pub(crate) fn prepend(path: &mut String, outer: &str) {
    if !matches!(path.as_bytes(), [] | [b'[', ..]) && !outer.is_empty() {
        path.insert(0, '.');
    }
    path.insert_str(0, outer);
    shorten(path);
}

/// Cuts the end of a long text.
pub(crate) fn shorten(text: &mut String) {
    if text.len() > MAX_LENGTH {
        let mut end = MAX_LENGTH - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
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

    #[test]
    fn end_of_long_path_is_cut() {
        let mut path = "é".repeat(150);
        shorten(&mut path);
        assert_eq!(path, format!("{}…", "é".repeat(98)));
        for _ in 0..1000 {
            prepend(&mut path, "[10]");
        }
        assert_eq!(path, format!("{}[…", "[10]".repeat(49)));
    }
}
