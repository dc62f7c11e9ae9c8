//! Opens the two byte streams of a link.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::select_ok;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::address::{Address, Place};
use super::failure::Failure;
use crate::transport::Transport;

/// The longest time until a TCP connection is open, with the lookup of its host.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// The most addresses of one host that are tried, all at once.
const MAX_ADDRESSES: usize = 8;

/// Two streams to the same address.
pub(super) async fn open_two(address: &Address) -> Result<[Transport; 2], Failure> {
    match &address.place {
        Place::Tcp { host, port } => {
            let first = within_timeout(connect_host(host, *port)).await?;
            let peer = first.peer_addr()?;
            // A host may have several addresses, and these may lead to servers that know nothing of each other.
            let second = within_timeout(TcpStream::connect(peer)).await?;
            Ok([first.into(), second.into()])
        }
        #[cfg(unix)]
        Place::Unix(path) => {
            let connect = || tokio::net::UnixStream::connect(path);
            let (first, second) =
                (within_timeout(connect()).await?, within_timeout(connect()).await?);
            Ok([Transport::Other(Box::new(first)), Transport::Other(Box::new(second))])
        }
        #[cfg(not(unix))]
        Place::Unix(_) => Err(Failure::Unusable("this system has no Unix sockets".to_owned())),
    }
}

/// Encrypts the stream if the URL asks for it.
#[cfg(feature = "rustls")]
pub(super) async fn secure(stream: Transport, address: &Address) -> Result<Transport, Failure> {
    use std::sync::Arc;

    let (Some(config), Place::Tcp { host, .. }) = (&address.tls, &address.place) else {
        return Ok(stream);
    };
    let name = rustls::pki_types::ServerName::try_from(host.clone())
        .map_err(|error| Failure::Tls(error.to_string()))?;
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
    match connector.connect(name, stream).await {
        Ok(stream) => Ok(Transport::Other(Box::new(stream))),
        Err(error) => Err(Failure::of_tls(&error)),
    }
}

/// Whether the server of a URL with TLS answers without it. Redis waits when it receives the first bytes of TLS on a
/// port without it, so that nothing else tells this.
#[cfg(feature = "rustls")]
pub(super) async fn answers_without_tls(address: &Address) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let Place::Tcp { host, port } = &address.place else { return false };
    let first_byte = within_timeout(async {
        let mut stream = connect_host(host, *port).await?;
        stream.write_all(b"PING\r\n").await?;
        stream.read_u8().await
    });
    matches!(first_byte.await, Ok(b'+' | b'-'))
}

#[cfg(not(feature = "rustls"))]
#[allow(clippy::unused_async, reason = "with `rustls` it is asynchronous")]
pub(super) async fn secure(stream: Transport, _: &Address) -> Result<Transport, Failure> {
    Ok(stream)
}

async fn connect_host(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.take(MAX_ADDRESSES).collect();
    if addresses.is_empty() {
        return Err(io::Error::other("the host has no address"));
    }
    let attempts = addresses.into_iter().map(|address| Box::pin(TcpStream::connect(address)));
    Ok(select_ok(attempts).await?.0)
}

async fn within_timeout<T>(connect: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(CONNECT_TIMEOUT, connect).await {
        Ok(connected) => connected,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within 500 ms")),
    }
}
