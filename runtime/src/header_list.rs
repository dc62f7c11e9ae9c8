use http::{HeaderMap, HeaderName};

/// The elements of a header field that is a list, on any number of lines, without the space and tab around
/// them (RFC 9110 §5.3 and §5.6.1). Empty elements are left out.
pub(crate) fn header_list(
    headers: &HeaderMap,
    name: HeaderName,
) -> impl DoubleEndedIterator<Item = &[u8]> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// Returns whether the list has this element, in any case.
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) fn header_list_contains(headers: &HeaderMap, name: HeaderName, element: &str) -> bool {
    header_list(headers, name).any(|listed| listed.eq_ignore_ascii_case(element.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn elements_of_all_lines_are_listed_in_order() {
        let mut headers = HeaderMap::new();
        for line in [" a,b\t", "", ",, \t,c d\t,", "\u{e9}"] {
            headers.append(header::UPGRADE, line.parse().expect("a value"));
        }
        let elements: Vec<_> = header_list(&headers, header::UPGRADE).collect();
        assert_eq!(elements, [&b"a"[..], b"b", b"c d", "\u{e9}".as_bytes()]);
        assert_eq!(header_list(&headers, header::CONNECTION).count(), 0);
    }
}
