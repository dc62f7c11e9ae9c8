//! The address of a client behind trusted proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, StatusCode, header};

use super::error_response::ErrorResponse;
use super::trusted_proxies::TrustedProxies;
use crate::header_list::header_list;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Returns the client's address of a request that came from `sender`: the last address in the headers of
/// trusted proxies that is not a trusted proxy itself. Fails if two headers name different clients.
pub(super) fn client_addr(
    sender: IpAddr,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
) -> Result<IpAddr, ErrorResponse> {
    if !trusted.contains(sender) {
        return Ok(sender);
    }
    let listed = header_list(headers, X_FORWARDED_FOR).rev().map(parse_address);
    let by_list = walk(sender, listed, trusted);
    if !headers.contains_key(header::FORWARDED) {
        return Ok(by_list);
    }
    // The proxies may have written elements without `for`, as in `proto=https`: then they do not say from
    // where they got the request.
    let mut names_client = false;
    let elements = header_list(headers, header::FORWARDED).rev().map(|element| {
        let client = parse_element(element);
        names_client = client != Some(None);
        client.flatten().and_then(parse_address)
    });
    let by_element = walk(sender, elements, trusted);
    if !headers.contains_key(X_FORWARDED_FOR) {
        return Ok(by_element);
    }
    if names_client && by_list != by_element {
        // A proxy sets one of them and passes on the other, which the client has set.
        let message = "`Forwarded` and `X-Forwarded-For` name different clients: set or remove both in the proxy";
        return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, message));
    }
    Ok(by_list)
}

/// Each proxy appends the address from which it got the request, so the list is read from its end while
/// those addresses are trusted. `None` is no address: what is before it cannot be believed.
fn walk(
    sender: IpAddr,
    from_end: impl Iterator<Item = Option<IpAddr>>,
    trusted: &TrustedProxies,
) -> IpAddr {
    let mut client = sender;
    for address in from_end {
        let Some(address) = address else { break };
        client = address;
        if !trusted.contains(client) {
            break;
        }
    }
    client
}

/// Parses an address with or without port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let address = text
        .parse()
        .ok()
        .or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
        .or_else(|| bracketed().map(IpAddr::V6))?;
    Some(address.to_canonical())
}

/// The text of `for=` in an element of `Forwarded` (RFC 7239 §4), if it has one. `None` if it is no element. The
/// list was split at all commas, those in quotes too: the parts of such an element have unpaired quotes and
/// are no elements.
#[allow(clippy::option_option, reason = "no element and an element without `for` are two things")]
fn parse_element(element: &[u8]) -> Option<Option<&[u8]>> {
    let mut client = None;
    for pair in element.split(|byte| *byte == b';').filter(|pair| !pair.trim_ascii().is_empty()) {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let value = parse_value(pair[equals + 1..].trim_ascii())?;
        if pair[..equals].trim_ascii().eq_ignore_ascii_case(b"for")
            && client.replace(value).is_some()
        {
            return None;
        }
    }
    Some(client)
}

