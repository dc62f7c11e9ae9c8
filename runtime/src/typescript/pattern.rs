//! Regular expressions of Rust as those of JavaScript, where both match exactly the same strings.

use std::fmt::Write;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Larger ones are left to the server, as those with `\w`, which has 800 ranges in Unicode.
const LARGEST: usize = 2048;

/// The source of an expression with the flag `u`; `None` if the pattern is left to the server.
///
/// Sets of characters are written as ranges of code points: what `\d` is, JavaScript sees otherwise,
/// and each engine has the Unicode of its age.
pub(super) fn javascript(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut source = String::new();
    write(&hir, &mut source)?;
    (source.len() <= LARGEST).then_some(source)
}

fn write(hir: &Hir, out: &mut String) -> Option<()> {
    if out.len() > LARGEST {
        return None;
    }
    match hir.kind() {
        HirKind::Empty => out.push_str("(?:)"),
        HirKind::Literal(literal) => {
            std::str::from_utf8(&literal.0).ok()?.chars().for_each(|c| character(c, out));
        }
        HirKind::Class(class) => self::class(class, out)?,
        HirKind::Look(look) => out.push_str(match look {
            // Without the flag `m`, as here.
            Look::Start => "^",
            Look::End => "$",
            Look::WordAscii => "\\b",
            // JavaScript sees other line ends and other words, also within a character; lookbehind is
            // not everywhere.
            _ => return None,
        }),
        HirKind::Repetition(repetition) => {
            if is_explosive(hir) {
                return None;
            }
            group(&repetition.sub, out)?;
            match (repetition.min, repetition.max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => write!(out, "{{{min},}}").ok()?,
                (min, Some(max)) if min == max => write!(out, "{{{min}}}").ok()?,
                (min, Some(max)) => write!(out, "{{{min},{max}}}").ok()?,
            }
        }
        HirKind::Capture(capture) => group(&capture.sub, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                if matches!(part.kind(), HirKind::Alternation(_)) {
                    group(part, out)?;
                } else {
                    write(part, out)?;
                }
            }
        }
        HirKind::Alternation(parts) => {
            for (index, part) in parts.iter().enumerate() {
                out.push_str(if index > 0 { "|" } else { "" });
                write(part, out)?;
            }
        }
    }
    Some(())
}

/// What a repetition is to bind to.
fn group(hir: &Hir, out: &mut String) -> Option<()> {
    let single = match hir.kind() {
        HirKind::Class(_) => true,
        HirKind::Literal(literal) => {
            std::str::from_utf8(&literal.0).is_ok_and(|text| text.chars().count() == 1)
        }
        HirKind::Capture(capture) => return group(&capture.sub, out),
        _ => false,
    };
    if single {
        return write(hir, out);
    }
    out.push_str("(?:");
    write(hir, out)?;
    out.push(')');
    Some(())
}

/// Whether JavaScript, which tries one way after the other, might never come to an end: a repetition
/// in a repetition, unless it is clear where each round begins.
fn is_explosive(hir: &Hir) -> bool {
    let HirKind::Repetition(outer) = hir.kind() else { return false };
    if outer.max == Some(1) || outer.max == Some(0) || !varies(&outer.sub) {
        return false;
    }
    !begins_apart(&outer.sub)
}

/// Whether it may match one string in several lengths.
fn varies(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max != Some(repetition.min) || varies(&repetition.sub)
        }
        HirKind::Capture(capture) => varies(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(varies),
        // Alternatives may begin alike.
        HirKind::Alternation(_) => true,
        _ => false,
    }
}

/// Whether it begins with a character that does not come again in it.
fn begins_apart(hir: &Hir) -> bool {
    let parts = match hir.kind() {
        HirKind::Capture(capture) => return begins_apart(&capture.sub),
        HirKind::Concat(parts) => parts,
        _ => return false,
    };
    let Some((first, rest)) = parts.split_first() else { return false };
    let mut start = Vec::new();
    let single = matches!(first.kind(), HirKind::Class(_))
        || matches!(first.kind(), HirKind::Literal(literal) if literal.0.len() == 1);
    if !single || ranges(first, &mut start).is_none() {
        return false;
    }
    let mut others = Vec::new();
    if rest.iter().any(|part| ranges(part, &mut others).is_none()) {
        return false;
    }
    let clear = start.iter().all(|(a, b)| others.iter().all(|(c, d)| b < c || d < a));
    // Between the first character and the next round, only one repetition may vary.
    clear && rest.iter().filter(|part| varies(part)).count() <= 1 && !rest.iter().any(is_nested)
}

fn is_nested(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => varies(&repetition.sub),
        HirKind::Capture(capture) => is_nested(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(is_nested),
        HirKind::Alternation(_) => true,
        _ => false,
    }
}

/// All characters that are in it.
fn ranges(hir: &Hir, into: &mut Vec<(char, char)>) -> Option<()> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            into.extend(std::str::from_utf8(&literal.0).ok()?.chars().map(|c| (c, c)));
        }
        HirKind::Class(class) => into.extend(code_points(class)?),
        HirKind::Repetition(repetition) => ranges(&repetition.sub, into)?,
        HirKind::Capture(capture) => ranges(&capture.sub, into)?,
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                ranges(part, into)?;
            }
        }
        HirKind::Empty | HirKind::Look(_) => {}
    }
    Some(())
}

fn code_points(class: &Class) -> Option<Vec<(char, char)>> {
    match class {
        Class::Unicode(class) => {
            Some(class.ranges().iter().map(|range| (range.start(), range.end())).collect())
        }
        Class::Bytes(class) if class.is_ascii() => {
            let ranges = class.ranges().iter();
            Some(ranges.map(|range| (range.start().into(), range.end().into())).collect())
        }
        Class::Bytes(_) => None,
    }
}

fn class(class: &Class, out: &mut String) -> Option<()> {
    out.push('[');
    for (start, end) in code_points(class)? {
        character(start, out);
        if start < end {
            if u32::from(start) + 1 < u32::from(end) {
                out.push('-');
            }
            character(end, out);
        }
    }
    out.push(']');
    Some(())
}

/// One character, in a class or not.
fn character(c: char, out: &mut String) {
    match c {
        '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|'
        | '/' => {
            out.extend(['\\', c]);
        }
        // Only these may be escaped, and `-` in a class only.
        '-' => out.push_str("\\x2d"),
        ' '..='~' => out.push(c),
        c => out.extend(c.escape_unicode()),
    }
}

#[cfg(test)]
mod tests;
