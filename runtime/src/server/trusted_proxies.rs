use std::net::IpAddr;

/// The proxies from whose headers the address of a client is read.
#[derive(Debug, Clone, Default)]
pub(super) struct TrustedProxies(Vec<Network>);

/// The addresses that have the first `prefix` bits of `address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl TrustedProxies {
    /// Adds an address or a network in CIDR notation. Fails with what is wrong with `text`.
    pub(super) fn add(&mut self, text: &str) -> Result<(), &'static str> {
        self.0.push(Network::parse(text)?);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An IPv4-mapped IPv6 address is the IPv4 address.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address.to_canonical()))
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| "is no IP address or network, as in `10.0.0.0/8` or `::1`")?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => Some(bits),
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= bits),
        };
        let prefix = prefix.ok_or("has no valid prefix length after its `/`")?;
        let network = match address {
            IpAddr::V6(mapped) if prefix >= 96 && address.to_canonical().is_ipv4() => {
                Self { address: mapped.to_canonical(), prefix: prefix - 96 }
            }
            address => Self { address, prefix },
        };
        if to_bits(network.address).checked_shl(network.prefix.into()).is_some_and(|rest| rest != 0)
        {
            return Err("has bits after its prefix: a network ends in zeros, as in `10.0.0.0/8`");
        }
        Ok(network)
    }

    fn contains(self, address: IpAddr) -> bool {
        let difference = to_bits(self.address) ^ to_bits(address);
        let prefix = difference.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0);
        address.is_ipv4() == self.address.is_ipv4() && prefix == 0
    }
}

/// The bits of the address, beginning with the highest.
fn to_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        let mut proxies = TrustedProxies::default();
        proxies.add(network).expect(network);
        proxies.contains(address.parse().expect("an address"))
    }

    #[test]
    fn network_contains_addresses_with_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.2"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
            ("::1", "::1", "::2"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("0.0.0.0/0", "1.2.3.4", "::1"),
            ("::/0", "::1", "1.2.3.4"),
        ] {
            assert!(contains(network, inside), "{network} {inside}");
            assert!(!contains(network, outside), "{network} {outside}");
        }
    }

    #[test]
    fn other_text_is_no_network() {
        for text in [
            "",
            "proxy",
            "10.0.0/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "::/129",
            "10.0.0.1/8",
            "2001:db8::1/32",
            "10.0.0.0:80",
            "[::1]",
            "10.0.0.0/8/8",
            " ::1",
            "*",
        ] {
            assert!(TrustedProxies::default().add(text).is_err(), "{text}");
        }
    }
}