/// A token, or text in quotes, without escapes.
fn parse_value(value: &[u8]) -> Option<&[u8]> {
    let quoted = value.strip_prefix(b"\"").map(|value| value.strip_suffix(b"\""));
    let value = quoted.unwrap_or(Some(value))?;
    (!value.contains(&b'"') && !value.contains(&b'\\')).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(sender: &str, lines: &[(HeaderName, &str)]) -> Result<String, ()> {
        let mut trusted = TrustedProxies::default();
        for network in ["10.0.0.0/8", "fd00::/8"] {
            trusted.add(network).expect("a network");
        }
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().expect("a value"));
        }
        let client = client_addr(sender.parse().expect("an address"), &headers, &trusted);
        client.map(|client| client.to_string()).map_err(drop)
    }

    fn by_list(sender: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| (X_FORWARDED_FOR, *line)).collect();
        client(sender, &lines).expect("one header")
    }

    fn by_element(lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| (header::FORWARDED, *line)).collect();
        client("10.0.0.1", &lines).expect("one header")
    }

    #[test]
    fn client_is_last_listed_address_that_is_not_trusted() {
        for (lines, expected) in [
            (&[][..], "10.0.0.1"),
            (&["192.0.2.1"], "192.0.2.1"),
            (&["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            (&["6.6.6.6, 192.0.2.1,\t10.0.0.2, , fd00::1"], "192.0.2.1"),
            (&["6.6.6.6", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["[2001:db8::1]:4711, 10.0.0.2:80"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:192.0.2.1, ::ffff:10.0.0.2"], "192.0.2.1"),
        ] {
            assert_eq!(by_list("10.0.0.1", lines), expected, "{lines:?}");
            assert_eq!(
                by_list("::ffff:10.0.0.1", lines).replace("::ffff:10.0.0.1", "10.0.0.1"),
                expected
            );
        }
    }

    #[test]
    fn headers_of_sender_that_is_not_trusted_are_not_read() {
        assert_eq!(by_list("192.0.2.9", &["6.6.6.6"]), "192.0.2.9");
        let both = [(X_FORWARDED_FOR, "6.6.6.6"), (header::FORWARDED, "for=7.7.7.7")];
        assert_eq!(client("192.0.2.9", &both).as_deref(), Ok("192.0.2.9"));
    }

    #[test]
    fn addresses_before_garbage_are_not_believed() {
        for garbage in
            ["unknown", "_hidden", "1.2.3", "1.2.3.4.5", "[::1", "ä", "192.0.2.1:port", "a b"]
        {
            let lines = [format!("6.6.6.6, {garbage}, 10.0.0.2")];
            assert_eq!(by_list("10.0.0.1", &[&lines[0]]), "10.0.0.2", "{garbage}");
            assert_eq!(by_list("10.0.0.1", &["6.6.6.6", garbage]), "10.0.0.1", "{garbage}");
        }
    }

    #[test]
    fn client_is_read_from_forwarded() {
        for (lines, expected) in [
            (&["for=192.0.2.1"][..], "192.0.2.1"),
            (&["For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1"], "2001:db8::1"),
            (&["proto=https; for=192.0.2.1:80;"], "192.0.2.1"),
            (&["for=6.6.6.6, for=192.0.2.1", "for=10.0.0.2"], "192.0.2.1"),
            (&["for=6.6.6.6, for=unknown"], "10.0.0.1"),
            (&["for=6.6.6.6, proto=https"], "10.0.0.1"),
            (&["for=6.6.6.6;for=7.7.7.7"], "10.0.0.1"),
            // Text of a client in a quoted value of a proxy's element.
            (&["for=192.0.2.1;host=\"x, for=6.6.6.6\""], "10.0.0.1"),
            (&["for=192.0.2.1;host=\"x,for=6.6.6.6;y=\\\"z\""], "10.0.0.1"),
            // An unpaired quote of a client does not swallow the element of the proxy.
            (&["for=\"", "for=192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(by_element(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn headers_that_name_different_clients_are_refused() {
        let x = |value| (X_FORWARDED_FOR, value);
        let forwarded = |value| (header::FORWARDED, value);
        let same = [x("6.6.6.6, 192.0.2.1"), forwarded("for=192.0.2.1")];
        assert_eq!(client("10.0.0.1", &same).as_deref(), Ok("192.0.2.1"));
        for lines in [
            [x("192.0.2.1"), forwarded("for=6.6.6.6")],
            [x("192.0.2.1"), forwarded("for=unknown")],
            [x(""), forwarded("for=6.6.6.6")],
        ] {
            assert_eq!(client("10.0.0.1", &lines), Err(()), "{lines:?}");
        }
    }

    #[test]
    fn forwarded_without_for_does_not_contradict_the_list() {
        let x = (X_FORWARDED_FOR, "192.0.2.1, 10.0.0.2");
        for forwarded in [
            "proto=https",
            "proto=https;host=chat.example",
            "by=10.0.0.1;proto=https",
            "for=6.6.6.6, proto=https",
            "proto=https, for=10.0.0.2",
            "",
        ] {
            let lines = [x.clone(), (header::FORWARDED, forwarded)];
            assert_eq!(client("10.0.0.1", &lines).as_deref(), Ok("192.0.2.1"), "{forwarded}");
        }
        for forwarded in ["for=unknown;proto=https", "for=_hidden", "for=6.6.6.6", "proto", "\""] {
            let lines = [x.clone(), (header::FORWARDED, forwarded)];
            assert_eq!(client("10.0.0.1", &lines), Err(()), "{forwarded}");
        }
    }

    proptest! {
        /// Whatever a client sends, it cannot choose the address that the proxy appends.
        #[test]
        fn client_cannot_choose_its_address(sent in "[0-9a-f.:,;=\"\\\\ for\\[\\]]{0,40}") {
            prop_assert_eq!(by_list("10.0.0.1", &[&format!("{sent}, 192.0.2.1")]), "192.0.2.1");
            prop_assert_eq!(by_list("10.0.0.1", &[&sent, "192.0.2.1"]), "192.0.2.1");
            prop_assert_eq!(by_element(&[&format!("{sent}, for=192.0.2.1")]), "192.0.2.1");
            prop_assert_eq!(by_element(&[&sent, "for=192.0.2.1"]), "192.0.2.1");
            prop_assert_eq!(by_element(&[&sent, &sent, "for=192.0.2.1", "for=10.0.0.2"]), "192.0.2.1");
        }

        /// A proxy may repeat text of the client in a quoted value of its element.
        #[test]
        fn client_cannot_choose_its_address_in_quoted_value(
            sent in "(for=6\\.6\\.6\\.6|for=|[,;=\" \\\\a]){0,12}",
        ) {
            let quoted = sent.replace('\\', "\\\\").replace('"', "\\\"");
            for element in
                [format!("for=192.0.2.1;host=\"{quoted}\""), format!("host=\"{quoted}\";for=192.0.2.1")]
            {
                let client = by_element(&[&element]);
                // What is split at a comma is not believed.
                prop_assert!(client == "192.0.2.1" || client == "10.0.0.1", "{element}: {client}");
            }
        }
    }
}
