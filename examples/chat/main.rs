//! A chat with rooms: a server with a web page, and a client for the terminal.
//!
//! ```sh
//! cargo run --example chat                                  # the server, with the page at /
//! cargo run --example chat -- join general --name ada       # a client, in a second terminal
//! cargo run --example chat -- typescript DIR                # writes the client of the page
//! examples/cluster.sh                                       # three servers with common rooms
//! ```

mod broker;
mod contract;
mod server;
mod terminal;
mod web_app;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::broker::Broker;

const USAGE: &str =
    "usage: chat [--addr 127.0.0.1:3000] [--redis redis://127.0.0.1 | --nats nats://127.0.0.1]
       chat join ROOM [--name NAME] [--url ws://127.0.0.1:3000/api/chat/wsChat]
       chat typescript DIR";

#[tokio::main]
async fn main() -> ExitCode {
    parlor_examples::log();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (mut room, mut name, mut url, mut addr, mut broker) = (None, None, None, None, None);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(USAGE)?;
        match arg.as_str() {
            "typescript" => {
                web_app::client(&server::procedures()).write(value)?;
                return Ok(());
            }
            "join" => room = Some(value),
            "--name" => name = Some(value),
            "--url" => url = Some(value),
            "--addr" => addr = Some(value),
            "--redis" => broker = Some(Broker::Redis(value)),
            "--nats" => broker = Some(Broker::Nats(value)),
            _ => return Err(USAGE.into()),
        }
    }
    match room {
        Some(room) => {
            let url = url.as_deref().unwrap_or("ws://127.0.0.1:3000/api/chat/wsChat");
            terminal::join(url, room, name.as_deref().unwrap_or("guest")).await
        }
        None => serve(addr, broker).await,
    }
}

async fn serve(addr: Option<String>, broker: Option<Broker>) -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(addr.unwrap_or_else(|| format!("127.0.0.1:{port}"))).await?;
    let addr = listener.local_addr()?;
    let is_default = addr.port() == 3000 && addr.ip().is_loopback();
    let url =
        if is_default { String::new() } else { format!(" --url ws://{addr}/api/chat/wsChat") };
    println!("Parlor's chat is at http://{addr}");
    println!("Join it from a terminal, too:");
    println!("  cargo run --example chat -- join general --name ada{url}");

    let mut procedures = server::procedures();
    if let Some(broker) = broker {
        procedures = broker.link(procedures).await?;
        procedures.start();
    }
    let app = web_app::app(procedures.clone()).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(parlor_examples::ctrl_c()).await?;
    procedures.shutdown().await;
    Ok(())
}
