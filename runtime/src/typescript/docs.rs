//! Doc comments of TypeScript.

/// Formats these lines as a comment for an item that is indented by `indent` spaces. No lines give an
/// empty string.
pub(super) fn comment(lines: &[String], indent: usize) -> String {
    let pad = " ".repeat(indent);
    match lines {
        [] => String::new(),
        [line] => format!("{pad}/** {line} */\n"),
        lines => {
            let lines = lines.iter().map(|line| format!("{pad} * {line}").trim_end().to_owned());
            let lines: Vec<_> = lines.collect();
            format!("{pad}/**\n{}\n{pad} */\n", lines.join("\n"))
        }
    }
}

/// Splits Rust doc comments into lines, without indent and without empty lines around the text.
pub(super) fn lines<'a>(docs: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let lines = docs.into_iter().flat_map(|doc| doc.split('\n'));
    let lines = lines.flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    let lines: Vec<&str> = lines.collect();
    // `/// text` has a space before the text. Code in it may have more.
    let indented = |line: &str| line.trim().is_empty() || line.starts_with(' ');
    let cut = usize::from(lines.iter().all(|line| indented(line)));
    let lines = lines.iter().map(|line| escape(line.get(cut..).unwrap_or_default().trim_end()));
    let mut lines: Vec<String> = lines.skip_while(String::is_empty).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Appends a paragraph.
pub(super) fn paragraph(lines: &mut Vec<String>, text: &str) {
    if text.is_empty() {
        return;
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.extend(self::lines([text]));
}

/// Replaces `*/` by `*\/`: it would end the comment. Markdown shows both alike.
fn escape(line: &str) -> String {
    let visible =
        |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    line.replace("*/", "*\\/").chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_line_gives_a_comment_of_one_line() {
        assert_eq!(comment(&lines([" Says `text`."]), 2), "  /** Says `text`. */\n");
        assert_eq!(comment(&lines([]), 2), "");
        assert_eq!(comment(&lines(["", "  "]), 2), "");
        assert_eq!(lines(["a\r\nb\r\n\r\nc\rd\r\n"]), ["a", "b", "", "c", "d"]);
    }

    #[test]
    fn code_block_keeps_its_indent() {
        let docs = lines([" Like this:", "", " ```", "     let x = 1;", " ```", " "]);
        let expected = "/**\n * Like this:\n *\n * ```\n *     let x = 1;\n * ```\n */\n";
        assert_eq!(comment(&docs, 0), expected);
    }

    #[test]
    fn comment_end_in_the_text_is_escaped() {
        let docs = lines([" a */ export const evil = 1; /* b", " c **/ d\u{2028}e"]);
        let comment = comment(&docs, 0);
        assert_eq!(comment.matches("*/").count(), 1, "{comment}");
        assert!(comment.ends_with(" */\n"));
    }

    #[test]
    fn paragraphs_are_separated_by_an_empty_line() {
        let mut docs = lines([" One."]);
        paragraph(&mut docs, "Two.");
        paragraph(&mut docs, "");
        assert_eq!(docs, ["One.", "", "Two."]);
    }
}
