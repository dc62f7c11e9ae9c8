use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

/// An address to listen on, or a bound listener.
pub trait Listen {
    /// Binds the address, or returns the listener.
    fn listen(self) -> impl Future<Output = io::Result<TcpListener>> + Send + 'static;
}

impl Listen for TcpListener {
    async fn listen(self) -> io::Result<TcpListener> {
        Ok(self)
    }
}

impl Listen for std::net::TcpListener {
    async fn listen(self) -> io::Result<TcpListener> {
        self.set_nonblocking(true)?;
        TcpListener::from_std(self)
    }
}

impl Listen for &str {
    fn listen(self) -> impl Future<Output = io::Result<TcpListener>> + Send + 'static {
        self.to_owned().listen()
    }
}

impl Listen for String {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(self).await
    }
}

impl Listen for SocketAddr {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(self).await
    }
}

impl Listen for ([u8; 4], u16) {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(SocketAddr::from(self)).await
    }
}

impl Listen for (IpAddr, u16) {
    async fn listen(self) -> io::Result<TcpListener> {
        TcpListener::bind(self).await
    }
}
