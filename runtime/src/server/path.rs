use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;

use crate::percent::decode_escape;

/// The longest URI of the crate `http` in bytes.
const MAX_URI: usize = (u16::MAX - 1) as usize;

/// A path whose normal form is too long.
pub(super) struct TooLong;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The one form of all paths that are equivalent by RFC 3986 §6.2.2: unreserved characters are not
/// percent-encoded, all others are, in upper case, and there are no dot segments. A trailing slash stays.
pub(super) fn normalize(path: &str) -> Cow<'_, str> {
    if path.bytes().all(is_path_byte) && !path.contains("/.") {
        return Cow::Borrowed(path);
    }
    Cow::Owned(remove_dot_segments(&encode(path)))
}

/// Replaces the path of `uri` by its normal form. Fails if that is too long for a URI.
pub(super) fn normalize_uri(uri: &mut Uri) -> Result<(), TooLong> {
    let Cow::Owned(path) = normalize(uri.path()) else { return Ok(()) };
    let path = uri.query().map(|query| format!("{path}?{query}")).unwrap_or(path);
    if path.len() > MAX_URI {
        return Err(TooLong);
    }
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).map_err(|_| TooLong)?);
    *uri = Uri::from_parts(parts).map_err(|_| TooLong)?;
    Ok(())
}

/// Returns why no request can have this path.
pub(super) fn problem(path: &str) -> Option<&'static str> {
    let is_escape = |rest: &str| decode_escape(rest.as_bytes()).is_some();
    if !path.starts_with('/') {
        Some("does not start with `/`")
    } else if path.contains(['?', '#']) {
        Some("has a query or a fragment")
    } else if !path.split('%').skip(1).all(is_escape) {
        Some("has a `%` without two hex digits")
    } else if path.split('/').any(is_parameter) {
        Some("has a segment for a parameter; paths have no parameters: use the query")
    } else {
        None
    }
}

/// Returns whether the segment is a parameter in the paths of other frameworks.
fn is_parameter(segment: &str) -> bool {
    segment.starts_with([':', '*']) || (segment.starts_with('{') && segment.ends_with('}'))
}

fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = decode_escape(after).filter(|_| byte == b'%');
        let (byte, is_literal) = match escape {
            Some((byte, _)) => (byte, is_unreserved(byte)),
            None => (byte, is_path_byte(byte)),
        };
        if is_literal {
            encoded.push(char::from(byte));
        } else {
            push_encoded(&mut encoded, byte);
        }
        rest = escape.map_or(after, |(_, after)| after);
    }
    encoded
}

fn push_encoded(path: &mut String, byte: u8) {
    path.push('%');
    for digit in [byte >> 4, byte & 15] {
        path.push(char::from(HEX[usize::from(digit)]));
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Returns whether the byte may be in a path as it is.
fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte) || b"/:@!$&'()*+,;=".contains(&byte)
}

/// RFC 3986 §5.2.4.
fn remove_dot_segments(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        segments.push("");
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equivalent_paths_have_one_form() {
        for (path, normal) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/%61%2Db", "/a-b"),
            ("/a%2fb", "/a%2Fb"),
            ("/a/./b/../c", "/a/c"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/../../a", "/a"),
            ("/%2e%2E/a", "/a"),
            ("/.a/..b/c.", "/.a/..b/c."),
            ("//a", "//a"),
            ("/a//../b", "/a/b"),
            ("/ä b", "/%C3%A4%20b"),
            ("/%zz%4", "/%25zz%254"),
            ("/%2561", "/%2561"),
        ] {
            assert_eq!(normalize(path), normal, "{path}");
        }
    }

    #[test]
    fn path_with_parameter_is_mistake() {
        for path in ["/b/{id}", "/{*rest}", "/c/:id", "/:id/x", "/*", "/a/*rest"] {
            let problem = problem(path).unwrap_or_else(|| panic!("{path}"));
            assert!(problem.contains("paths have no parameters: use the query"), "{problem}");
        }
        for path in ["/a:b", "/a*", "/a{b}", "/%7Bid%7D", "/%3Aid", "/%2A", "/{"] {
            assert_eq!(problem(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn normal_form_is_normal(path in "/[a-b./%26eE\u{e4} ?]{0,20}") {
            let normal = normalize(&path).into_owned();
            prop_assert_eq!(normalize(&normal), normal.as_str());
            prop_assert!(normal.is_ascii() && normal.starts_with('/'));
        }
    }
}
