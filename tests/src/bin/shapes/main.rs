//! Echoes every shape that serde and TypeScript share, for `tests/web/shapes`.
//!
//! ```sh
//! shapes --addr 127.0.0.1:0     # serves and prints its URL
//! shapes typescript DIR         # writes the client
//! ```

#![allow(unreachable_pub, reason = "as in a library")]

mod contract;
mod directions;
mod types;

use std::error::Error;

use parlor::prelude::*;
use tokio::net::TcpListener;

use contract::{LockedServer, LockedSocket, RulesServer, RulesSocket, ShapesServer, ShapesSocket};
use directions::{DirectionsServer, DirectionsSocket};

/// The session of all procedures.
struct Echo {
    socket: Option<ShapesSocket>,
}

impl contract::Shapes for Echo {
    async fn send_back(&mut self, everything: types::Everything) {
        if let Some(socket) = &self.socket {
            socket.emit().sent_back(&everything);
        }
    }
}

impl contract::Rules for Echo {}

impl contract::Locked for Echo {}

impl directions::Directions for Echo {}

fn router() -> Router {
    let shapes =
        ShapesServer::new(|socket: ShapesSocket| async { Ok(Echo { socket: Some(socket) }) });
    let rules = RulesServer::new(|_: RulesSocket| async { Ok(Echo { socket: None }) });
    let locked = LockedServer::new(|_: LockedSocket| async {
        Err::<Echo, _>(Reject::unauthorized("no client has the key"))
    });
    let directions =
        DirectionsServer::new(|_: DirectionsSocket| async { Ok(Echo { socket: None }) });
    Router::new()
        .procedure("/api/shapes", shapes)
        .procedure("/api/directions", directions)
        .procedure("/api/rules", rules)
        .procedure("/api/locked", locked)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["typescript", folder] => {
            router().typescript().write(folder)?;
        }
        ["--addr", addr] => {
            let listener = TcpListener::bind(addr).await?;
            println!("listening at ws://{}/api", listener.local_addr()?);
            router().serve(listener).await?;
        }
        _ => return Err("usage: shapes --addr 127.0.0.1:0 | shapes typescript DIR".into()),
    }
    Ok(())
}
