use http::{HeaderMap, header};

/// The value of the first cookie with this name (RFC 6265 §4.2), or `None` if it is not UTF-8.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            Some((pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii()))
        })
        .find_map(|(found, value)| (found == name.as_bytes()).then_some(value))?;
    let is_quoted = value.len() >= 2 && value.starts_with(b"\"") && value.ends_with(b"\"");
    std::str::from_utf8(if is_quoted { &value[1..value.len() - 1] } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn find(lines: &[&[u8]], name: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).expect("a value"));
        }
        cookie(&headers, name).map(str::to_owned)
    }

    #[test]
    fn cookie_is_found_on_any_line_by_exact_name() {
        let lines: [&[u8]; 2] = [b"a=1; session=abc;b=2", b"last=3"];
        for (name, value) in
            [("a", Some("1")), ("session", Some("abc")), ("b", Some("2")), ("last", Some("3"))]
        {
            assert_eq!(find(&lines, name).as_deref(), value, "{name}");
        }
        for name in ["Session", "ession", "c", "", "1"] {
            assert_eq!(find(&lines, name), None, "{name}");
        }
    }

    #[test]
    fn value_is_not_decoded_and_loses_one_pair_of_quotes() {
        for (line, value) in [
            ("a=b=c==", "b=c=="),
            ("a=", ""),
            ("a=\"b c\"", "b c"),
            ("a=\"", "\""),
            ("a=\"\"", ""),
            ("a=%20+%", "%20+%"),
            (" a \t=\t b ", "b"),
            (";; =x; b; a=c", "c"),
        ] {
            assert_eq!(find(&[line.as_bytes()], "a").as_deref(), Some(value), "{line}");
        }
    }

    #[test]
    fn first_of_several_cookies_with_one_name_is_taken() {
        assert_eq!(find(&[b"a=1; a=2", b"a=3"], "a").as_deref(), Some("1"));
        // Not the next one: it would be that of another path.
        assert_eq!(find(&[b"a=\xff; a=2"], "a"), None);
        assert_eq!(find(&[b"b=\xff; a=2"], "a").as_deref(), Some("2"));
    }
}
