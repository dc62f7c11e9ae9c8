//! The header of the PROXY protocol, version 2: the first bytes of a connection from a TCP proxy. The
//! protocol is described at <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// What each header begins with.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The fixed part: the signature, version and command, family and protocol, the length of the rest.
const FIXED: usize = 16;

/// A header at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProxyHeader {
    /// The client. `None` for a connection of the proxy itself, such as a health check, and for clients
    /// without an IP address.
    pub(crate) source: Option<SocketAddr>,
    /// The length of the header in bytes.
    pub(crate) length: usize,
}

impl ProxyHeader {
    /// Returns `None` if `bytes` are the beginning of a header. Fails with the likely cause if they cannot
    /// become one of at most `max_length` bytes.
    pub(crate) fn parse(bytes: &[u8], max_length: usize) -> Result<Option<Self>, &'static str> {
        if !bytes.starts_with(&SIGNATURE) && !SIGNATURE.starts_with(bytes) {
            return Err(if b"PROXY ".starts_with(bytes) || bytes.starts_with(b"PROXY ") {
                "this is a PROXY protocol header, version 1: set the proxy to version 2, such as `send-proxy-v2` of \
                 HAProxy"
            } else {
                "this connection does not begin with a PROXY protocol header, version 2, which this server needs: \
                 turn it on in the proxy, such as `send-proxy-v2` of HAProxy, or turn off `Router::proxy_protocol`"
            });
        }
        let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else { return Ok(None) };
        let [.., version_and_command, family, high, low] = *fixed;
        let size = usize::from(u16::from_be_bytes([high, low]));
        let length = FIXED + size;
        if length > max_length {
            return Err("the PROXY protocol header is longer than `Handshakes::max_request_size`");
        }
        let is_local = match version_and_command {
            0x20 => true,
            0x21 => false,
            _ => return Err("the PROXY protocol header has an unknown version or command"),
        };
        let Some(addresses) = rest.get(..size) else { return Ok(None) };
        let source = if is_local { None } else { source(family, addresses)? };
        Ok(Some(Self { source, length }))
    }
}

/// The source address. After the addresses there may be other data, which is skipped.
fn source(family: u8, addresses: &[u8]) -> Result<Option<SocketAddr>, &'static str> {
    let source = match family {
        // TCP over IPv4: two addresses, then two ports.
        0x11 => addresses.first_chunk::<12>().map(|block| {
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *block;
            let port = u16::from_be_bytes([high, low]);
            Some(SocketAddr::from((Ipv4Addr::new(a, b, c, d), port)))
        }),
        // TCP over IPv6.
        0x21 => addresses.first_chunk::<36>().and_then(|block| {
            let address = Ipv6Addr::from(*block.first_chunk::<16>()?);
            let port = u16::from_be_bytes([block[32], block[33]]);
            Some(Some(SocketAddr::from((address, port))))
        }),
        // Unknown, UDP, or Unix sockets: the header is valid, but has no address of a TCP client.
        0x00 | 0x12 | 0x22 | 0x31 | 0x32 => Some(None),
        _ => return Err("the PROXY protocol header has an unknown address family or protocol"),
    };
    source.ok_or("the PROXY protocol header is too short for its addresses")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 536;

    fn parse(bytes: &[u8]) -> Result<Option<ProxyHeader>, &'static str> {
        ProxyHeader::parse(bytes, MAX)
    }

    fn header(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let size = u16::try_from(rest.len()).expect("a short rest").to_be_bytes();
        [&SIGNATURE[..], &[version_and_command, family], &size, rest].concat()
    }

    const IPV4: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x67, 1, 0xbb];

    fn ipv6() -> Vec<u8> {
        let address = |text: &str| text.parse::<Ipv6Addr>().expect("an address").octets();
        [&address("2001:db8::1")[..], &address("2001:db8::2"), &[0x12, 0x67, 1, 0xbb]].concat()
    }

    #[test]
    fn source_address_is_read() {
        let more = [&IPV4[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
        for (bytes, source) in [
            (header(0x21, 0x11, &IPV4), Some("192.0.2.1:4711")),
            (header(0x21, 0x11, &more), Some("192.0.2.1:4711")),
            (header(0x21, 0x21, &ipv6()), Some("[2001:db8::1]:4711")),
            (header(0x20, 0x11, &IPV4), None),
            (header(0x20, 0x00, &[]), None),
            (header(0x20, 0xff, &[1, 2, 3]), None),
            (header(0x21, 0x00, &[]), None),
            (header(0x21, 0x31, &[0; 216]), None),
        ] {
            let source = source.map(|source| source.parse().expect("an address"));
            let header = ProxyHeader { source, length: bytes.len() };
            assert_eq!(parse(&[&bytes[..], b"GET /"].concat()), Ok(Some(header)));
        }
    }

    #[test]
    fn other_bytes_are_refused_with_likely_cause() {
        for (bytes, cause) in [
            (b"GET / HTTP/1.1\r\n".to_vec(), "does not begin with"),
            (b"G".to_vec(), "does not begin with"),
            (b"\r\n\r\n\0\r\nQUIZ".to_vec(), "does not begin with"),
            (b"\x16\x03\x01".to_vec(), "does not begin with"),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(), "version 1"),
            (header(0x11, 0x11, &IPV4), "version or command"),
            (header(0x22, 0x11, &IPV4), "version or command"),
            (header(0x21, 0x41, &IPV4), "family"),
            (header(0x21, 0x11, &IPV4[..11]), "too short"),
            (header(0x21, 0x21, &IPV4), "too short"),
            (header(0x21, 0x11, &[0; 521]), "`Handshakes::max_request_size`"),
        ] {
            let error = parse(&bytes).expect_err(cause);
            assert!(error.contains(cause), "{error}");
        }
        assert!(parse(&header(0x21, 0x11, &[0; 520])).is_ok_and(|header| header.is_some()));
    }

    proptest! {
        /// Otherwise the result would depend on how TCP splits the bytes.
        #[test]
        fn header_is_the_same_however_it_is_split(
            bytes in prop_oneof![
                (0x1f..0x23_u8, 0..0x33_u8, prop::collection::vec(any::<u8>(), 0..600)).prop_map(
                    |(command, family, rest)| header(command, family, &rest)
                ),
                prop::collection::vec(any::<u8>(), 0..40),
            ],
            cut in 0..640_usize,
        ) {
            let whole = parse(&bytes);
            let part = parse(&bytes[..cut.min(bytes.len())]);
            if let Ok(Some(header)) = &whole {
                prop_assert!(header.length <= bytes.len().min(MAX));
            }
            // A part is incomplete, or has the result of the whole.
            prop_assert!(part == Ok(None) || part == whole, "{part:?} {whole:?}");
            prop_assert!(whole != Ok(None) || bytes.len() < MAX);
        }
    }
}
