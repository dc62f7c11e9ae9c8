//! Sends text and binary messages back unchanged. Autobahn's testsuite runs against it.
//!
//! ```sh
//! PORT=9002 cargo run --release --example echo
//! ```

use std::error::Error;

use tokio::net::TcpListener;

/// The largest messages of Autobahn have 16 MiB.
const MAX_MESSAGE_SIZE: usize = 32 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let port = std::env::var("PORT").unwrap_or_else(|_| "9002".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = parlor::__echo::echo(stream, MAX_MESSAGE_SIZE).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}
