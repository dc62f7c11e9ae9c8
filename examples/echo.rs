//! Sends text and binary messages back as they came: what Autobahn's testsuite is run against.
//!
//! ```sh
//! PORT=9002 cargo run --release --example echo
//! ```

use std::error::Error;

use parlor::prelude::*;
use tokio::net::TcpListener;

/// Autobahn's largest messages have 16 MiB.
const MAX_MESSAGE_SIZE: usize = 32 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let port = std::env::var("PORT").unwrap_or_else(|_| "9002".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    Router::new().echo("/", MAX_MESSAGE_SIZE).serve(listener).with_signals().await?;
    Ok(())
}
