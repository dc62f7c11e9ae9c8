//! Translates regular expressions of Rust to JavaScript, if both match exactly the same strings.

use std::fmt::Write;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// The longest source, in bytes. Only the server checks longer patterns, such as those with `\w`, which
/// has 800 ranges in Unicode.
const MAX_SOURCE: usize = 2048;

/// The source of an expression for the flag `u`. `None` if only the server checks the pattern.
///
/// Character classes are written as ranges of code points: `\d` differs in JavaScript, and each engine
/// has its own version of Unicode.
pub(super) fn javascript(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut source = String::new();
    write(&hir, &mut source)?;
    (source.len() <= MAX_SOURCE).then_some(source)
}

fn write(hir: &Hir, out: &mut String) -> Option<()> {
    if out.len() > MAX_SOURCE {
        return None;
    }
    match hir.kind() {
        HirKind::Empty => out.push_str("(?:)"),
        HirKind::Literal(literal) => {
            std::str::from_utf8(&literal.0).ok()?.chars().for_each(|c| character(c, out));
        }
        HirKind::Class(class) => self::class(class, out)?,
        HirKind::Look(look) => out.push_str(match look {
            // Both mean the whole text, without the flag `m`.
            Look::Start => "^",
            Look::End => "$",
            Look::WordAscii => "\\b",
            // JavaScript has other line ends and word boundaries, and not all engines have lookbehind.
            _ => return None,
        }),
        HirKind::Repetition(repetition) => {
            if is_exponential(hir) {
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

/// Writes `hir` as one unit, which a repetition applies to.
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

/// Returns whether a backtracking engine might take exponential time: a repetition in a repetition,
/// unless a character marks where each round begins.
fn is_exponential(hir: &Hir) -> bool {
    let HirKind::Repetition(outer) = hir.kind() else { return false };
    if outer.max == Some(1) || outer.max == Some(0) || !has_variable_length(&outer.sub) {
        return false;
    }
    !has_distinct_start(&outer.sub)
}

/// Returns whether it can match prefixes of several lengths of one string.
fn has_variable_length(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max != Some(repetition.min) || has_variable_length(&repetition.sub)
        }
        HirKind::Capture(capture) => has_variable_length(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(has_variable_length),
        // Alternatives may have a common beginning.
        HirKind::Alternation(_) => true,
        _ => false,
    }
}

/// Returns whether it begins with a character that does not occur in the rest of it.
fn has_distinct_start(hir: &Hir) -> bool {
    let parts = match hir.kind() {
        HirKind::Capture(capture) => return has_distinct_start(&capture.sub),
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
    let is_distinct = start.iter().all(|(a, b)| others.iter().all(|(c, d)| b < c || d < a));
    // At most one part between the first character and the next round has a variable length.
    is_distinct
        && rest.iter().filter(|part| has_variable_length(part)).count() <= 1
        && !rest.iter().any(has_nested_repetition)
}

/// Returns whether it contains a repetition of something with a variable length.
fn has_nested_repetition(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => has_variable_length(&repetition.sub),
        HirKind::Capture(capture) => has_nested_repetition(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(has_nested_repetition),
        HirKind::Alternation(_) => true,
        _ => false,
    }
}

/// Collects the ranges of all characters that occur in it. `None` if it matches bytes.
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

/// Writes one character, inside or outside of a class.
fn character(c: char, out: &mut String) {
    match c {
        '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|'
        | '/' => {
            out.extend(['\\', c]);
        }
        // With the flag `u`, only the characters above may be escaped, and `-` only in a class.
        '-' => out.push_str("\\x2d"),
        ' '..='~' => out.push(c),
        c => out.extend(c.escape_unicode()),
    }
}

#[cfg(test)]
mod tests;
