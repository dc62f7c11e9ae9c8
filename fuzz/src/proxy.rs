//! The header of the PROXY protocol.

use parlor::__fuzz::proxy_header;

pub fn run(bytes: &[u8]) {
    let Some((source, length)) = proxy_header(bytes) else { return };
    assert!(length <= bytes.len() && length <= 536);
    assert_eq!(proxy_header(&bytes[..length]), Some((source, length)));
    assert_eq!(proxy_header(&bytes[..length - 1]), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_headers() {
        for (seed, source) in [
            (&include_bytes!("../seeds/proxy/ipv4")[..], Some("192.0.2.1:4711")),
            (include_bytes!("../seeds/proxy/ipv6"), Some("[2001:db8::1]:4711")),
            (include_bytes!("../seeds/proxy/local"), None),
            (include_bytes!("../seeds/proxy/with-more"), Some("10.0.0.9:4711")),
        ] {
            let (found, _) = proxy_header(seed).expect("a header");
            assert_eq!(found.map(|found| found.to_string()).as_deref(), source);
        }
    }
}
