//! The server used to benchmark Parlor: a chat with an echo and default settings.
//!
//! ```sh
//! PORT=9001 cargo run --release --example bench_server                       # one thread per core
//! PORT=9001 cargo run --release --example bench_server -- --shared-runtime   # on tokio's runtime
//! PORT=9001 cargo run --release --example bench_server -- --axum             # inside axum
//! PORT=9001 cargo run --release --example bench_server -- --no-recovery      # sessions are not kept
//! PORT=9001 cargo run --release --features redis --example bench_server -- --redis redis://127.0.0.1   # a node
//! ```
//!
//! A node prints what it did not get from others.

#[path = "chat/broker.rs"]
mod broker;
#[path = "load/parlor_server.rs"]
mod parlor_server;

use std::error::Error;
use std::time::Duration;

use parlor::Router;
use parlor::server::Recovery;
use parlor_server::chat;
use tokio::net::TcpListener;

use crate::broker::Broker;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let port = std::env::var("PORT").unwrap_or_else(|_| "9001".to_owned());
    let args: Vec<String> = std::env::args().collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let recovery = if has("--no-recovery") {
        Recovery { window: Duration::ZERO, ..Recovery::default() }
    } else {
        Recovery::default()
    };
    let after = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1).cloned();
    let broker = after("--redis").map(Broker::Redis).or_else(|| after("--nats").map(Broker::Nats));
    let chat = chat().recovery(recovery);
    let io = chat.io();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut router = Router::new().procedure("/chat", chat);
    if let Some(broker) = broker {
        router = broker.link(router).await?;
        let mut gaps = io.gaps();
        tokio::spawn(async move {
            while let Some(gap) = gaps.next().await {
                println!("{gap:?}");
            }
        });
    }
    if has("--axum") {
        let app = axum::Router::new().fallback_service(router.clone());
        axum::serve(listener, app).with_graceful_shutdown(parlor_examples::ctrl_c()).await?;
        router.shutdown().await;
    } else if has("--shared-runtime") {
        router.serve(listener).with_signals().await?;
    } else {
        router.serve(listener).with_threads(0).with_signals().await?;
    }
    Ok(())
}
