use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below the ports that systems give to outgoing connections.
const FIRST: u16 = 12_000;
const COUNT: u64 = 18_000;

/// Returns an address of 127.0.0.1 on which a server listens, ends, and listens again.
///
/// Its port is none that systems give to outgoing connections. Such a port may be taken while no server listens.
/// A client that dials it again and again may even get it for its own end, and is then connected to itself.
///
/// # Panics
///
/// When no port is free.
pub fn reusable_addr() -> SocketAddr {
    let random = RandomState::new();
    (0..1_000)
        .map(|attempt: u32| {
            let offset = random.hash_one(attempt) % COUNT;
            let port = FIRST + u16::try_from(offset).expect("less than 18 000");
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        })
        .find(|addr| TcpListener::bind(addr).is_ok())
        .expect("a free port")
}
